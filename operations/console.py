"""The console's half of an operation: pages for who is signed in, and forms that hold labels and widgets, and no rule.

The operation's own request reads and judges what was typed, so a form and a JSON body cannot disagree. A form field
bears the wire name of what it sends. Who is signed in is found above this floor: a middleware sets `request.caller`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypedDict
from urllib.parse import urlencode, urlsplit

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.encoding import iri_to_uri
from django.utils.functional import cached_property
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views import View

from operations import errors
from operations.caller import Caller
from operations.errors import FieldError, KmsError, Text
from operations.operation import Operation
from operations.perform import perform

LONGEST_WAY_BACK = 2000
# On a 401 to a script: where to sign in. The page stays as it is and says so (static/js/session.js).
SIGN_IN_HEADER = "X-Sign-In"


def sentence(error: FieldError) -> str:
    """For a person: what is wrong and what to do. The hint alone where it says all."""
    return str(error.hint or error.code.message)


def full_sentence(error: KmsError) -> str:
    """The code and its message as documented, then the hint."""
    text = f"{error.code.code} {error.code.message}"
    return f"{text} {error.hint}" if error.hint else text


class Crumb(TypedDict):
    label: str
    url: str


class Page(View):
    """A page for somebody signed in; anybody else is sent to the sign-in page and comes back afterwards.

    A refusal that no page handles itself is told in full: a wrong state or a missing permission is no crash.
    """

    caller: Caller
    # False for what an open page asks for by itself: it keeps nobody signed in (SEC-043).
    is_activity: ClassVar[bool] = True
    # By URL name: the page that it lies over, or the page with the form whose address it is.
    home: ClassVar[str] = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        caller = getattr(request, "caller", None)
        if caller is None:
            return _to_sign_in(request)
        self.caller = caller
        try:
            return super().dispatch(request, *args, **kwargs)
        except KmsError as error:
            return self.refused(error)

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The address of a form, opened or reloaded as a page, leads back to where the form is."""
        if request.method in ("GET", "HEAD"):
            return go(request, way_back(request, self.home_url()))
        return super().http_method_not_allowed(request, *args, **kwargs)

    def home_url(self) -> str:
        return reverse(self.home) if self.home else resolve_url(settings.LOGIN_REDIRECT_URL)

    def refused(self, error: KmsError) -> HttpResponse:
        if error.code is errors.SEALED:
            return render(self.request, "errors/sealed.html", {"request_id": self.caller.request_id}, status=503)
        if error.code is errors.UNAVAILABLE:
            return unavailable_page(error, request_id=self.caller.request_id)
        context = {"error": error, "request_id": self.caller.request_id, "trail": self.trail()}
        return render(self.request, "errors/refused.html", context, status=error.code.status)

    def trail(self) -> list[Crumb]:
        """The breadcrumb: the pages above this one, and this one last, without an address."""
        return []


def unavailable_page(error: KmsError, *, request_id: str) -> HttpResponse:
    """Rendered without a request: what the pages around it read may be the very thing that is missing."""
    body = render_to_string(
        "errors/unavailable.html", {"text": error.hint or error.code.hint, "request_id": request_id}
    )
    return HttpResponse(body, status=error.code.status, headers={"Retry-After": str(error.retry_after)})


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    if is_htmx(request) or wants_json(request):
        return HttpResponse(status=401, headers={SIGN_IN_HEADER: resolve_url(settings.LOGIN_URL)})
    # What was posted is not repeated after signing in: one comes back to the page that stood there.
    path = request.get_full_path() if request.method == "GET" else _page_before(request)
    # A longer address, encoded once more, would not fit into the server's headers.
    query = {"next": path} if 0 < len(path) <= LONGEST_WAY_BACK else {}
    if settings.SESSION_COOKIE_NAME in request.COOKIES:
        query["ended"] = "1"
    return go(request, resolve_url(settings.LOGIN_URL) + (f"?{urlencode(query)}" if query else ""))


def _page_before(request: HttpRequest) -> str:
    """The page from which something was sent, as the form or the browser names it."""
    try:
        before = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        return way_back(request, "")
    stood = before._replace(scheme="", netloc="").geturl() if before.netloc == request.get_host() else ""
    return way_back(request, stood)


