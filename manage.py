#!/usr/bin/env python3
"""Django's own entry: every command of the product starts here."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured


def main() -> None:
    os.umask(0o077)  # every file the product makes is its own
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kmsconsole.settings")
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"KMS Console cannot start: {error}")


if __name__ == "__main__":
    main()
