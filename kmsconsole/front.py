"""The address itself: people are led to the console, programs are told which versions of the API there are."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse

from operations.rest import base_of, reading_only

API_VERSION = "v1.0"
UPDATED = "2026-11-25T00:00:00Z"


@reading_only
def door(request: HttpRequest) -> HttpResponse:
    """A browser asks for HTML; the original's clients ask for anything or for JSON (api.md 3.9)."""
    if "text/html" in request.headers.get("Accept", ""):
        return HttpResponseRedirect(reverse("keys:list"))
    return JsonResponse({"versions": [_version(request)]})


@reading_only
def version(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"version": _version(request)})


def _version(request: HttpRequest) -> dict[str, object]:
    return {
        "id": API_VERSION,
        "links": [{"href": f"{base_of(request)}/{API_VERSION}/", "rel": "self"}],
        "min_version": "",
        "version": "",
        "status": "CURRENT",
        "updated": UPDATED,
    }