def is_htmx(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", False))


def wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")


def swaps(request: HttpRequest, element_id: str) -> bool:
    """Whether htmx asks for this part of the page alone. Going back in history wants the whole page."""
    htmx: Any = getattr(request, "htmx", None)
    return bool(htmx) and not htmx.history_restore_request and htmx.target == element_id


def go(request: HttpRequest, url: str) -> HttpResponse:
    """To another page, also out of a dialog that htmx fetched."""
    if is_htmx(request):
        return HttpResponse(headers={"HX-Redirect": iri_to_uri(url)})
    return HttpResponseRedirect(url)


def way_back(request: HttpRequest, default: str) -> str:
    """The page to return to: the request's `next`, if it is one of ours."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    return wanted if _is_ours(request, wanted) else default


def page_of_htmx(request: HttpRequest) -> str:
    """The path of the page from which htmx asks; "" where it names none of ours, or nothing that is an address."""
    htmx: Any = getattr(request, "htmx", None)
    try:
        path = str(htmx.current_url_abs_path or "") if htmx else ""
    except ValueError:
        return ""
    return path if _is_ours(request, path) else ""


def _is_ours(request: HttpRequest, path: str) -> bool:
    safe = url_has_allowed_host_and_scheme(path, {request.get_host()}, require_https=request.is_secure())
    return safe and path.startswith("/") and path.isprintable()


def toast(request: HttpRequest, text: str, *, level: int = messages.SUCCESS) -> None:
    """Shown by the next page that is rendered for this person."""
    messages.add_message(request, level, text)


class Dialog(Page):
    """A form that comes as a dialog for htmx and as a page for everybody else."""

    title: ClassVar[Text]
    body: ClassVar[str]
    # What the button waits for, as data attributes know it (docs/develop/frontend.md).
    waits: ClassVar[str] = ""
    is_dangerous: ClassVar[bool] = False
    # Nothing is asked: there is nothing to confirm and nothing to cancel.
    only_shows: ClassVar[bool] = False
    size: ClassVar[str] = ""

    def show(self, request: HttpRequest, *, status: int = 200, **context: Any) -> HttpResponse:
        """`body` may replace what the dialog asks; `is_over` leaves only the way back."""
        template = "operations/dialog.html" if is_htmx(request) else "operations/dialog_page.html"
        return render(
            request, template, {"dialog": self, "back": self.back, "trail": self.trail(), **context}, status=status
        )

    @cached_property
    def back(self) -> str:
        return way_back(self.request, self.home_url())


class TypedConfirmation(forms.CharField):
    """For what cannot be undone: the word itself, exactly as it is asked for."""

    word = "DELETE"

    def __init__(self) -> None:
        super().__init__(strip=False, required=False)

    def clean(self, value: Any) -> str:
        typed: str = super().clean(value)
        if typed != self.word:
            raise forms.ValidationError(_('Enter "%s" in capitals.') % self.word)
        return typed


class OperationForm(forms.Form):
    """Subclasses set `operation` and fields named as on the wire; `to_request` may reshape them."""

    operation: ClassVar[Operation]
    error: KmsError | None = None
    result: Any = None

    def to_request(self) -> dict[str, Any]:
        """The request's data. An empty text counts as absent."""
        return {name: value for name, value in self.cleaned_data.items() if value not in ("", None)}

    def clean(self) -> dict[str, Any]:
        """Everything that is wrong at once; a field that has its message already gets no second one."""
        cleaned = super().clean() or {}
        at_fault = set(self.errors)
        try:
            self.operation.read({**self.initial_request(), **self.to_request()})
        except KmsError as error:
            for bad in error.errors:
                if bad.field not in at_fault:
                    self._put(bad.field, sentence(bad), bad.code.code)
        return cleaned

    def initial_request(self) -> Mapping[str, Any]:
        """What the page knows and the form does not ask for, such as the key's ID."""
        known: Mapping[str, Any] = self.initial.get("request", {})
        return known

    def perform(self, caller: Caller) -> bool:
        """Performs the operation. False when it was refused: the message then stands at its field."""
        try:
            self.result = perform(self.operation, caller, {**self.initial_request(), **self.to_request()})
        except KmsError as error:
            self.refuse(error)
            return False
        return True

    def refuse(self, error: KmsError) -> None:
        self.error = error
        self._put(error.field, full_sentence(error), error.code.code)

    def _put(self, field: str, message: str, code: str) -> None:
        target = field if field in self.fields else None
        self.add_error(target, forms.ValidationError(message, code=code))
