"""Top bar and side menu, as data."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from kmsconsole import __version__


def console(request: HttpRequest) -> dict[str, Any]:
    """Context processor: what every page of the console shows around its content."""
    return {"console": {"test_mode": settings.KMS_TEST_MODE, "version": __version__}}
