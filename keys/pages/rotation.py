"""Rotation Policy: whether, how often and when a key gets new material, and its versions (console.md B6)."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from keys import queries, states
from keys.api.rotation import (
    DISABLE_KEY_ROTATION,
    ENABLE_KEY_ROTATION,
    GET_KEY_ROTATION_STATUS,
    UPDATE_KEY_ROTATION_INTERVAL,
)
from keys.forms import DisableRotationForm, EnableRotationForm, RotationIntervalForm
from keys.models import Key
from keys.pages.detail import KeyPage
from keys.pages.dialogs import EditDialog
from keys.services.rotation import DEFAULT_DAYS
from keys.states import Use
from operations.console import way_back
from operations.errors import KmsError
from operations.perform import perform


class RotationPolicy(KeyPage):
    tab = "rotation"
    template_name = "keys/rotation.html"

    def find(self) -> Key:
        """The policy is read under a permission of its own. Raises what a key that never rotates is refused with."""
        key = super().find()
        if code := states.never(Use.ROTATE, key.nature):
            raise KmsError(code)
        perform(GET_KEY_ROTATION_STATUS, self.caller, {"key_id": key.key_id})
        return key

    def context(self) -> dict[str, Any]:
        key = self.key
        is_on = key.rotation_days is not None
        return {
            **super().context(),
            "is_on": is_on,
            "switch_url": reverse(f"keys:{'disable' if is_on else 'enable'}_rotation", args=[key.key_id]),
            "switch_denied": self.denial(DISABLE_KEY_ROTATION if is_on else ENABLE_KEY_ROTATION) or self.paused(),
            "can_change": Use.CHANGE_ROTATION in key.uses_open(),
            "change_denied": self.denial(UPDATE_KEY_ROTATION_INTERVAL),
            "rotations": key.current_version - 1,
            "versions": queries.newest_versions(key),
        }

    def paused(self) -> str:
        """A key that is not enabled is not rotated; its policy waits with it."""
        return "" if Use.ROTATE in self.key.uses_open() else _("Only enabled keys are rotated. Enable the key first.")


class RotationDialog(EditDialog):
    tab = "rotation"
    field = "rotation_interval"

    @cached_property
    def back(self) -> str:
        return way_back(self.request, reverse("keys:rotation", args=[self.key_id]))

    def value(self, key: Key) -> str:
        return str(key.rotation_days or DEFAULT_DAYS)


class EnableRotation(RotationDialog):
    title = gettext_lazy("Enable Rotation Policy")
    form_class = EnableRotationForm
    done = gettext_lazy("Key rotation enabled successfully")


class EditRotation(RotationDialog):
    title = gettext_lazy("Change Rotation Period")
    form_class = RotationIntervalForm
    done = gettext_lazy("Rotation period changed successfully")


class DisableRotation(RotationDialog):
    title = gettext_lazy("Disable Rotation Policy")
    body = "keys/dialogs/disable_rotation.html"
    waits = ""
    form_class = DisableRotationForm
    done = gettext_lazy("Key rotation disabled successfully")
