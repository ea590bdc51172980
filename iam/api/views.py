"""The identity API: plain views, for its shapes are Keystone's and not the key service's (architecture.md 3).

No cookie is read and none is set; whatever goes wrong is answered in Keystone's shape.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from django.db import transaction
from django.http import HttpResponse, JsonResponse
from rest_framework.request import Request

from iam import rights
from iam.api import documents, faults, requests
from iam.api.faults import Fault
from iam.api.requests import AuthRequest, Method, Reference
from iam.authentication import Signed, origin_of
from iam.models import Token, User
from iam.services import signin, tokens
from operations import limits, pace
from operations.bodies import body_of
from operations.caller import Caller, Kind
from operations.errors import KmsError
from operations.limits import Rate
from operations.rest import KmsApiView, Reply, as_kms_error, base_of, read_json
from operations.trail import record_event
from projects.models import Project, Region
from projects.queries import projects_of_account

# Each is kept for a day. Whoever needs as many makes one where one would do.
TOKEN_RATE = Rate("create-token", calls=300)
FILTERS = ("name", "domain_id", "parent_id", "enabled", "is_domain")


class IdentityView(KmsApiView):
    """Base: the caller by token or signature, errors in Keystone's shape."""

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]
        return faults.answer(exc if isinstance(exc, Fault) else faults.of_kms_error(as_kms_error(exc)))

    @property
    def caller(self) -> Caller:
        return cast(Caller, self.request.user)

    @property
    def standing(self) -> Token | Signed:
        """What the caller showed: whose it is, and for which project."""
        return cast(Token | Signed, self.request.auth)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        pace.admit(f"from {request.META.get('REMOTE_ADDR', '')}")
        super().initial(request, *args, **kwargs)
        if request.user is not None:
            pace.admit(self.caller.user_id)

    def base(self) -> str:
        return base_of(self.request)

    def page(self, name: str, rows: list[documents.Document]) -> JsonResponse:
        """All of them, or the page that `page` and `per_page` ask for."""
        number, size = (self._positive(part) for part in ("page", "per_page"))
        if number is None and size is None:
            return JsonResponse(documents.page(name, rows, self._address()))
        number, size = number or 1, size or len(rows) or 1
        following = self._address(page=number + 1, per_page=size) if number * size < len(rows) else None
        previous = self._address(page=number - 1, per_page=size) if number > 1 else None
        shown = rows[(number - 1) * size : number * size]
        return JsonResponse(documents.page(name, shown, self._address(), following=following, previous=previous))

    def _address(self, **changed: int) -> str:
        query = self.request.GET.copy()
        for name, value in changed.items():
            query[name] = str(value)
        return f"{self.base()}{self.request.path}{'?' if query else ''}{query.urlencode()}"

    def _positive(self, name: str) -> int | None:
        text = self.request.GET.get(name)
        if not text:
            return None
        if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:9]) <= 5000:
            raise faults.malformed(f"{name} must be a number from 1 to 5000.")
        return int(text[:9])

    def wanted(self, thing: documents.Document) -> bool:
        """By the filters that Keystone has for lists: a member of the same name must be equal, as text."""
        asked = {name: self.request.GET[name] for name in FILTERS if self.request.GET.get(name)}
        return all(_text(thing.get(name)) == value for name, value in asked.items())


class Version(IdentityView):
    authentication_classes = ()

    def get(self, request: Request) -> HttpResponse:
        return JsonResponse({"version": documents.version(self.base())})


class Unknown(IdentityView):
    authentication_classes = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise Fault(404, faults.NOT_FOUND)


class Tokens(IdentityView):
    """Issue, show and revoke. Issuing is how one becomes known, so only that asks for no token."""

    def get_authenticators(self) -> list[Any]:
        return [] if self.request.method == "POST" else super().get_authenticators()

    def post(self, request: Request) -> HttpResponse:
        wanted = requests.read(read_json(body_of(request._request)))
        origin = origin_of(request, kind=Kind.API, trace="createToken")
        if wanted.method is Method.PASSWORD:
            issued = _issue_for_password(wanted, origin)
        else:
            issued = _issue_for_token(wanted, origin)
        response = self._shown(issued.token, status=201)
        response["X-Subject-Token"] = issued.secret
        return response

    def get(self, request: Request) -> HttpResponse:
        secret = _subject(request)
        response = self._shown(self._find(secret), status=200)
        response["X-Subject-Token"] = secret
        return response

    def delete(self, request: Request) -> HttpResponse:
        token = self._find(_subject(request))
        with transaction.atomic():
            tokens.revoke(token)
            record_event("revokeToken", self.caller, resource=("user", token.user.pk, token.user.name))
        return Reply(204).as_response()

    def _find(self, secret: str) -> Token:
        try:
            token = tokens.find(secret)
        except KmsError:
            raise Fault(404, faults.NOT_FOUND) from None
        if token.user_id != self.caller.user_id:
            raise Fault(404, faults.NOT_FOUND)
        return token

    def _shown(self, token: Token, *, status: int) -> HttpResponse:
        roles = rights.roles_of(token.user_id, token.project) if token.project else []
        catalog = None if "nocatalog" in self.request.GET else documents.catalog(self.base(), token.project)
        return JsonResponse({"token": documents.token(token, roles=roles, catalog=catalog)}, status=status)


