"""Forms of the Grants tab: labels, and what is offered. What is right and what is wrong the operations say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from keys import states
from keys.api import OPERATIONS
from keys.api.grants import CREATE_GRANT, REVOKE_GRANT, grantable
from keys.models import GranteeKind, Key
from keys.states import State
from operations.console import OperationForm, TypedConfirmation
from operations.errors import Text
from operations.operation import Operation

# In the order of the original's dialog; what only this service lets one grant comes last (console.md B6).
LABELS: dict[str, Text] = {
    "create-datakey-without-plaintext": gettext_lazy("Create Data Key Without Plaintext"),
    "create-datakey": gettext_lazy("Create Data Key"),
    "encrypt-datakey": gettext_lazy("Encrypt Data Key"),
    "decrypt-datakey": gettext_lazy("Decrypt Data Key"),
    "describe-key": gettext_lazy("Describe Key"),
    "create-grant": gettext_lazy("Create Grant"),
    "retire-grant": gettext_lazy("Retire Grant"),
    "encrypt-data": gettext_lazy("Encrypt Data"),
    "decrypt-data": gettext_lazy("Decrypt Data"),
    "sign": gettext_lazy("Sign"),
    "verify": gettext_lazy("Verify"),
    "get-publickey": gettext_lazy("Get Public Key"),
    "generate-mac": gettext_lazy("Generate MAC"),
    "verify-mac": gettext_lazy("Verify MAC"),
}


def labels(names: Iterable[str]) -> list[Text]:
    """For people, in the order of LABELS."""
    given = set(names)
    return [label for name, label in LABELS.items() if name in given]


def offered(key: Key) -> list[tuple[str, Text]]:
    """What is worth granting on a key of this kind, as choices: nobody signs with a symmetric key."""
    by_name: dict[str, Operation] = {operation.name: operation for operation in OPERATIONS}
    return [
        (name, label)
        for name, label in LABELS.items()
        if name in grantable() and states.refusal(by_name[name].use, key.nature, State.ENABLED) is None
    ]


class CreateGrantForm(OperationForm):
    operation = CREATE_GRANT

    grantee_principal_type = forms.ChoiceField(
        label=gettext_lazy("User or Account"),
        choices=[(GranteeKind.USER.value, gettext_lazy("User")), (GranteeKind.DOMAIN.value, gettext_lazy("Account"))],
        initial=GranteeKind.USER.value,
        widget=forms.RadioSelect({"class": "segmented"}),
    )
    grantee_principal = forms.CharField(
        label=gettext_lazy("User ID"),
        strip=False,
        help_text=gettext_lazy(
            '<span data-when="grantee_principal_type=user" data-when-keep>The user finds it under My Credentials, as '
            'IAM User ID.</span> <span data-when="grantee_principal_type=domain" data-when-keep>Every user of the '
            "account finds it under My Credentials, as Account ID.</span>"
        ),
        error_messages={"required": gettext_lazy("Enter an ID.")},
        widget=forms.TextInput(
            {"maxlength": "64", "class": "mono", "autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}
        ),
    )
    name = forms.CharField(
        label=gettext_lazy("Grant Name (Optional)"),
        required=False,
        strip=False,
        widget=forms.TextInput(
            {"maxlength": "255", "autocomplete": "off", "placeholder": gettext_lazy("Enter a grant name.")}
        ),
    )
    operations = forms.MultipleChoiceField(
        label=gettext_lazy("Granted Operations"),
        widget=forms.CheckboxSelectMultiple({"class": "choices two"}),
        error_messages={"required": gettext_lazy("Choose at least one operation.")},
    )

    def __init__(self, data: Any = None, *, key: Key) -> None:
        super().__init__(data, initial={"request": {"key_id": key.key_id}, "grantee_principal_type": "user"})
        self.fields["operations"].choices = offered(key)  # type: ignore[attr-defined]

    def is_for_account(self) -> bool:
        return bool(self["grantee_principal_type"].value() == GranteeKind.DOMAIN.value)


class RevokeGrantForm(OperationForm):
    operation = REVOKE_GRANT
    confirm = TypedConfirmation()

    def to_request(self) -> dict[str, Any]:
        return {}


def granted_to(kind: str) -> str:
    return _("Account") if kind == GranteeKind.DOMAIN else _("User")
