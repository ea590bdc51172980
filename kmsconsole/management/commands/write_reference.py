"""`make docs`: writes docs/reference from the declarations."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Write docs/reference anew."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        from kmsconsole import reference

        folder = settings.BASE_DIR / "docs/reference"
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in reference.pages().items():
            (folder / name).write_text(text)
            self.stdout.write(f"docs/reference/{name}")
