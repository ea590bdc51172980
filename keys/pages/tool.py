"""Online Tool: one key tried out by hand. What is typed and what comes out stands only in the two bodies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy

from keys import states
from keys.api.signing import GET_PUBLICKEY
from keys.models import Key
from keys.pages import actions
from keys.pages.detail import KeyPage
from keys.states import State, Use
from keys.tool_forms import (
    DecryptForm,
    EncryptForm,
    GenerateMacForm,
    SignForm,
    ToolForm,
    VerifyForm,
    VerifyMacForm,
)
from operations.console import full_sentence, swaps
from operations.errors import KmsError, Text
from operations.perform import perform


@dataclass(frozen=True, slots=True)
class Mode:
    name: str
    label: Text
    use: Use
    permission: str
    form: type[ToolForm] | None


MODES = (
    Mode("encrypt", gettext_lazy("Encrypt"), Use.ENCRYPT, "kms:cmk:crypto", EncryptForm),
    Mode("decrypt", gettext_lazy("Decrypt"), Use.DECRYPT, "kms:cmk:crypto", DecryptForm),
    Mode("sign", gettext_lazy("Sign"), Use.SIGN, "kms:cmk:sign", SignForm),
    Mode("verify", gettext_lazy("Verify"), Use.VERIFY, "kms:cmk:verify", VerifyForm),
    Mode("generate-mac", gettext_lazy("Generate MAC"), Use.GENERATE_MAC, "kms:cmk:generateMac", GenerateMacForm),
    Mode("verify-mac", gettext_lazy("Verify MAC"), Use.VERIFY_MAC, "kms:cmk:verifyMac", VerifyMacForm),
    Mode("public-key", gettext_lazy("Public Key"), Use.PUBLIC_KEY, "kms:cmk:getPublicKey", None),
)

WHY_NOT: Mapping[State, Text] = {
    State.DISABLED: gettext_lazy("The key is disabled. Enable it to use it here."),
    State.PENDING_DELETION: gettext_lazy("The key is pending deletion. Cancel the deletion and enable the key first."),
    State.PENDING_IMPORT: gettext_lazy("The key has no material yet. Import key material to use it here."),
}


class Tool(KeyPage):
    tab = "tool"
    is_for_custom_keys = True
    template_name = "keys/tool.html"
    output: Any = None
    error = ""
    form: ToolForm | None = None

    def get(self, request: HttpRequest) -> HttpResponse:
        self.find()
        return self.offer(request, request.GET.get("mode", ""))

    def post(self, request: HttpRequest) -> HttpResponse:
        self.find()
        wanted = request.POST.get("mode", "")
        mode = next((mode for mode in self.modes_of_kind() if mode.name == wanted), None)
        if mode is None or mode.form is None:
            return self.offer(request, wanted)
        if "fill" in request.POST:
            # Opens a mode with what another one gave; only the body carries it.
            self.form = mode.form(self.key, filled=request.POST.dict())
            return self.show(request, mode)
        self.form = mode.form(self.key, request.POST)
        done = self.form.is_valid() and self.form.perform(self.caller)
        if done:
            self.output = self.form.output()
        return self.show(request, mode, status=200 if done else 422)

    def offer(self, request: HttpRequest, wanted: str) -> HttpResponse:
        mode = self.mode(wanted)
        if mode is not None and mode.form is not None:
            self.form = mode.form(self.key)
        elif mode is not None:
            self.output = self.public_key()
        return self.show(request, mode)

    def show(self, request: HttpRequest, mode: Mode | None, *, status: int = 200) -> HttpResponse:
        template = "keys/tool_card.html" if swaps(request, "tool") else self.template_name
        permissions = (mode.permission,) if mode else ()
        context = {
            # A key that was disabled under the page is refused by the operation, over what was typed and stays.
            "modes": self.modes() or self.modes_of_kind(),
            "mode": mode,
            "form": self.form,
            "output": self.output,
            "follow_up": self.follow_up(),
            "is_filled": "fill" in request.POST,
            "error": self.error,
            "denied": actions.denial(self.caller, permissions, self.key.enterprise_project_id),
            "why_not": "" if mode else WHY_NOT[self.key.state_now()],
        }
        return render(request, template, {**self.context(), **context}, status=status)

    def follow_up(self) -> list[tuple[str, str]]:
        return self.form.follow_up_fields() if self.form is not None and self.output is not None else []

    def modes(self) -> list[Mode]:
        open_uses = self.key.uses_open()
        return [mode for mode in MODES if mode.use in open_uses]

    def modes_of_kind(self) -> list[Mode]:
        """Whatever the key's state is now."""
        return [mode for mode in MODES if states.never(mode.use, self.key.nature) is None]

    def mode(self, wanted: str) -> Mode | None:
        """The wanted one, else the first; None where the key can do nothing now."""
        modes = self.modes()
        return next((mode for mode in modes if mode.name == wanted), modes[0] if modes else None)

    def public_key(self) -> str:
        try:
            return _pem(self, self.key)
        except KmsError as error:
            self.error = full_sentence(error)
            return ""


class PublicKeyFile(KeyPage):
    """The public key as a file."""

    is_for_custom_keys = True

    def get(self, request: HttpRequest) -> HttpResponse:
        pem = _pem(self, self.find())
        name = f"publicKey_{self.key.key_id}.pem"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(pem, content_type="application/octet-stream", headers=headers)


def _pem(page: KeyPage, key: Key) -> str:
    pem: str = perform(GET_PUBLICKEY, page.caller, {"key_id": key.key_id}).pem
    return pem
