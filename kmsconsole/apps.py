"""The project as a Django app, so that it can hold management commands and start-up checks."""

from typing import Any

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class KmsConsoleConfig(AppConfig):
    name = "kmsconsole"
    verbose_name = "KMS Console"

    def ready(self) -> None:
        from kmsconsole import checks  # noqa: F401  (importing it registers the checks)

        # Sent once all tables are there, also where no migration was due.
        post_migrate.connect(_watch, sender=apps.get_app_config("operations"))


def _watch(**_signal: Any) -> None:
    from iam.changes import WATCHED as IDENTITY
    from keys.changes import WATCHED as KEYS
    from operations import changes
    from projects.changes import WATCHED as PROJECTS

    changes.install((*PROJECTS, *IDENTITY, *KEYS))
