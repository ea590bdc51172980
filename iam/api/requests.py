"""Reading the body of `POST /v3/auth/tokens` into values. Pure: what is not understood is a Fault, never a crash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from iam.api.faults import malformed

MAX_CHARACTERS = 1024


class Method(StrEnum):
    PASSWORD = "password"  # noqa: S105  (the name of a method)
    TOKEN = "token"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Reference:
    """A thing by its id, or by its name in a domain that is itself given by id or name. Empty text: not given."""

    id: str = ""
    name: str = ""
    domain_id: str = ""
    domain_name: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """At most one of the two; neither is an unscoped token."""

    project: Reference | None = None
    domain: Reference | None = None


@dataclass(frozen=True, slots=True)
class AuthRequest:
    method: Method
    scope: Scope
    user: Reference = Reference()
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


def read(body: Mapping[str, Any]) -> AuthRequest:
    """Raises a Fault of 400 that names the member at fault, never its value."""
    auth = _object(body, "auth")
    identity = _object(auth, "identity")
    method = _method(identity)
    scope = _scope(auth)
    if method is Method.TOKEN:
        return AuthRequest(method, scope, token=_text(_object(identity, "token"), "id"))
    user = _object(_object(identity, "password"), "user")
    password = _text(user, "password", keep_blank=True)
    return AuthRequest(method, scope, user=_reference(user, "user", needs_domain=True), password=password)


def _method(identity: Mapping[str, Any]) -> Method:
    methods = identity.get("methods")
    if not isinstance(methods, list) or len(methods) != 1 or methods[0] not in list(Method):
        raise malformed("identity.methods must be a list of one method: password or token.")
    return Method(methods[0])


def _scope(auth: Mapping[str, Any]) -> Scope:
    given = auth.get("scope")
    if given is None or given == "unscoped" or given == {}:
        return Scope()
    if not isinstance(given, dict):
        raise malformed("scope must be an object.")
    wanted = [name for name in ("project", "domain") if given.get(name) is not None]
    if len(wanted) != 1:
        if given.get("unscoped") is not None and not wanted:
            return Scope()
        raise malformed("scope must name either a project or a domain.")
    reference = _reference(_object(given, wanted[0]), wanted[0], needs_domain=False)
    return Scope(**{wanted[0]: reference})


def _reference(given: Mapping[str, Any], what: str, *, needs_domain: bool) -> Reference:
    if given.get("id") is not None:
        return Reference(id=_text(given, "id"))
    name = _text(given, "name")
    domain = given.get("domain")
    if domain is None and not needs_domain:
        return Reference(name=name)
    if not isinstance(domain, dict):
        raise malformed(f"{what} is named without its domain.")
    if domain.get("id") is not None:
        return Reference(name=name, domain_id=_text(domain, "id"))
    return Reference(name=name, domain_name=_text(domain, "name"))


def _object(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = parent.get(name)
    if not isinstance(value, dict):
        raise malformed(f"{name} must be an object.")
    return value


def _text(parent: Mapping[str, Any], name: str, *, keep_blank: bool = False) -> str:
    value = parent.get(name)
    if not isinstance(value, str) or (not value and not keep_blank) or len(value) > MAX_CHARACTERS:
        raise malformed(f"{name} must be a string.")
    # A database stores no NUL, and half of a surrogate pair is no character.
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise malformed(f"{name} holds characters that are not allowed.")
    return value
