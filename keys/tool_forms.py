"""Forms of the Online Tool. What is typed is sent once in a body, and stands in no address, session, trace or log.

With AES the console encrypts the Base64 of the text, as the original does: decrypt-data through the API then answers
Base64 (console.md B6). RSA ciphertexts and signatures are made of the text itself, because others make them too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from keys.api.encryption import DECRYPT_DATA, ENCRYPT_TEXT
from keys.api.macs import GENERATE_MAC, VERIFY_MAC
from keys.api.signing import SIGN, VERIFY
from keys.models import Key
from keys.services import encryption, macs, signing
from kmscrypto import rsa
from kmscrypto.specs import Family
from operations import errors
from operations.console import OperationForm
from operations.errors import Text
from operations.fields import decode_base64, encode_base64

MOST_CIPHERTEXT = 4 * -(-encryption.MAX_CIPHERTEXT_BYTES // 3)  # in Base64
MOST_SIGNATURE = 1024
MOST_MAC = 128


@dataclass(frozen=True, slots=True, repr=False)
class Output:
    """`verdict` is set instead of `text` where the answer is yes or no."""

    text: str = ""
    note: Text = ""
    verdict: bool | None = None


def _field(label: Any, most: int, **attributes: str) -> forms.CharField:
    common = {"rows": "8", "data-most": str(most), "spellcheck": "false", "autocomplete": "off"}
    widget = forms.Textarea({**common, **attributes})
    return forms.CharField(label=label, strip=False, widget=widget, error_messages={"required": _("Enter a text.")})


def text_field(label: Any, most_bytes: int) -> forms.CharField:
    """What a person types; its limit is in bytes of UTF-8."""
    field = _field(label, most_bytes, **{"data-counts": "bytes"})
    field.help_text = _("Counted in bytes of UTF-8.")
    return field


def encoded_field(label: Any, most_characters: int) -> forms.CharField:
    """Base64 or hexadecimal, whose blanks and line breaks do not count."""
    return _field(label, most_characters, **{"data-counts": "encoded", "class": "mono break"})


def typed(text: str) -> str:
    """What the person sees: browsers send every line break as two characters."""
    return text.replace("\r\n", "\n")


def as_base64(text: str) -> str:
    return encode_base64(text.encode())


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What a form that verifies has to say, and why it may say no."""

    valid: Text
    invalid: Text
    reasons: Text


@dataclass(frozen=True, slots=True)
class FollowUp:
    """The opposite of what was just done, offered beside the result."""

    mode: str
    label: Text
    # The field of the other form that takes the output; those that both forms have.
    field: str
    keeps: tuple[str, ...]


class ToolForm(OperationForm):
    """One operation of the tool with one key: choices on top, texts below them, side by side."""

    output_label: ClassVar[Text]
    # Where the answer is yes or no instead of a text.
    verdicts: ClassVar[Verdicts | None] = None

    # What can be done at once with the output, if anything.
    follow_up: ClassVar[FollowUp | None] = None

    def __init__(self, key: Key, data: Any = None, *, filled: Mapping[str, str] | None = None) -> None:
        super().__init__(data, initial={**(filled or {}), "request": {"key_id": key.key_id}})
        self.key = key
        self.adapt(key)

    def follow_up_fields(self) -> list[tuple[str, str]]:
        """What the button sends: the input as it was typed, and the result."""
        if self.follow_up is None:
            return []
        kept = [(name, self.cleaned_data[name]) for name in self.follow_up.keeps if name in self.cleaned_data]
        return [*kept, (self.follow_up.field, self.output().text)]

    def adapt(self, key: Key) -> None:
        """Leaves out or fills what depends on the kind of key."""

    def output(self) -> Output:
        raise NotImplementedError


class EncryptForm(ToolForm):
    operation = ENCRYPT_TEXT
    output_label = gettext_lazy("Ciphertext (Base64)")
    follow_up = FollowUp("decrypt", gettext_lazy("Decrypt this"), "cipher_text", ("encryption_algorithm",))
    plain_text = text_field(gettext_lazy("Plaintext"), encryption.MAX_BYTES)
    encryption_algorithm = forms.ChoiceField(label=gettext_lazy("Encryption Algorithm"))

    def adapt(self, key: Key) -> None:
        adapt_encryption(self, key)
        if key.spec.family is Family.AES:
            return
        limits = {str(name): rsa.max_plaintext(key.spec.bits, name) for name in key.spec.encryption_algorithms}
        choice = f"#{self['encryption_algorithm'].id_for_label}"
        self.fields["plain_text"].widget.attrs |= {"data-most-by": choice, "data-limits": json.dumps(limits)}

    def clean_plain_text(self) -> str:
        # The operation sees the Base64, which is as long for one byte more.
        text: str = self.cleaned_data["plain_text"]
        if len(typed(text).encode()) > encryption.MAX_BYTES:
            raise forms.ValidationError(str(errors.PLAIN_TEXT_INVALID.hint))
        return text

    def to_request(self) -> dict[str, Any]:
        request = super().to_request()
        text = typed(request.get("plain_text", ""))
        is_symmetric = self.key.spec.family is Family.AES
        return {**request, "plain_text": as_base64(text) if is_symmetric else text}

    def output(self) -> Output:
        return Output(encode_base64(self.result.cipher_text))


