#!/usr/bin/env python3
"""Django's own entry: every command of the product starts here."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, ProgrammingError


def main() -> None:
    os.umask(0o077)  # every file the product makes is its own
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kmsconsole.settings")
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"KMS Console cannot start: {error}")
    except (OperationalError, ProgrammingError) as error:
        # Not there, not reachable, or without its tables.
        sys.exit(
            f"The database cannot be used: {str(error).strip()}. "
            "The first `make run` or `manage.py prepare` makes it; give this command its KMS_HOME or KMS_DATABASE_URL."
        )


if __name__ == "__main__":
    main()