class Catalog(IdentityView):
    def get(self, request: Request) -> HttpResponse:
        return self.page("catalog", documents.catalog(self.base(), self.standing.project))


class Projects(IdentityView):
    """The account's projects. What one may do there is another question, asked at each use."""

    def get(self, request: Request, user_id: str = "") -> HttpResponse:
        if user_id and user_id != self.caller.user_id:
            raise Fault(404, faults.NOT_FOUND)
        mine = [documents.project(project, self.base()) for project in projects_of_account(self.caller.account_id)]
        return self.page("projects", [project for project in mine if self.wanted(project)])


class OneProject(IdentityView):
    def get(self, request: Request, project_id: str) -> HttpResponse:
        found = [p for p in projects_of_account(self.caller.account_id) if p.pk == project_id]
        if not found:
            raise Fault(404, faults.NOT_FOUND)
        return JsonResponse({"project": documents.project(found[0], self.base())})


class Domains(IdentityView):
    def get(self, request: Request) -> HttpResponse:
        account = self.standing.user.account
        return self.page("domains", [each for each in (documents.domain(account, self.base()),) if self.wanted(each)])


class OneDomain(IdentityView):
    def get(self, request: Request, domain_id: str) -> HttpResponse:
        account = self.standing.user.account
        if domain_id != account.pk:
            raise Fault(404, faults.NOT_FOUND)
        return JsonResponse({"domain": documents.domain(account, self.base())})


class Regions(IdentityView):
    def get(self, request: Request) -> HttpResponse:
        return self.page("regions", [documents.region(region, self.base()) for region in Region.objects.all()])


class OneRegion(IdentityView):
    def get(self, request: Request, region_id: str) -> HttpResponse:
        found = [region for region in Region.objects.all() if region.pk == region_id]
        if not found:
            raise Fault(404, faults.NOT_FOUND)
        return JsonResponse({"region": documents.region(found[0], self.base())})


class Users(IdentityView):
    """Oneself, and for who administers identities any user of the same account."""

    def get(self, request: Request, user_id: str) -> HttpResponse:
        user = self.standing.user
        if user_id != user.pk:
            same_account = User.objects.filter(account=self.caller.account_id)
            found = same_account.filter(pk=user_id).first() if self.caller.may("iam:users:get") else None
            if found is None:
                raise Fault(404, faults.NOT_FOUND)
            user = found
        return JsonResponse({"user": documents.user(user, self.base())})


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _issue_for_password(wanted: AuthRequest, origin: signin.Origin) -> tokens.Issued:
    claim = signin.Claim(
        password=wanted.password,
        user_id=wanted.user.id,
        name=wanted.user.name,
        account=wanted.user.domain_name,
        account_id=wanted.user.domain_id,
    )
    try:
        user = signin.authenticate(claim, origin)
    except signin.SignInRefused:
        raise faults.unauthorized() from None
    if user.must_change_password:
        signin.refused(user, origin, faults.MUST_CHANGE_PASSWORD)
        raise Fault(401, faults.MUST_CHANGE_PASSWORD)
    return _issue(user, wanted, origin, methods=Method.PASSWORD)


def _issue_for_token(wanted: AuthRequest, origin: signin.Origin) -> tokens.Issued:
    try:
        old = tokens.find(wanted.token)
    except KmsError:
        raise faults.unauthorized() from None
    methods = ",".join(sorted({*old.methods.split(","), Method.TOKEN}))
    return _issue(old.user, wanted, origin, methods=methods, expires_at=old.expires_at)


def _issue(
    user: User, wanted: AuthRequest, origin: signin.Origin, *, methods: str, expires_at: datetime | None = None
) -> tokens.Issued:
    limits.admit(TOKEN_RATE, signin.caller_of(user, origin))
    try:
        project = _project(wanted, user)
    except Fault:
        signin.refused(user, origin, "The scope does not exist.")
        raise
    with transaction.atomic():
        signin.succeeded(user, origin)
        in_domain = wanted.scope.domain is not None
        return tokens.issue(user, project=project, domain_scoped=in_domain, methods=methods, expires_at=expires_at)


def _project(wanted: AuthRequest, user: User) -> Project | None:
    """The project of the scope. One that is not the user's account's answers like a wrong password."""
    if wanted.scope.domain is not None and not _is_account_of(user, wanted.scope.domain):
        raise faults.unauthorized()
    reference = wanted.scope.project
    if reference is None:
        return None
    domain = Reference(id=reference.domain_id, name=reference.domain_name)
    if (domain.id or domain.name) and not _is_account_of(user, domain):
        raise faults.unauthorized()
    mine = projects_of_account(user.account_id).select_related("account")
    found = mine.filter(pk=reference.id) if reference.id else mine.filter(name=reference.name)
    project = found.first()
    if project is None:
        raise faults.unauthorized()
    return project


def _is_account_of(user: User, domain: Reference) -> bool:
    return domain.id == user.account_id if domain.id else domain.name == user.account.name


def _subject(request: Request) -> str:
    secret: str = request.META.get("HTTP_X_SUBJECT_TOKEN", "")
    if not secret:
        raise faults.malformed("X-Subject-Token is missing.")
    return secret
