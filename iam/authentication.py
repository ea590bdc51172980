"""Recognising who asks: a token or a signature for REST, the session for the console; each becomes a Caller.

A cookie never authenticates the API and a token never the console (SEC-072).
"""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from iam import sessions, signed
from iam.models import Token, User
from iam.rights import rights_in, rights_in_account
from iam.services import tokens
from iam.services.signin import Origin
from kmscrypto import request_signing
from operations import changes, errors
from operations.caller import Caller, Kind, Rights
from operations.changes import Memory
from operations.errors import KmsError
from projects import queries as projects
from projects import selection
from projects.models import Project


class TokenAuthentication(BaseAuthentication):
    """`X-Auth-Token`. All that it stands on still holds: read anew, or remembered since the last change (SEC-044)."""

    def authenticate(self, request: Request) -> tuple[Caller, Token]:
        """Raises TOKEN_MISSING, TOKEN_INVALID, TOKEN_EXPIRED_AUTH."""
        secret = request.META.get("HTTP_X_AUTH_TOKEN", "")
        if not secret:
            raise KmsError(errors.TOKEN_MISSING)
        identity, keys = _memories(request)
        token = tokens.find(secret, identity)
        rights = remembered_rights(token.user_id, token.project, identity)
        caller = caller_of(request, token.user, token.project, kind=Kind.API, rights=rights, memory=keys)
        return caller, token

    def authenticate_header(self, request: Request) -> str:
        # Without it the framework would turn its own 401 into 403, on which no client renews its token.
        return "X-Auth-Token"


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signed request stands on, under the names that a token has for it."""

    user: User
    project: Project | None


class SignatureAuthentication(BaseAuthentication):
    """`Authorization: SDK-HMAC-SHA256 …` by an access key. Where there is a token, that counts.

    The project is that of the path; a path that names none may be about the one of `X-Project-Id`, which need not be
    signed and is believed only where it is one of the owner's account. Without a project the rights are those that hold
    in the whole account.
    """

    def authenticate(self, request: Request) -> tuple[Caller, Signed] | None:
        """Raises SIGNATURE_INVALID, BODY_TOO_LONG, SEALED."""
        # Operations are served without the framework's wrapper, the identity API with it.
        received: HttpRequest = getattr(request, "_request", request)
        if received.META.get("HTTP_X_AUTH_TOKEN") or not signed.is_signed(received):
            return None
        identity, keys = _memories(request)
        user = signed.signer_of(received, identity).user
        project = _named_project(received, user, identity)
        rights = remembered_rights(user.pk, project, identity) if project else rights_in_account(user)
        caller = caller_of(request, user, project, kind=Kind.API, rights=rights, memory=keys)
        return caller, Signed(user, project)

    def authenticate_header(self, request: Request) -> str:
        return request_signing.ALGORITHM


def _named_project(request: HttpRequest, user: User, identity: Memory | None) -> Project | None:
    """None also where path and header disagree: then the request is about no project at all (api.md 7)."""
    match = request.resolver_match
    named = {match.kwargs.get("project_id", "") if match else "", request.META.get("HTTP_X_PROJECT_ID", "")} - {""}
    if len(named) != 1:
        return None
    wanted = named.pop()

    def load() -> Project:
        return projects.projects_of_account(user.account_id).get(pk=wanted)

    try:
        return identity.recall(("project", user.account_id, wanted), load) if identity else load()
    except Project.DoesNotExist:
        return None


def _memories(request: HttpRequest | Request) -> tuple[Memory | None, Memory | None]:
    """What is remembered of identities, and of the keys of the path's project; outside a project, nothing."""
    match = request.resolver_match
    project_id = match.kwargs.get("project_id") if match else None
    if not project_id:
        return None, None
    identity, keys = changes.memories(changes.IDENTITY, project_id)
    return identity, keys


def remembered_rights(user_id: str, project: Project | None, identity: Memory | None) -> Rights:
    if project is None:
        return Rights()
    if identity is None:
        return rights_in(user_id, project)
    return identity.recall(("rights", user_id, project.pk), lambda: rights_in(user_id, project))


def console_caller(request: HttpRequest) -> Caller | None:
    """Who is signed in, in the selected project; None without a live session. At most four queries, once a request."""
    if not hasattr(request, "_console_caller"):
        user = sessions.user_of(request)
        project = _chosen_project(request, user) if user else None
        caller = None
        if user and project:
            identity, keys = changes.memories(changes.IDENTITY, project.pk)
            rights = remembered_rights(user.pk, project, identity)
            caller = caller_of(request, user, project, kind=Kind.CONSOLE, rights=rights, memory=keys)
        request._console_caller = caller  # type: ignore[attr-defined]
    return request._console_caller  # type: ignore[attr-defined, no-any-return]


def _chosen_project(request: HttpRequest, user: User) -> Project | None:
    chosen = selection.project_id(request)
    project = projects.projects_of_account(user.account_id).filter(pk=chosen).first() if chosen else None
    if project is None:
        return selected_project(user)
    if selection.project_is_new(request):
        user.last_project = project
        user.save(update_fields=["last_project"])
    return project


def selected_project(user: User) -> Project | None:
    """The project the user worked in last, else the account's first. None only in an account that has none."""
    if user.last_project is not None:
        return user.last_project
    return projects.projects_of_account(user.account_id).first()


def caller_of(
    request: HttpRequest | Request,
    user: User,
    project: Project | None,
    *,
    kind: Kind,
    rights: Rights,
    memory: Memory | None = None,
) -> Caller:
    return Caller(
        kind=kind,
        user_id=user.pk,
        user_name=user.name,
        account_id=user.account_id,
        account_name=user.account.name,
        project_id=project.pk if project else "",
        project_name=project.name if project else "",
        region_id=project.region_id if project else "",
        rights=rights,
        source_ip=client_address(request),
        agent=request.META.get("HTTP_USER_AGENT", ""),
        request_id=getattr(request, "request_id", ""),
        memory=memory,
    )


def origin_of(request: HttpRequest | Request, *, kind: Kind, trace: str) -> Origin:
    """For signing in, before there is a caller."""
    return Origin(
        kind=kind,
        address=client_address(request),
        agent=request.META.get("HTTP_USER_AGENT", ""),
        request_id=getattr(request, "request_id", ""),
        trace=trace,
    )


def client_address(request: HttpRequest | Request) -> str:
    """Behind a trusted proxy `kmsconsole.middleware.TrustedProxy` has put the client's own address here already."""
    address: str = request.META.get("REMOTE_ADDR", "")
    return address