class DecryptForm(ToolForm):
    operation = DECRYPT_DATA
    output_label = gettext_lazy("Plaintext")
    cipher_text = encoded_field(gettext_lazy("Ciphertext (Base64)"), MOST_CIPHERTEXT)
    encryption_algorithm = forms.ChoiceField(label=gettext_lazy("Encryption Algorithm"))

    def adapt(self, key: Key) -> None:
        adapt_encryption(self, key)
        if key.spec.family is Family.AES:
            # The ciphertext names its key, which may be another one than this page's.
            self.initial["request"] = {}

    def to_request(self) -> dict[str, Any]:
        request = super().to_request()
        return {**request, "cipher_text": "".join(request.get("cipher_text", "").split())}

    def output(self) -> Output:
        text, note = readable(self.result.plain_text, was_encoded=self.key.spec.family is Family.AES)
        if self.result.key.pk != self.key.pk:
            note = _("Decrypted with the key %s.") % self.result.key.alias + (f" {note}" if note else "")
        return Output(text, note)


class SignForm(ToolForm):
    operation = SIGN
    output_label = gettext_lazy("Signature (Base64)")
    follow_up: ClassVar[FollowUp | None] = FollowUp(
        "verify", gettext_lazy("Verify this"), "signature", ("message", "signing_algorithm")
    )
    message = text_field(gettext_lazy("Message"), signing.MAX_BYTES)
    signing_algorithm = forms.ChoiceField(label=gettext_lazy("Signing Algorithm"))

    def adapt(self, key: Key) -> None:
        self.fields["signing_algorithm"].choices = _names(key.spec.signing_algorithms)  # type: ignore[attr-defined]

    def to_request(self) -> dict[str, Any]:
        request = super().to_request()
        return {**request, "message": as_base64(typed(request.get("message", ""))), "message_type": signing.RAW}

    def output(self) -> Output:
        return Output(encode_base64(self.result.signature))


class VerifyForm(SignForm):
    operation = VERIFY
    output_label = gettext_lazy("Result")
    follow_up = None
    verdicts = Verdicts(
        gettext_lazy("The signature is valid."),
        gettext_lazy("The signature is not valid."),
        gettext_lazy("The message or the signature was changed, or another key or algorithm signed it."),
    )
    signature = encoded_field(gettext_lazy("Signature (Base64)"), MOST_SIGNATURE)

    def to_request(self) -> dict[str, Any]:
        request = super().to_request()
        return {**request, "signature": "".join(request.get("signature", "").split())}

    def output(self) -> Output:
        return Output(verdict=self.result.signature_valid)


class GenerateMacForm(ToolForm):
    operation = GENERATE_MAC
    output_label = gettext_lazy("MAC (hexadecimal)")
    follow_up: ClassVar[FollowUp | None] = FollowUp(
        "verify-mac", gettext_lazy("Verify this"), "mac", ("message", "mac_algorithm")
    )
    message = text_field(gettext_lazy("Message"), macs.MAX_BYTES)
    mac_algorithm = forms.ChoiceField(label=gettext_lazy("MAC Algorithm"))

    def adapt(self, key: Key) -> None:
        self.fields["mac_algorithm"].choices = _names((key.spec.mac_algorithm,))  # type: ignore[attr-defined]

    def to_request(self) -> dict[str, Any]:
        request = super().to_request()
        return {**request, "message": as_base64(typed(request.get("message", "")))}

    def output(self) -> Output:
        return Output(self.result.mac.hex())


class VerifyMacForm(GenerateMacForm):
    operation = VERIFY_MAC
    output_label = gettext_lazy("Result")
    follow_up = None
    verdicts = Verdicts(
        gettext_lazy("The MAC is valid."),
        gettext_lazy("The MAC is not valid."),
        gettext_lazy("The message or the MAC was changed, or another key made it."),
    )
    mac = encoded_field(gettext_lazy("MAC (hexadecimal)"), MOST_MAC)

    def to_request(self) -> dict[str, Any]:
        request = super().to_request()
        return {**request, "mac": "".join(request.get("mac", "").split())}

    def output(self) -> Output:
        return Output(verdict=self.result.mac_valid)


def adapt_encryption(form: ToolForm, key: Key) -> None:
    if key.spec.family is Family.RSA:
        algorithms = _names(key.spec.encryption_algorithms)
        form.fields["encryption_algorithm"].choices = algorithms  # type: ignore[attr-defined]
    else:
        del form.fields["encryption_algorithm"]


def readable(plain: bytes, *, was_encoded: bool) -> tuple[str, str]:
    """The bytes as text, and what was done to make them one. Bytes that are no text are shown in Base64."""
    try:
        text = plain.decode()
        inner = decode_base64(text) if was_encoded else None
    except UnicodeDecodeError:
        return encode_base64(plain), _("The plaintext is not UTF-8 text; it is shown in Base64.")
    if inner is not None:
        try:
            return inner.decode(), ""
        except UnicodeDecodeError:
            pass
    return text, _("The plaintext was not encoded by the console; it is shown as it is.") if was_encoded else ""


def _names(algorithms: Any) -> list[tuple[str, str]]:
    return [(str(name), str(name)) for name in algorithms]
