"""The dialogs of console.md B7 for one key or many, and the two of a key's alias and description.

The same address is a dialog for htmx and a page of its own otherwise. Several keys are several operations: each
succeeds or fails for itself, and those that failed are listed with their reason.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from keys import queries
from keys.api.lifecycle import PREPARE_KEY_DELETION
from keys.api.listing import DESCRIBE_KEY, LIST_KEYS
from keys.forms import AliasForm, CancelDeletionForm, DeleteForm, DescriptionForm, DisableForm, EnableForm
from keys.models import Key
from keys.pages.detail import KeyPage
from operations import errors
from operations.console import Crumb, Dialog, OperationForm, full_sentence, go, toast, way_back
from operations.errors import KmsError, Text
from operations.fields import KEY_ID
from operations.perform import perform

MOST_KEYS = 100


@dataclass(frozen=True, slots=True)
class Failure:
    alias: str
    key_id: str
    message: str


class LifecycleDialog(Dialog):
    """One operation for each of the chosen keys."""

    home = "keys:list"
    form_class: ClassVar[type[OperationForm]]
    # What the toast says, by the number of keys.
    done: ClassVar[Any]

    def get(self, request: HttpRequest) -> HttpResponse:
        if not self.keys:
            return self.nothing_chosen()
        return self.show(request, keys=self.keys, form=self.form())

    def post(self, request: HttpRequest) -> HttpResponse:
        if not self.keys:
            return self.nothing_chosen()
        form = self.form(request.POST)
        if not form.is_valid():
            return self.show(request, status=422, keys=self.keys, form=form)
        failures = [failure for key in self.keys if (failure := self.perform(key, form))]
        done = len(self.keys) - len(failures)
        failures += [Failure("", key_id, full_sentence(KmsError(errors.KEY_NOT_FOUND))) for key_id in self.gone]
        if done:
            toast(request, self.done % done)
        if failures:
            context = {"failures": failures, "done": done, "body": "keys/dialogs/failures.html", "is_over": True}
            return self.show(request, status=422, **context)
        return go(request, self.back)

    def trail(self) -> list[Crumb]:
        return [{"label": _("Custom Keys"), "url": reverse(self.home)}, {"label": str(self.title), "url": ""}]

    @cached_property
    def keys(self) -> list[Key]:
        """The chosen keys that the caller may see, in the order of the list. Others are as if they were not chosen."""
        seen = queries.visible_keys(self.caller, str(LIST_KEYS.action), str(DESCRIBE_KEY.action))
        return list(seen.filter(key_id__in=self.chosen, is_default=False).order_by("-pk"))

    @cached_property
    def chosen(self) -> list[str]:
        """The keys that the request names, each once."""
        sent = self.request.POST if self.request.method == "POST" else self.request.GET
        return list(dict.fromkeys(filter(KEY_ID.fullmatch, sent.getlist("key"))))[:MOST_KEYS]

    @property
    def gone(self) -> list[str]:
        """What was chosen and is not there, or no longer: somebody else may have been quicker."""
        there = {key.key_id for key in self.keys}
        return [key_id for key_id in self.chosen if key_id not in there]

    def form(self, data: Any = None) -> OperationForm:
        return self.form_class(data, initial={"request": {"key_id": self.keys[0].key_id}})

    def perform(self, key: Key, form: OperationForm) -> Failure | None:
        try:
            perform(form.operation, self.caller, {**form.to_request(), "key_id": key.key_id})
        except KmsError as error:
            return Failure(key.alias, key.key_id, full_sentence(error))
        return None

    def nothing_chosen(self) -> HttpResponse:
        toast(
            self.request,
            _("The key does not exist.") if self.chosen else _("Select a key first."),
            level=messages.ERROR,
        )
        return go(self.request, self.back)


class Enable(LifecycleDialog):
    title = gettext_lazy("Enable Key")
    body = "keys/dialogs/enable.html"
    form_class = EnableForm
    done = ngettext_lazy("Key enabled successfully", "%d keys enabled successfully")


class Disable(LifecycleDialog):
    title = gettext_lazy("Disable Key")
    body = "keys/dialogs/disable.html"
    waits = "data-needs=#id_understood"
    form_class = DisableForm
    done = ngettext_lazy("Key disabled successfully", "%d keys disabled successfully")


class Delete(LifecycleDialog):
    title = gettext_lazy("Delete Key")
    body = "keys/dialogs/delete.html"
    waits = "data-confirm-ok data-valid-form"
    is_dangerous = True
    size = "wide"
    form_class = DeleteForm
    done = ngettext_lazy("Key deletion scheduled", "Deletion of %d keys scheduled")

    def get(self, request: HttpRequest) -> HttpResponse:
        for key in self.keys:
            # A refusal leaves its trace too; the dialog says at OK what cannot be deleted.
            with suppress(KmsError):
                perform(PREPARE_KEY_DELETION, self.caller, {"key_id": key.key_id})
        return super().get(request)


class CancelDeletion(LifecycleDialog):
    title = gettext_lazy("Cancel Deletion")
    body = "keys/dialogs/cancel_deletion.html"
    form_class = CancelDeletionForm
    done = ngettext_lazy("Key deletion cancelled", "Deletion of %d keys cancelled")


class EditDialog(KeyPage, Dialog):
    """One member of one key."""

    is_for_custom_keys = True

    form_class: ClassVar[type[OperationForm]]
    field: ClassVar[str]
    done: ClassVar[Text]
    waits = "data-valid-form"
    body = "keys/dialogs/edit.html"

    @cached_property
    def back(self) -> str:
        return way_back(self.request, reverse("keys:detail", args=[self.key_id]))

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.ask(request, self.form(self.find()))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self.form(self.find(), request.POST)
        if not form.is_valid() or not form.perform(self.caller):
            return self.ask(request, form, status=422)
        toast(request, str(self.done))
        return go(request, self.back)

    def ask(self, request: HttpRequest, form: OperationForm, *, status: int = 200) -> HttpResponse:
        return self.show(request, status=status, form=form, key=self.key)

    def form(self, key: Key, data: Any = None) -> OperationForm:
        initial = {"request": {"key_id": key.key_id}, self.field: self.value(key)}
        return self.form_class(data, initial=initial)

    def value(self, key: Key) -> str:
        return str(getattr(key, self.field.removeprefix("key_")))


class EditAlias(EditDialog):
    title = gettext_lazy("Change Alias")
    form_class = AliasForm
    field = "key_alias"
    done = gettext_lazy("Alias changed successfully")


class EditDescription(EditDialog):
    title = gettext_lazy("Change Description")
    form_class = DescriptionForm
    field = "key_description"
    done = gettext_lazy("Description changed successfully")
