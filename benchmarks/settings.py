"""The product's own settings, with one bare view beside it."""

import os

from kmsconsole import server
from kmsconsole.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.urls"
server.TARGET = "benchmarks.server:application"
# A user may import a few times a minute; the benchmark is hundreds of users.
KMS_RATE_LIMITS = os.environ.get("BENCHMARK_RATE_LIMITS") != "off"
