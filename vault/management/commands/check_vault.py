"""Opens every key under the root key and says how many there are; fails if one does not open."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from vault import inspection


class Command(BaseCommand):
    help = "Check that the root key opens every service key and project key of this database."

    def handle(self, *args: Any, **options: Any) -> None:
        findings = inspection.inspect()
        for (kind, root_id), count in sorted(findings.opened.items()):
            self.stdout.write(f"{kind} under root key {root_id}: {count} opened")
        for note in findings.notes:
            self.stdout.write(note)
        if findings.faults:
            raise CommandError("\n".join(findings.faults), returncode=1)
        self.stdout.write("Every key opens.")
