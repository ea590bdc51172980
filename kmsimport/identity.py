"""Signing in at Keystone v3, and finding the key service in its catalog.

Works with one host for both, as ours is, and with an IAM host beside the KMS host, as the original cloud is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode, urlsplit

from kmsimport import asking
from kmsimport.access_keys import AccessKey
from kmsimport.connection import Answer, Connection, Credentials, Request
from kmsimport.faults import Exit, Fault, usage
from kmsimport.settings import Settings

# The same service under two names, for clients of two kinds.
SERVICE_TYPES = ("kms", "kmsv1")


@dataclass(frozen=True)
class Token:
    value: str = field(repr=False)

    def headers_for(self, request: Request) -> Mapping[str, str]:
        return {**request.headers, "X-Auth-Token": self.value}


@dataclass(frozen=True)
class Session:
    """Signed in: as whom, in which project, and where the key service is (with the project in its path)."""

    credentials: Credentials
    who: str
    project_id: str
    base: str


def sign_in(connection: Connection, settings: Settings, *, password_fd: int | None) -> Session:
    """By token, access key or password, whichever of them is given first. Raises a Fault of SIGN_IN, NETWORK, USAGE."""
    if settings.token:
        return _by_token(connection, settings)
    if settings.access_key:
        return _by_access_key(connection, settings)
    return _by_password(connection, settings, password_fd)


# --- by password --------------------------------------------------------------------------------------------------


def _by_password(connection: Connection, settings: Settings, password_fd: int | None) -> Session:
    if not settings.user:
        raise usage("Who are you?", "Set OS_USERNAME and OS_DOMAIN_NAME, or OS_ACCESS_KEY and OS_SECRET_KEY.")
    if not settings.user_domain:
        raise usage("Of which account is the user?", "Set OS_DOMAIN_NAME or --domain: the name of the account.")
    url = f"{_identity_base(settings)}/auth/tokens"
    connection.check(url)
    body = {"auth": {"identity": _identity(settings, _password(settings, password_fd)), "scope": _scope(settings)}}
    answer = connection.send(Request("POST", url, json.dumps(body).encode()), repeatable=True)
    if answer.status != 201 or not answer.headers.get("X-Subject-Token"):
        raise _refused(answer, "The sign-in was refused")
    return _session(settings, Token(answer.headers["X-Subject-Token"]), answer.json)


def _password(settings: Settings, descriptor: int | None) -> str:
    if descriptor is not None:
        return asking.line(descriptor, "--password-fd")
    return settings.password or asking.prompt(f"Password of {settings.user}: ", "OS_PASSWORD or --password-fd")


def _identity(settings: Settings, password: str) -> dict[str, Any]:
    user = {"name": settings.user, "password": password, "domain": {"name": settings.user_domain}}
    return {"methods": ["password"], "password": {"user": user}}


def _scope(settings: Settings) -> dict[str, Any]:
    if settings.project_id:
        return {"project": {"id": settings.project_id}}
    # A region's first project bears the region's name.
    name = settings.project_name or settings.region
    if not name:
        raise usage("In which project?", "Set OS_PROJECT_NAME, as in eu-de, or OS_PROJECT_ID.")
    return {"project": {"name": name, "domain": {"name": settings.project_domain}}}


# --- with a token that was got elsewhere --------------------------------------------------------------------------


def _by_token(connection: Connection, settings: Settings) -> Session:
    token = Token(settings.token)
    if not settings.auth_url:
        if not settings.project_id:
            raise usage("Of which project is the token?", "Set OS_PROJECT_ID, or OS_AUTH_URL to look it up.")
        return Session(token, "a token", settings.project_id, service_url(settings.endpoint, settings.project_id))
    url = f"{_identity_base(settings)}/auth/tokens"
    request = Request("GET", url, headers={"X-Subject-Token": settings.token})
    answer = connection.send(request, token, repeatable=True)
    if answer.status != 200:
        raise _refused(answer, "The token was refused")
    return _session(settings, token, answer.json)


# --- by access key ------------------------------------------------------------------------------------------------


def _by_access_key(connection: Connection, settings: Settings) -> Session:
    """Nothing is sent to sign in: each request is signed. Only what is not told is looked up."""
    if not settings.secret_key:
        raise usage("The access key comes without its secret key.", "Set OS_SECRET_KEY or HUAWEICLOUD_SDK_SK.")
    key = AccessKey(settings.access_key, settings.secret_key, settings.security_token)
    project_id = settings.project_id or _project(connection, settings, key)
    key = replace(key, project_id=project_id)
    base = settings.endpoint or _from_own_catalog(connection, settings, key)
    return Session(key, f"access key {key.access_key}, project {project_id}", project_id, service_url(base, project_id))


def _project(connection: Connection, settings: Settings, key: AccessKey) -> str:
    """The project of that name; a region's first project bears the region's name."""
    name = settings.project_name or settings.region
    if not name:
        raise usage("In which project?", "Set OS_PROJECT_ID, OS_PROJECT_NAME or OS_REGION_NAME.")
    url = f"{_identity_base(settings)}/projects?{urlencode({'name': name})}"
    answer = connection.send(Request("GET", url), key, repeatable=True)
    if answer.status != 200:
        raise _refused(answer, "The access key was refused")
    found = answer.json.get("projects")
    projects = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    if len(projects) != 1:
        raise Fault(Exit.SIGN_IN, f"There are {len(projects)} projects named {name}.", hint="Set OS_PROJECT_ID.")
    return str(projects[0].get("id", ""))


def _from_own_catalog(connection: Connection, settings: Settings, key: AccessKey) -> str:
    answer = connection.send(Request("GET", f"{_identity_base(settings)}/auth/catalog"), key, repeatable=True)
    if answer.status == 401:
        raise _refused(answer, "The access key was refused")
    return _from_catalog(answer.json.get("catalog"), settings.region) or _beside(settings.auth_url)


# --- what was answered --------------------------------------------------------------------------------------------


def _session(settings: Settings, token: Token, answer: dict[str, Any]) -> Session:
    told = _object(answer, "token")
    project, user = _object(told, "project"), _object(told, "user")
    project_id = str(project.get("id") or settings.project_id)
    if not project_id:
        raise Fault(Exit.SIGN_IN, "The token is of no project.", hint="Sign in with OS_PROJECT_NAME or OS_PROJECT_ID.")
    if settings.project_id not in ("", project_id):
        raise usage("The token is of another project than OS_PROJECT_ID says.")
    base = settings.endpoint or _from_catalog(told.get("catalog"), settings.region) or _beside(settings.auth_url)
    account = _object(user, "domain").get("name", "?")
    who = f"{user.get('name', '?')} of {account}, project {project.get('name', project_id)}"
    return Session(token, who, project_id, service_url(base, project_id))


def service_url(base: str, project_id: str) -> str:
    """The address below which the operations are: a catalog has it with or without version and project."""
    url = base.rstrip("/").removesuffix(f"/{project_id}")
    if not url.endswith("/v1.0"):
        url += "/v1.0"
    return f"{url}/{project_id}"


def _from_catalog(catalog: object, region: str) -> str:
    """The public address of the key service, in that region where one is named."""
    for kind in SERVICE_TYPES:
        for endpoint in _endpoints(catalog, kind):
            if endpoint.get("interface") == "public" and region in (
                "",
                endpoint.get("region"),
                endpoint.get("region_id"),
            ):
                return str(endpoint.get("url", ""))
    return ""


def _endpoints(catalog: object, kind: str) -> Iterator[dict[str, Any]]:
    for service in catalog if isinstance(catalog, list) else []:
        if isinstance(service, dict) and service.get("type") == kind:
            yield from (each for each in service.get("endpoints") or [] if isinstance(each, dict))


def _beside(auth_url: str) -> str:
    """The key service's host beside the identity service's, as both clouds name them: kms.REGION for iam.REGION."""
    parts = urlsplit(auth_url)
    if not (parts.hostname or "").startswith("iam."):
        raise usage("The catalog does not say where the key service is.", "Set --endpoint.")
    return f"{parts.scheme}://kms.{parts.netloc.removeprefix('iam.')}"


def _identity_base(settings: Settings) -> str:
    url = (settings.auth_url or settings.endpoint).rstrip("/")
    return url if url.endswith("/v3") else f"{url}/v3"


def _refused(answer: Answer, what: str) -> Fault:
    told = _object(answer.json, "error")
    message = str(told.get("message") or told.get("error_msg") or answer.json.get("error_msg") or "")[:300]
    code = str(told.get("error_code") or answer.json.get("error_code") or "")[:40]
    hint = "Check who is asking: user, account and project, or the access key." if answer.status == 401 else ""
    hint = answer.clock_hint or hint
    if answer.status in (404, 405) or 300 <= answer.status < 400:
        hint = "Is OS_AUTH_URL the identity service's address? It ends in /v3."
    text = f"{what}: HTTP {answer.status}" + (f", {message}" if message else "")
    return Fault(Exit.SIGN_IN, text.rstrip(".") + ".", hint=hint, code=code, request_id=answer.request_id)


def _object(parent: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = parent.get(name)
    return value if isinstance(value, dict) else {}
