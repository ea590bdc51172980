"""An operation as a request over HTTP, made from its declaration: one dictionary fills path, query or body."""

from __future__ import annotations

import json
import re
from urllib.parse import quote, urlencode

PART = re.compile(r"<(?:\w+:)?(\w+)>")


def url_of(operation, project_id, fields):
    """The address with its parts, and the fields that are left for query or body."""
    left = dict(fields)
    path = PART.sub(lambda part: quote(str(left.pop(part[1])), safe=""), operation.path)
    return (f"/v1.0/{project_id}/{path}" if operation.in_project else f"/v1.0/{path}"), left


def send(client, operation, project_id, fields, headers):
    url, left = url_of(operation, project_id, fields)
    if operation.method == "GET":
        return client.get(f"{url}?{urlencode(left)}", headers=headers)
    return client.generic(operation.method, url, json.dumps(left), content_type="application/json", headers=headers)


def code_of(response):
    """The code of a refusal, nested as the service writes it or flat as the gateway does; "" for a success."""
    if response.status_code < 400:
        return ""
    body = response.json()
    return body.get("error", body)["error_code"]
