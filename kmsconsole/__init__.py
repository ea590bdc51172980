"""The project: settings, URLs, jobs and the commands that start it. The only package that knows every other."""

__version__ = "0.1.0"
