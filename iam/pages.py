"""Signing in and out, changing one's password, and My Credentials."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views import View

from iam import known_browsers, sessions
from iam.agents import browser
from iam.authentication import origin_of
from iam.forms import PasswordForm, SignInForm
from iam.services import passwords, signin
from operations.caller import Kind
from operations.console import Page, go, toast, way_back
from operations.errors import KmsError
from operations.trail import record_event
from projects.models import Account
from projects.queries import projects_of_account

# A hint for the next visit, not a secret: which account this browser signed in to.
ACCOUNT_COOKIE = "kms-account"


class SignIn(View):
    template = "iam/login.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        if sessions.user_of(request) is not None:
            return redirect(way_back(request, settings.LOGIN_REDIRECT_URL))
        return self._page(request, SignInForm(initial={"account": _usual_account(request)}))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = SignInForm(request.POST)
        if not form.is_valid():
            return self._page(request, form, status=422)
        entered = form.cleaned_data
        claim = signin.Claim(account=entered["account"], name=entered["name"], password=entered["password"])
        try:
            user = signin.authenticate(claim, _origin(request))
        except signin.SignInRefused:
            form.add_error(None, _("The user name or password is incorrect."))
            return self._page(request, form, status=422)
        except KmsError as error:
            form.add_error(None, wait_after_failures(error.retry_after))
            response = self._page(request, form, status=429)
            response["Retry-After"] = str(error.retry_after)
            return response
        with transaction.atomic():
            signin.succeeded(user, _origin(request))
            sessions.begin(request, user, _origin(request))
        response = redirect(way_back(request, settings.LOGIN_REDIRECT_URL))
        response.set_signed_cookie(
            ACCOUNT_COOKIE,
            user.account_id,
            max_age=31_536_000,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
        known_browsers.remember(request, response, user)
        return response

    def _page(self, request: HttpRequest, form: SignInForm, *, status: int = 200) -> HttpResponse:
        context = {"form": form, "next": way_back(request, ""), "has_ended": "ended" in request.GET}
        return render(request, self.template, context, status=status)


class SignOut(View):
    """Ends this session, or every session of the user."""

    http_method_names = ("post",)
    everywhere = False

    def post(self, request: HttpRequest) -> HttpResponse:
        user = sessions.user_of(request)
        if user is not None:
            with transaction.atomic():
                if self.everywhere:
                    passwords.end_all_sessions(user)
                caller = signin.caller_of(user, _origin(request))
                sessions_ended = "all" if self.everywhere else "this one"
                resource = ("user", user.pk, user.name)
                record_event("logout", caller, resource=resource, request={"sessions": sessions_ended})
        sessions.end(request)
        return go(request, reverse("iam:login"))

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """A link signs nobody out; its address, opened as a page, leads to the console."""
        if request.method in ("GET", "HEAD"):
            return redirect(settings.LOGIN_REDIRECT_URL)
        return super().http_method_not_allowed(request, *args, **kwargs)


class Session(Page):
    """Asked for by an open page before it sends what was typed into it: who is signed in now, and a fresh CSRF token.

    401 where nobody is. A sign-in in another tab ends the session and the token that the page was made with.
    """

    http_method_names = ("get",)
    is_activity = False

    def get(self, request: HttpRequest) -> HttpResponse:
        user = f"{self.caller.account_name}/{self.caller.user_name}"
        return JsonResponse({"user": user, "csrf_token": get_token(request)})


class SignedInAgain(Page):
    """Where the sign-in ends that an open page asked for: the work goes on in the other tab."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "iam/signed_in_again.html")


class ChangePassword(View):
    """For everybody signed in; the only page for who got a one-time password."""

    def get(self, request: HttpRequest) -> HttpResponse:
        user = sessions.user_of(request)
        if user is None:
            return redirect("iam:login")
        return self._page(request, PasswordForm(user=user))

    def post(self, request: HttpRequest) -> HttpResponse:
        user = sessions.user_of(request)
        if user is None:
            return redirect("iam:login")
        origin = _origin(request, trace="changePassword")
        form = PasswordForm(request.POST, user=user)
        if not form.is_valid():
            return self._page(request, form, status=422)
        try:
            # The same counters as for signing in: a session left open must not become a place to guess at.
            signin.authenticate(signin.Claim(user_id=user.pk, password=form.cleaned_data["old"]), origin)
        except signin.SignInRefused:
            form.add_error("old", _("The current password is incorrect."))
            return self._page(request, form, status=422)
        except KmsError as error:
            form.add_error(None, wait_after_failures(error.retry_after))
            return self._page(request, form, status=429)
        with transaction.atomic():
            passwords.put(user, form.cleaned_data["new"])
            record_event(origin.trace, signin.caller_of(user, origin), resource=("user", user.pk, user.name))
            sessions.renew(request, user, origin)
        toast(request, _("Password changed. All other sessions and all tokens have ended."))
        return redirect(way_back(request, settings.LOGIN_REDIRECT_URL))

    def _page(self, request: HttpRequest, form: PasswordForm, *, status: int = 200) -> HttpResponse:
        context = {"form": form, "next": way_back(request, "")}
        template = "iam/password_forced.html" if form.user.must_change_password else "iam/password.html"
        return render(request, template, context, status=status)


class Credentials(Page):
    """What a program needs to know to work as this user, and where this user is signed in."""

    def get(self, request: HttpRequest) -> HttpResponse:
        projects = projects_of_account(self.caller.account_id)
        here = sessions.id_of(request)
        living = [(row, browser(row.agent), row.pk == here) for row in sessions.living(self.caller.user_id)]
        context = {"caller": self.caller, "projects": projects, "sessions": living}
        return render(request, "iam/credentials.html", context | {"tabs": credential_tabs(request)})


class EndSession(Page):
    """Signs another browser of the same user out, from its next request on (SEC-043)."""

    http_method_names = ("post",)
    home = "iam:credentials"

    def post(self, request: HttpRequest, session_id: str) -> HttpResponse:
        with transaction.atomic():
            if not sessions.end_other(self.caller.user_id, session_id):
                raise Http404
            resource = ("user", self.caller.user_id, self.caller.user_name)
            record_event("logout", self.caller, resource=resource, request={"session_id": session_id})
        toast(request, _("The session has ended."))
        return go(request, self.home_url())


def wait_after_failures(seconds: int) -> str:
    one = "Too many failed attempts. Try again in %(seconds)d second."
    many = "Too many failed attempts. Try again in %(seconds)d seconds."
    return ngettext(one, many, seconds) % {"seconds": seconds}


def credential_tabs(request: HttpRequest) -> list[dict[str, Any]]:
    """My Credentials is two pages."""
    pages = {"iam:credentials": _("API Credentials"), "iam:access_keys": _("Access Keys")}
    return [
        {"label": label, "url": (url := reverse(name)), "current": url == request.path} for name, label in pages.items()
    ]


def _usual_account(request: HttpRequest) -> str:
    """The account of the last visit, else the only one there is; otherwise none is given away."""
    last = request.get_signed_cookie(ACCOUNT_COOKIE, default="")
    names = dict(Account.objects.filter(pk=last).values_list("pk", "name"))
    if not names:
        names = dict(Account.objects.values_list("pk", "name")[:2])
    return next(iter(names.values())) if len(names) == 1 else ""


def _origin(request: HttpRequest, *, trace: str = "login") -> signin.Origin:
    origin = origin_of(request, kind=Kind.CONSOLE, trace=trace)
    return replace(origin, known_as=known_browsers.of(request))
