"""Forms of signing in, of changing one's password, and of one's access keys."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from iam.models import User
from iam.services import passwords
from operations.console import TypedConfirmation


class SignInForm(forms.Form):
    account = forms.CharField(
        label=_("Account"), max_length=64, widget=forms.TextInput(attrs={"autocomplete": "organization"})
    )
    name = forms.CharField(
        label=_("IAM user name"),
        max_length=64,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )
    # No limit of length here: a password that is too long is wrong like any other. Blanks belong to it.
    password = forms.CharField(
        label=_("Password"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )


class PasswordForm(forms.Form):
    """A new password for the user; whether the old one is right is the page's question, for that costs a hash."""

    old = forms.CharField(
        label=_("Current password"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    new = forms.CharField(
        label=_("New password"),
        strip=False,
        help_text=_("12 to 128 characters. A few unrelated words are easier to remember than signs and digits."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=_("New password again"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_new(self) -> str:
        new: str = self.cleaned_data["new"]
        passwords.validate(new, self.user)
        if new == self.data.get("old"):
            raise ValidationError(_("The new password must differ from the current one."), code="same")
        return new

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("new") and cleaned.get("again") and cleaned["new"] != cleaned["again"]:
            self.add_error("again", ValidationError(_("The two new passwords are not the same."), code="mismatch"))
        return cleaned


class CreateAccessKeyForm(forms.Form):
    """Who sits at a session that was left open must not walk away with credentials that outlive it (SEC-042)."""

    password = forms.CharField(
        label=_("Your password"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )


class DeleteAccessKeyForm(forms.Form):
    confirm = TypedConfirmation()
