"""The answers of the identity API as JSON-ready values (api.md 6.2 to 6.4). Pure but for what is handed in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from iam.models import Token, User
from iam.rights import Role
from projects.models import Account, Project, Region

VERSION = "v3.6"
UPDATED = "2016-04-04T00:00:00Z"

Document = dict[str, Any]


def time(at: datetime) -> str:
    """ISO 8601, UTC, microseconds, Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def version(base: str) -> Document:
    media = {"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}
    return {
        "id": VERSION,
        "status": "stable",
        "updated": UPDATED,
        "links": [{"rel": "self", "href": f"{base}/v3/"}],
        "media-types": [media],
    }


def token(issued: Token, *, roles: Iterable[Role], catalog: list[Document] | None) -> Document:
    document: Document = {
        "methods": issued.methods.split(","),
        "issued_at": time(issued.issued_at),
        "expires_at": time(issued.expires_at),
        "user": {**named(issued.user), "domain": named(issued.user.account)},
        "roles": [named(role) for role in roles],
    }
    if issued.project is not None:
        document["project"] = {**named(issued.project), "domain": named(issued.project.account)}
    if issued.domain_scoped:
        document["domain"] = named(issued.user.account)
    if catalog is not None:
        document["catalog"] = catalog
    return document


def catalog(base: str, project: Project | None) -> list[Document]:
    """What a token can be used for, and where. Without a project there is only what belongs to the whole account."""
    services = [("identity", "keystone", f"{base}/v3"), ("eps", "eps", f"{base}/v1.0")]
    if project is not None:
        # Clients of type `kms` (Terraform `huaweicloud`, HashiCorp's wrapper) append the project themselves, clients of
        # type `kmsv1` (Terraform `opentelekomcloud`) do not. otcextensions takes `kms` with or without it.
        services += [("kms", "kms", f"{base}/v1.0"), ("kmsv1", "kmsv1", f"{base}/v1.0/{project.pk}")]
    region = project.region_id if project else "*"
    return [
        {
            "id": _id("service", kind),
            "type": kind,
            "name": name,
            "endpoints": [
                {
                    "id": _id("endpoint", kind, region),
                    "interface": "public",
                    "region": region,
                    "region_id": region,
                    "url": url,
                }
            ],
        }
        for kind, name, url in services
    ]


def project(of: Project, base: str) -> Document:
    return {
        **named(of),
        "domain_id": of.account_id,
        "parent_id": of.account_id,
        "is_domain": False,
        "enabled": True,
        "description": "",
        "links": _self(f"{base}/v3/projects/{of.pk}"),
    }


def domain(account: Account, base: str) -> Document:
    links = _self(f"{base}/v3/domains/{account.pk}")
    return {**named(account), "enabled": True, "description": "", "links": links}


def region(of: Region, base: str) -> Document:
    return {
        "id": of.pk,
        "type": "public",
        "description": "",
        "parent_region_id": None,
        "locales": {"en-us": of.name or of.pk},
        "links": _self(f"{base}/v3/regions/{of.pk}"),
    }


def user(of: User, base: str) -> Document:
    return {
        **named(of),
        "domain_id": of.account_id,
        "enabled": of.enabled,
        "description": "",
        "password_expires_at": None,
        "last_project_id": of.last_project_id,
        "links": _self(f"{base}/v3/users/{of.pk}"),
    }


def page(
    name: str, rows: list[Document], url: str, *, following: str | None = None, previous: str | None = None
) -> Document:
    """The paged envelope; clients follow `next` until it is null."""
    return {name: rows, "links": {"self": url, "next": following, "previous": previous}}


def _self(url: str) -> Document:
    return {"self": url}


def named(thing: User | Account | Project | Role) -> Document:
    return {"id": thing.id, "name": thing.name}


def _id(*parts: str) -> str:
    """The same id for the same thing in every answer and every process."""
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:32]
