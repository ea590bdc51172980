"""Forms of the Tags tab. People at a console write tags with fewer characters than the wire takes (console.md B3)."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from keys.forms import tag_fault
from keys.models import Key
from operations import errors
from operations.console import OperationForm
from tags.api import CREATE_TAG, DELETE_TAG

_OF_THE_VALUE = {errors.TAG_VALUE_INVALID.code, errors.TAG_VALUE_TOO_LONG.code}


def value_field() -> forms.CharField:
    return forms.CharField(
        label=gettext_lazy("Tag value"),
        required=False,
        strip=False,
        widget=forms.TextInput({"maxlength": "255", "autocomplete": "off"}),
        help_text=gettext_lazy("Letters, digits, and <code>_ - @</code>; it may be empty."),
    )


class TagForm(OperationForm):
    """A tag of one key; what is wrong with it stands at its key or at its value."""

    operation = CREATE_TAG

    def __init__(self, data: Any = None, *, key: Key, name: str = "", value: str = "") -> None:
        super().__init__(data, initial={"request": {"key_id": key.key_id}, "value": value})
        self.name = name

    def to_request(self) -> dict[str, Any]:
        return {"tag": {"key": self.name, "value": self.cleaned_data.get("value", "")}}

    def clean_value(self) -> str:
        value: str = self.cleaned_data["value"]
        if fault := tag_fault({"key": "key", "value": value}):
            raise forms.ValidationError(fault)
        return value

    def _put(self, field: str, message: str, code: str) -> None:
        if field == "tag":
            field = "value" if code in _OF_THE_VALUE else "key"
        if field not in self.errors:
            super()._put(field, message, code)


class AddTagForm(TagForm):
    """`present` are the tag keys that the key bears: here a second one is a mistake, not a new value."""

    key = forms.CharField(
        label=gettext_lazy("Tag key"),
        strip=False,
        widget=forms.TextInput({"maxlength": "128", "autocomplete": "off"}),
        help_text=gettext_lazy("1 to 128 letters, digits, and <code>_ - @</code>."),
        error_messages={"required": gettext_lazy("Enter a tag key.")},
    )
    value = value_field()

    def __init__(self, data: Any = None, *, key: Key, present: Container[str]) -> None:
        super().__init__(data, key=key)
        self.present = present

    def to_request(self) -> dict[str, Any]:
        self.name = self.cleaned_data.get("key", "")
        return super().to_request()

    def clean_key(self) -> str:
        name: str = self.cleaned_data["key"]
        fault = tag_fault({"key": name, "value": ""})
        if name in self.present:
            fault = _("The tag key already exists.")
        if fault:
            raise forms.ValidationError(fault)
        return name


class EditTagForm(TagForm):
    value = value_field()


class DeleteTagForm(OperationForm):
    operation = DELETE_TAG
