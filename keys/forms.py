"""Forms of the key pages: labels, widgets and hints. What is right and what is wrong, the operations say.

Two rules live here and not in the operations, because they are about people at a console: an impact has to be
confirmed, and tags are written with fewer characters than the wire takes (console.md B3).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from keys.api.aliases import CREATE_ALIAS, DELETE_ALIASES
from keys.api.creation import CREATE_KEY
from keys.api.lifecycle import (
    CANCEL_KEY_DELETION,
    DISABLE_KEY,
    ENABLE_KEY,
    PENDING_DAYS,
    SCHEDULE_KEY_DELETION,
    UPDATE_KEY_ALIAS,
    UPDATE_KEY_DESCRIPTION,
)
from keys.api.rotation import DISABLE_KEY_ROTATION, ENABLE_KEY_ROTATION, UPDATE_KEY_ROTATION_INTERVAL, Interval
from keys.api.schemas import ALIAS_MISSING_HINT
from keys.services.rotation import DEFAULT_DAYS
from keys.services.tagging import MOST_TAGS
from keys.states import Origin
from kmscrypto.specs import SPECS, Usage
from operations.console import OperationForm, TypedConfirmation
from operations.errors import ROTATION_INTERVAL_INVALID
from operations.fields import Whole

_TAG_CHARACTERS = re.compile(r"[\w@-]*")


class AliasInput(forms.TextInput):
    def __init__(self) -> None:
        super().__init__(
            {
                "maxlength": "255",
                # The reserved ending too, so that OK waits for an alias that can be taken.
                "pattern": r"(?!.*\/default$)[A-Za-z0-9_:\/\-]+",
                "autocomplete": "off",
                "autocapitalize": "off",
                "spellcheck": "false",
                "data-alias": True,
            }
        )


def alias_field() -> forms.CharField:
    return forms.CharField(
        label=_("Alias"),
        help_text=_("1 to 255 digits, letters, and <code>_ - : /</code>"),
        widget=AliasInput(),
        strip=False,
        error_messages={"required": ALIAS_MISSING_HINT},
    )


def description_field(label: Any) -> forms.CharField:
    attributes = {"maxlength": "255", "rows": "3", "data-counter": True, "placeholder": _("Enter a description")}
    return forms.CharField(label=label, required=False, strip=False, widget=forms.Textarea(attributes))


class SpecSelect(forms.Select):
    """Tells the page which usages each algorithm has, default first, and whether its material can be imported."""

    def create_option(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(*args, **kwargs)
        spec = SPECS[str(option["value"])]
        option["attrs"]["data-usages"] = json.dumps(spec.usages)
        if not spec.importable:
            option["attrs"]["data-no-import"] = True
        return option


class TagRows(forms.Widget):
    """Pairs of `tag_key` and `tag_value`, in their order; pairs of which nothing was typed are left out."""

    template_name = "keys/widgets/tag_rows.html"

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[dict[str, str]]:
        keys, values = data.getlist("tag_key"), data.getlist("tag_value")
        pairs = [(key, values[at] if at < len(values) else "") for at, key in enumerate(keys)]
        return [{"key": key, "value": value} for key, value in pairs if key or value]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return "tag_key" not in data

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        rows = [{**row, "error": tag_fault(row)} for row in value or ()]
        return {**context, "rows": rows, "limit": MOST_TAGS, "left": MOST_TAGS - len(rows)}

    def format_value(self, value: Any) -> Any:
        return value


def tag_fault(row: Mapping[str, str]) -> str:
    """What is wrong with the characters of a tag as typed, or "". Lengths and duplicates the operation judges."""
    key, value = row["key"], row["value"]
    if not key:
        return str(_("Enter a tag key."))
    if key != key.strip():
        return str(_("A tag key cannot begin or end with a space."))
    if not _TAG_CHARACTERS.fullmatch(key) or not _TAG_CHARACTERS.fullmatch(value):
        return str(_("Only letters, digits, underscores (_), hyphens (-), and at signs (@) are allowed."))
    return ""


class TagsField(forms.Field):
    widget = TagRows

    def __init__(self) -> None:
        super().__init__(label=_("Tag"), required=False)

    def clean(self, value: Sequence[Mapping[str, str]]) -> Sequence[Mapping[str, str]]:
        if any(tag_fault(row) for row in value):
            raise forms.ValidationError(_("Correct the tags that are marked."), code="tags")
        return value


def _spec_choices() -> list[tuple[Any, list[tuple[str, str]]]]:
    symmetric = [(name, name) for name, spec in SPECS.items() if not spec.is_asymmetric]
    asymmetric = [(name, name) for name, spec in SPECS.items() if spec.is_asymmetric]
    return [(_("Symmetric"), symmetric), (_("Asymmetric"), asymmetric)]


class CreateKeyForm(OperationForm):
    operation = CREATE_KEY

    key_alias = alias_field()
    key_spec = forms.ChoiceField(
        label=_("Key Algorithm"),
        required=False,
        choices=_spec_choices,
        initial="AES_256",
        widget=SpecSelect({"data-usage-for": "#id_key_usage", "data-origin-for": "#id_origin"}),
    )
    key_usage = forms.ChoiceField(
        label=_("Usage"),
        required=False,
        choices=[("", _("The algorithm's default")), *((usage.value, usage.value) for usage in Usage)],
        help_text=_("It cannot be changed later."),
    )
    origin = forms.ChoiceField(
        label=_("Origin"),
        choices=[(Origin.KMS.value, _("Key Management Service")), (Origin.EXTERNAL.value, _("External"))],
        initial=Origin.KMS.value,
        widget=forms.RadioSelect({"class": "segmented"}),
        # Each with the choice that it explains; without script both stand there.
        help_text=_(
            '<span data-when="origin=kms" data-when-keep>KMS generates the key material.</span> '
            '<span data-when="origin=external" data-when-keep>You bring the key material: the key is created empty, '
            "and the import of its material begins at once.</span> <span data-origin-locked hidden></span>"
        ),
    )
    acknowledged = forms.BooleanField(required=False)
    enterprise_project_id = forms.ChoiceField(label=_("Enterprise Project"), required=False)
    key_description = description_field(_("Description (Optional)"))
    tags = TagsField()

    def __init__(self, *args: Any, enterprise_projects: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        projects = list(enterprise_projects)
        if projects:
            self.fields["enterprise_project_id"].choices = projects  # type: ignore[attr-defined]
            self.fields["enterprise_project_id"].required = True
        else:
            del self.fields["enterprise_project_id"]

    def clean_acknowledged(self) -> bool:
        ticked: bool = self.cleaned_data["acknowledged"]
        if self.cleaned_data.get("origin") == Origin.EXTERNAL and not ticked:
            raise forms.ValidationError(_("Confirm that you understand what using an imported key means."))
        return ticked

    def to_request(self) -> dict[str, Any]:
        return {name: value for name, value in super().to_request().items() if name != "acknowledged"}

    def has_advanced(self) -> bool:
        """Whether something stands in the settings that are folded at first."""
        return any(self[name].errors or self[name].value() for name in ("key_description", "tags"))


class AliasForm(OperationForm):
    operation = UPDATE_KEY_ALIAS
    key_alias = alias_field()


class CreateAliasForm(OperationForm):
    operation = CREATE_ALIAS
    alias = alias_field()


class DeleteAliasForm(OperationForm):
    operation = DELETE_ALIASES


class DescriptionForm(OperationForm):
    operation = UPDATE_KEY_DESCRIPTION
    key_description = description_field(_("Description"))

    def to_request(self) -> dict[str, Any]:
        # An empty description is a value here: it takes the old one away.
        return {"key_description": self.cleaned_data.get("key_description", "")}


def days_field(label: Any, field: Whole, *, initial: str) -> forms.CharField:
    """A whole number within the limits of a field of the wire; of any other value the page says that field's hint."""
    fault: Any = field.error.hint
    limits = {"min": str(field.minimum), "max": str(field.maximum), "step": "1", "inputmode": "numeric"}
    widget = forms.NumberInput({**limits, "data-fault": fault})
    return forms.CharField(label=label, initial=initial, widget=widget, error_messages={"required": fault})


