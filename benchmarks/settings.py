"""The product's own settings, with one bare view beside it."""

from kmsconsole import server
from kmsconsole.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.urls"
server.TARGET = "benchmarks.server:application"
