"""What can be done with a key from a page: the uses its state leaves open, as links, with what the caller may not do.

A link that a permission stands against is shown, switched off, and names the missing action (console.md F).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from keys.api.creation import CREATE_KEY
from keys.api.lifecycle import CANCEL_KEY_DELETION, DISABLE_KEY, ENABLE_KEY, SCHEDULE_KEY_DELETION
from keys.models import Key
from keys.states import Use
from operations.caller import Caller
from operations.errors import Text

GET_MATERIAL, IMPORT_MATERIAL, DELETE_MATERIAL = (
    "kms:cmk:getMaterial",
    "kms:cmk:importMaterial",
    "kms:cmk:deleteMaterial",
)


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    label: Text
    use: Use
    permissions: tuple[str, ...]
    view: str
    # The page has the one key in its path; any other takes keys from `?key=`, once or several times.
    is_for_one: bool = False


def _permission(action: str | None) -> tuple[str, ...]:
    return (action,) if action else ()


# In the order in which a row shows them (console.md B1).
KINDS = (
    Kind("enable", gettext_lazy("Enable"), Use.ENABLE, _permission(ENABLE_KEY.action), "keys:enable"),
    Kind("disable", gettext_lazy("Disable"), Use.DISABLE, _permission(DISABLE_KEY.action), "keys:disable"),
    Kind(
        "import",
        gettext_lazy("Import Key Material"),
        Use.OFFER_IMPORT,
        (GET_MATERIAL, IMPORT_MATERIAL),
        "imports:import_material",
        is_for_one=True,
    ),
    Kind(
        "delete",
        gettext_lazy("Delete"),
        Use.SCHEDULE_DELETION,
        _permission(SCHEDULE_KEY_DELETION.action),
        "keys:delete",
    ),
    Kind(
        "delete-material",
        gettext_lazy("Delete Key Material"),
        Use.DELETE_MATERIAL,
        (DELETE_MATERIAL,),
        "imports:delete_material",
        is_for_one=True,
    ),
    Kind(
        "cancel-deletion",
        gettext_lazy("Cancel Deletion"),
        Use.CANCEL_DELETION,
        _permission(CANCEL_KEY_DELETION.action),
        "keys:cancel_deletion",
    ),
)
BULK = tuple(kind for kind in KINDS if not kind.is_for_one)


@dataclass(frozen=True, slots=True)
class Action:
    """A link or a button. `denied` says why it is off; empty where it is not. A dialog comes where there is script."""

    name: str
    label: Text
    url: str
    denied: str = ""
    is_dialog: bool = False


def denial(caller: Caller, permissions: Iterable[str], enterprise_project_id: str | None = None) -> str:
    """Why a control is off: the missing permissions by name; empty where none is missing."""
    missing = [name for name in permissions if not caller.may(name, enterprise_project_id)]
    return _("You do not have the permission %s.") % ", ".join(missing) if missing else ""


def address(view: str, *args: str) -> str:
    """The address of a page of an app above, which this one knows by name only; empty where there is no such page."""
    try:
        return reverse(view, args=args)
    except NoReverseMatch:
        return ""


def actions_for(key: Key, caller: Caller, *, back: str) -> list[Action]:
    """What the key's kind and state leave open, in the order of KINDS. `back` is where a dialog returns to."""
    return Offers(caller, back).of(key)


class Offers:
    """`actions_for`, for many keys of one page: what is the same for all of them is found out once."""

    def __init__(self, caller: Caller, back: str) -> None:
        self._caller = caller
        self._next = urlencode({"next": back})
        self._kinds = [(kind, str(kind.label), "" if kind.is_for_one else reverse(kind.view)) for kind in KINDS]

    def of(self, key: Key) -> list[Action]:
        open_uses = key.uses_open()
        return [
            Action(kind.name, label, url, self._denial(kind, key), is_dialog=True)
            for kind, label, page in self._kinds
            if kind.use in open_uses and (url := self._url(kind, page, key))
        ]

    def _denial(self, kind: Kind, key: Key) -> str:
        return denial(self._caller, kind.permissions, key.enterprise_project_id)

    def _url(self, kind: Kind, page: str, key: Key) -> str:
        if not kind.is_for_one:
            return f"{page}?key={key.key_id}&{self._next}"
        url = address(kind.view, key.key_id)
        return f"{url}?{self._next}" if url else ""


def bulk_actions(caller: Caller) -> list[Action]:
    return [Action(kind.name, kind.label, reverse(kind.view), denial(caller, kind.permissions)) for kind in BULK]


def create_action(caller: Caller) -> Action:
    missing = denial(caller, _permission(CREATE_KEY.action))
    return Action("create", _("Create Key"), reverse("keys:create"), missing)


def import_action(caller: Caller) -> Action | None:
    """The four-step import makes a key and brings its material, so it needs what both need."""
    url = address("imports:wizard")
    permissions = (*_permission(CREATE_KEY.action), GET_MATERIAL, IMPORT_MATERIAL)
    return Action("import", _("Import Key"), url, denial(caller, permissions), is_dialog=True) if url else None
