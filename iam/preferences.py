"""A user's choices about the look of pages, kept with the user (`operations.preferences`)."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from iam.models import User


class UserPreferences:
    def __init__(self, user: User) -> None:
        self._user = user

    def get(self, name: str) -> Any:
        return self._user.preferences.get(name)

    def keep(self, name: str, value: Any) -> None:
        """Beside what another page keeps at the same moment."""
        with transaction.atomic():
            row = User.objects.select_for_update().get(pk=self._user.pk)
            row.preferences[name] = value
            row.save(update_fields=["preferences"])
        self._user.preferences = row.preferences
