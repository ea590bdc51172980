"""Forms of the import wizard: labels, and where each value comes from. What is right and wrong, the operations say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from imports import chosen
from imports.api import DELETE_IMPORTED_KEY_MATERIAL, GET_PARAMETERS_FOR_IMPORT, IMPORT_KEY_MATERIAL
from imports.chosen import Chosen, Wanted
from imports.services.material import PRIVATE_KEY_BYTES, WRAPPED_BYTES
from imports.services.parameters import DEFAULT_ALGORITHM
from imports.wizard import Step, Wizard
from keys.forms import CreateKeyForm
from keys.models import Key
from keys.states import Origin
from kmscrypto.specs import SPECS
from operations import errors
from operations.console import OperationForm, TypedConfirmation
from operations.errors import FieldError, KmsError

_WANTED = {
    "encrypted_key_material": Wanted(WRAPPED_BYTES, WRAPPED_BYTES),
    "encrypted_privatekey": Wanted(PRIVATE_KEY_BYTES.start, PRIVATE_KEY_BYTES[-1], PRIVATE_KEY_BYTES.step),
    # api.md 3.7: 200 to 6,144 characters of Base64.
    "import_token": Wanted(150, 4608),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, as the wizard shows it: at which step and field, the documented code and message, and
    what to do. `field` is empty where the page has none for it."""

    step: Step
    field: str
    code: str
    message: str
    hint: str

    @property
    def sentence(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def as_json(self) -> dict[str, str]:
        return {"field": self.field, "code": self.code, "message": self.message, "hint": self.hint}


class EmptyKeyForm(CreateKeyForm):
    """Step 1 of Import Key: as Create Key, without Origin and without HMAC (console.md B4)."""

    origin = None  # type: ignore[assignment]
    acknowledged = forms.BooleanField(
        error_messages={"required": _("Confirm that you understand what using an imported key means.")},
    )

    def __init__(self, *args: Any, enterprise_projects: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, enterprise_projects=enterprise_projects, **kwargs)
        importable = [(name, name) for name, spec in SPECS.items() if spec.importable]
        symmetric = [choice for choice in importable if not SPECS[choice[0]].is_asymmetric]
        asymmetric = [choice for choice in importable if SPECS[choice[0]].is_asymmetric]
        spec = self.fields["key_spec"]
        spec.choices = [(_("Symmetric"), symmetric), (_("Asymmetric"), asymmetric)]  # type: ignore[attr-defined]
        spec.widget.attrs.pop("data-origin-for", None)

    def clean_acknowledged(self) -> bool:
        return bool(self.cleaned_data["acknowledged"])

    def to_request(self) -> dict[str, Any]:
        return {**super().to_request(), "origin": Origin.EXTERNAL.value}


class DownloadForm(OperationForm):
    operation = GET_PARAMETERS_FOR_IMPORT
    wrapping_algorithm = forms.ChoiceField(
        label=_("Wrapping Algorithm"),
        choices=[(DEFAULT_ALGORITHM, DEFAULT_ALGORITHM)],
        initial=DEFAULT_ALGORITHM,
        help_text=_("RSA-2048 wrapping key, OAEP padding, SHA-256 for both hash and mask generation."),
    )


class ChosenInput(forms.Widget):
    """A file `<name>_file`, or Base64 pasted into `<name>` (components/material_field.html)."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Chosen:
        return chosen.read(files.get(f"{name}_file"), data.get(name, ""))


class ChosenField(forms.Field):
    widget = ChosenInput

    def __init__(self) -> None:
        super().__init__(required=False)


class ImportMaterialForm(OperationForm):
    """Steps Import Key Material and Import Key Token at once. On the download path the page brings the token.

    Nothing is judged here before the operation has judged: a form that cannot be sent would be a refusal without trace.
    """

    operation = IMPORT_KEY_MATERIAL
    encrypted_key_material = ChosenField()
    encrypted_privatekey = ChosenField()
    import_token = ChosenField()
    expiration_mode = forms.CharField(required=False)
    # Seconds, as the browser made them of the reader's own time; without script the time is typed, and read, as UTC.
    expiration_time = forms.CharField(required=False)
    expiration_time_utc = forms.CharField(required=False)

    def __init__(self, *args: Any, key: Key, wizard: Wizard, token: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.key = key
        self.wizard = wizard
        self.token = token
        self.faults: list[Fault] = []
        if not key.spec.is_asymmetric:
            del self.fields["encrypted_privatekey"]
        if not wizard.is_existing:
            del self.fields["import_token"]

    def clean(self) -> dict[str, Any]:
        """Splits both ciphertexts in one, chosen where the temporary key belongs. (Chosen for the private key,
        it looks like a private key ciphertext.)"""
        cleaned = forms.Form.clean(self) or {}
        if "encrypted_privatekey" in self.fields and not cleaned["encrypted_privatekey"]:
            parts = cleaned["encrypted_key_material"].split(WRAPPED_BYTES, _WANTED["encrypted_privatekey"])
            if parts:
                cleaned["encrypted_key_material"], cleaned["encrypted_privatekey"] = parts
        return cleaned

    def to_request(self) -> dict[str, Any]:
        request: dict[str, Any] = {"key_id": self.key.key_id, "import_token": self.token}
        for name, value in self._chosen():
            request[name] = value.text
        if self.cleaned_data.get("expiration_mode") == "expires":
            request["expiration_time"] = self._seconds()
        return {name: value for name, value in request.items() if value != ""}

    def refuse(self, error: KmsError) -> None:
        self.error = error
        bad = error.errors or (FieldError(error.field, error.code, error.hint),)
        self.faults = [self._fault(each) for each in bad]

    def check(self) -> bool:
        """Whether what was chosen in the step Import Key Material is plausible; nothing is performed (console.md C)."""
        bad = [self._implausible(name, value) for name, value in self._chosen() if name != "import_token"]
        self.faults = [self._fault(error) for error in bad if error is not None]
        return not self.faults

    @property
    def failed_step(self) -> Step:
        """The earliest step at which something has to be mended."""
        return min((fault.step for fault in self.faults), key=self.wizard.number)

    # --- reading

    def _chosen(self) -> list[tuple[str, Chosen]]:
        return [(n, self.cleaned_data[n]) for n, field in self.fields.items() if isinstance(field, ChosenField)]

    def _seconds(self) -> str:
        """What cannot be read is sent as it is, and refused by the operation."""
        typed = self.cleaned_data.get("expiration_time_utc", "")
        if self.cleaned_data.get("expiration_time") or not typed:
            return str(self.cleaned_data.get("expiration_time", "")) or "-"
        try:
            moment = datetime.fromisoformat(typed)
        except ValueError:
            return str(typed)
        return str(int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()))

    # --- judging

    def _implausible(self, name: str, value: Chosen) -> FieldError | None:
        if not value:
            missing = errors.PRIVATE_KEY_MISSING if name == "encrypted_privatekey" else errors.PARAMETER_MISSING
            return FieldError(name, missing, _("Give the file, or paste it as Base64."))
        fault = value.fault(_WANTED[name])
        return FieldError(name, errors.PARAMETER_INVALID, fault) if fault else None

    def _fault(self, error: FieldError) -> Fault:
        """Says more where the page knows more about what was chosen than the operation, which saw Base64."""
        hint = str(error.hint)
        value = self.cleaned_data.get(error.field)
        if error.code is errors.PARAMETER_INVALID and isinstance(value, Chosen):
            hint = value.fault(_WANTED[error.field]) or hint
        at = error.field if error.field in self.fields else ""
        return Fault(self.wizard.step_of(error.field), at, error.code.code, error.code.message, hint)


class DeleteMaterialForm(OperationForm):
    operation = DELETE_IMPORTED_KEY_MATERIAL
    confirm = TypedConfirmation()

    def to_request(self) -> dict[str, Any]:
        return {}
