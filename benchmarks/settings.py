"""The product's own settings, with one bare view beside it."""

from kmsconsole.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.urls"