class RotationForm(OperationForm):
    """A period in days, for switching rotation on and for changing it."""

    rotation_interval = days_field(_("Rotation Period (Day)"), Interval(), initial=str(DEFAULT_DAYS))


class EnableRotationForm(RotationForm):
    operation = ENABLE_KEY_ROTATION

    def clean_rotation_interval(self) -> str:
        # Programs say 0 for the default; what a person who types it wants, nobody knows.
        typed: str = self.cleaned_data["rotation_interval"].strip()
        if typed.isdecimal() and int(typed) == 0:
            raise forms.ValidationError(str(ROTATION_INTERVAL_INVALID.hint))
        return typed


class RotationIntervalForm(RotationForm):
    operation = UPDATE_KEY_ROTATION_INTERVAL


class DisableRotationForm(OperationForm):
    operation = DISABLE_KEY_ROTATION


class EnableForm(OperationForm):
    operation = ENABLE_KEY


class DisableForm(OperationForm):
    operation = DISABLE_KEY
    understood = forms.BooleanField(
        label=_("I understand the impact of disabling keys"),
        error_messages={"required": _("Confirm the impact first.")},
    )

    def to_request(self) -> dict[str, Any]:
        return {}


class CancelDeletionForm(OperationForm):
    operation = CANCEL_KEY_DELETION


class DeleteForm(OperationForm):
    operation = SCHEDULE_KEY_DELETION
    pending_days = days_field(_("Waiting Period (days)"), PENDING_DAYS, initial=str(PENDING_DAYS.minimum))
    confirm = TypedConfirmation()

    def to_request(self) -> dict[str, Any]:
        return {"pending_days": self.cleaned_data.get("pending_days", "")}
