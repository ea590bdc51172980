"""The project as a Django app, so that it can hold management commands and start-up checks."""

from django.apps import AppConfig


class KmsConsoleConfig(AppConfig):
    name = "kmsconsole"
    verbose_name = "KMS Console"

    def ready(self) -> None:
        from kmsconsole import checks  # noqa: F401  (importing it registers the checks)
