"""The API description of this very program: made once from its operations, served to anybody who asks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import condition, require_safe

from keys import states
from kmsconsole import __version__
from operations import openapi
from operations.operation import Operation

# Where an operation is filed: by the story, told in one module of services, that it belongs to.
CHAPTERS = {
    "creation": "Keys",
    "listing": "Keys",
    "lifecycle": "Keys",
    "encryption": "Encryption",
    "reencryption": "Encryption",
    "datakeys": "Data keys",
    "datakeypairs": "Data keys",
    "randomness": "Data keys",
    "signing": "Signatures",
    "macs": "Message authentication codes",
    "parameters": "Import",
    "material": "Import",
    "tagging": "Tags",
    "services": "Tags",
}


def chapter(operation: Operation) -> str:
    story = operation.run.__module__.rpartition(".")[2]
    return CHAPTERS.get(story) or story.replace("_", " ").capitalize()


CONTEXT = openapi.Context(refusals=states.refusals_of, chapter=chapter, version=__version__)


def serving(operations: tuple[Operation, ...]) -> Callable[[HttpRequest], HttpResponseBase]:
    """`GET /v1.0/openapi.json`: no login, no secret, the same until the program changes."""
    text = json.dumps(openapi.document(operations, CONTEXT), ensure_ascii=False, separators=(",", ":")).encode()
    digest = f'"{hashlib.sha256(text).hexdigest()[:32]}"'

    @require_safe
    @condition(etag_func=lambda request: digest)
    def openapi_json(request: HttpRequest) -> HttpResponse:
        return HttpResponse(text, content_type="application/json")

    return openapi_json
