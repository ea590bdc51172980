"""The API description of this very program: made once from its operations, served to anybody who asks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import condition

from keys import states
from kmsconsole import __version__
from operations import openapi
from operations.operation import Operation
from operations.rest import reading_only

# Where an operation is filed: by the story, told in one module of services, that it belongs to.
CHAPTERS = {
    "keys.services.creation": "Keys",
    "keys.services.listing": "Keys",
    "keys.services.lifecycle": "Keys",
    "keys.services.aliases": "Aliases",
    "keys.services.encryption": "Data",
    "keys.api.reencryption": "Data",
    "keys.services.datakeys": "Data keys",
    "keys.services.datakeypairs": "Data keys",
    "keys.services.randomness": "Data keys",
    "keys.services.signing": "Signatures",
    "keys.services.macs": "Message authentication codes",
    "keys.services.rotation": "Rotation",
    "keys.services.grants": "Grants",
    "keys.services.account": "Account",
    "keys.services.tagging": "Tags",
    "tags.services": "Tags",
    "imports.services.parameters": "Import",
    "imports.services.material": "Import",
    "projects.queries": "Enterprise projects",
    "projects.services.enterprise_projects": "Enterprise projects",
}


def chapter(operation: Operation) -> str:
    module = operation.run.__module__
    return CHAPTERS.get(module) or module.rpartition(".")[2].replace("_", " ").capitalize()


CONTEXT = openapi.Context(refusals=states.refusals_of, chapter=chapter, version=__version__)


def serving(operations: tuple[Operation, ...]) -> Callable[[HttpRequest], HttpResponseBase]:
    """`GET /v1.0/openapi.json`: no login, no secret, the same until the program changes."""
    text = json.dumps(openapi.document(operations, CONTEXT), ensure_ascii=False, separators=(",", ":")).encode()
    digest = f'"{hashlib.sha256(text).hexdigest()[:32]}"'

    @reading_only
    @condition(etag_func=lambda request: digest)
    def openapi_json(request: HttpRequest) -> HttpResponse:
        return HttpResponse(text, content_type="application/json")

    return openapi_json
