"""Issuing, finding and revoking API tokens (SEC-044)."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from iam.models import Token, User
from operations import clock, errors, timekeeping
from operations.changes import Memory
from operations.errors import KmsError
from projects.models import Project

LIFETIME = timedelta(hours=24)
BYTES = 32
# 32 bytes in URL-safe Base64. What is longer is no token of ours, and is not hashed.
MAX_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token; `secret` exists here and with the client, and nowhere else."""

    token: Token
    secret: str


def issue(
    user: User,
    *,
    project: Project | None = None,
    domain_scoped: bool = False,
    methods: str = "password",
    expires_at: datetime | None = None,
) -> Issued:
    """A token for 24 hours, or until `expires_at` if that is sooner: re-scoping a token never prolongs it."""
    secret = secrets.token_urlsafe(BYTES)
    now = clock.now()
    token = Token.objects.create(
        digest=digest(secret),
        user=user,
        project=project,
        domain_scoped=domain_scoped,
        methods=methods,
        issued_at=now,
        expires_at=min(now + LIFETIME, expires_at) if expires_at else now + LIFETIME,
        password_epoch=user.password_epoch,
    )
    return Issued(token, secret)


def find(secret: str, memory: Memory | None = None) -> Token:
    """The live token of this secret with user, accounts, project and region: one query, or none where remembered.

    Raises TOKEN_EXPIRED_AUTH for one past its time; TOKEN_INVALID for one that is unknown, revoked, older than its
    user's password, or whose user is disabled.
    """
    if len(secret) > MAX_CHARACTERS:
        raise KmsError(errors.TOKEN_INVALID)
    key = digest(secret)
    token = memory.recall(("token", key), lambda: _load(key)) if memory else _load(key)
    if token.revoked_at is not None:
        raise KmsError(errors.TOKEN_INVALID)
    if token.expires_at <= timekeeping.latest():
        raise KmsError(errors.TOKEN_EXPIRED_AUTH)
    if not token.user.enabled or token.password_epoch != token.user.password_epoch:
        raise KmsError(errors.TOKEN_INVALID)
    return token


def _load(key: bytes) -> Token:
    token = Token.objects.select_related("user__account", "project__account").filter(digest=key).first()
    if token is None:
        raise KmsError(errors.TOKEN_INVALID)
    return token


def revoke(token: Token) -> None:
    Token.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=clock.now())


def revoke_all() -> int:
    """Revokes every token of this installation, as after a backup was restored; returns how many."""
    return Token.objects.filter(revoked_at=None).update(revoked_at=clock.now())


def digest(secret: str) -> bytes:
    # 256 random bits need no salt and no slow hash.
    return hashlib.sha256(secret.encode()).digest()
