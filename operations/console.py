"""The console's half of an operation: a form that holds labels and widgets, and no rule.

The operation's own request reads and judges what was typed, so a form and a JSON body cannot disagree. A form field
bears the wire name of what it sends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _

from operations.caller import Caller
from operations.errors import FieldError, KmsError
from operations.operation import Operation
from operations.perform import perform


def sentence(error: FieldError) -> str:
    """For a person: what is wrong and what to do. The hint alone where it says all."""
    return str(error.hint or error.code.message)


def full_sentence(error: KmsError) -> str:
    """The code and its message as documented, then the hint."""
    text = f"{error.code.code} {error.code.message}"
    return f"{text} {error.hint}" if error.hint else text


class OperationForm(forms.Form):
    """Subclasses set `operation` and fields named as on the wire; `to_request` may reshape them."""

    operation: ClassVar[Operation]
    required_css_class = "required"
    error: KmsError | None = None
    result: Any = None

    def to_request(self) -> dict[str, Any]:
        """The request's data. An empty text counts as absent."""
        return {name: value for name, value in self.cleaned_data.items() if value not in ("", None)}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            try:
                self.operation.read({**self.initial_request(), **self.to_request()})
            except KmsError as error:
                for bad in error.errors:
                    self._put(bad.field, sentence(bad), bad.code.code)
        return cleaned

    def initial_request(self) -> Mapping[str, Any]:
        """What the page knows and the form does not ask for, such as the key's ID."""
        return self.initial.get("request", {})

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


def wait_message(seconds: int) -> str:
    return _("Too many requests. Try again in %(seconds)d seconds.") % {"seconds": seconds}
