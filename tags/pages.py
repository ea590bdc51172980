"""The Tags tab of a key, and the dialogs that add, edit and delete one tag (console.md B6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from keys.models import Tag
from keys.pages.actions import Action
from keys.pages.detail import KeyPage
from keys.services.tagging import MOST_TAGS
from keys.states import Use
from operations import errors
from operations.console import Dialog, OperationForm, go, toast, way_back
from operations.errors import KmsError, Text
from operations.perform import perform
from tags.api import CREATE_TAG, DELETE_TAG, LIST_TAGS
from tags.forms import AddTagForm, DeleteTagForm, EditTagForm


@dataclass(frozen=True, slots=True)
class Row:
    tag: Tag
    actions: list[Action]


class Tags(KeyPage):
    tab = "tags"
    is_for_custom_keys = True
    template_name = "tags/tags.html"

    def context(self) -> dict[str, Any]:
        missing = self.denial(LIST_TAGS)
        tags = [] if missing else self.tags()
        self.tag_count = None if missing else len(tags)
        left = MOST_TAGS - len(tags)
        context: dict[str, Any] = {
            "rows": [Row(tag, self.row_actions(tag)) for tag in tags],
            "can_edit": self.can_edit(),
            "add": self.add_action(is_full=left <= 0),
            "left": left,
            "most": MOST_TAGS,
            "missing": LIST_TAGS.action if missing else "",
        }
        return {**super().context(), **context}

    def tags(self) -> list[Tag]:
        """Listing them is an operation like any other: permitted, traced."""
        return list(perform(LIST_TAGS, self.caller, {"key_id": self.key.key_id}))

    def can_edit(self) -> bool:
        return Use.EDIT in self.key.uses_open()

    def add_action(self, *, is_full: bool) -> Action:
        denied = self.denial(CREATE_TAG)
        if not denied and is_full:
            denied = _("The key has the maximum number of tags.")
        return Action("add", _("Add Tag"), self.address("tags:add"), denied, is_dialog=True)

    def row_actions(self, tag: Tag) -> list[Action]:
        if not self.can_edit():
            return []
        query = "?" + urlencode({"tag": tag.name})
        return [
            Action("edit", _("Edit"), self.address("tags:edit") + query, self.denial(CREATE_TAG), True),
            Action("delete", _("Delete"), self.address("tags:delete") + query, self.denial(DELETE_TAG), True),
        ]

    def address(self, view: str) -> str:
        return reverse(view, args=[self.key.key_id])


class TagDialog(Tags, Dialog):
    """One act on one tag. Edit and Delete take it from `tag`; one that is not there leads back to the tab."""

    done: ClassVar[Text]
    waits = "data-valid-form"

    @cached_property
    def back(self) -> str:
        return way_back(self.request, reverse("tags:list", args=[self.key_id]))

    def get(self, request: HttpRequest) -> HttpResponse:
        self.find()
        return self.ask(request, self.form(self.chosen()))

    def post(self, request: HttpRequest) -> HttpResponse:
        self.find()
        form = self.form(self.chosen(), request.POST)
        if not form.is_valid() or not form.perform(self.caller):
            return self.ask(request, form, status=422)
        toast(request, str(self.done))
        return go(request, self.back)

    def ask(self, request: HttpRequest, form: OperationForm, *, status: int = 200) -> HttpResponse:
        return self.show(request, status=status, form=form, tag=self.chosen())

    def form(self, tag: Tag, data: Any = None) -> OperationForm:
        raise NotImplementedError

    def chosen(self) -> Tag:
        return self._chosen

    @cached_property
    def _chosen(self) -> Tag:
        asked = self.request.POST if self.request.method == "POST" else self.request.GET
        for tag in self.tags():
            if tag.name == asked.get("tag", ""):
                return tag
        raise KmsError(errors.TAG_NOT_FOUND)

    def refused(self, error: KmsError) -> HttpResponse:
        if error.code is errors.TAG_NOT_FOUND:
            toast(self.request, _("The tag does not exist."), level=messages.ERROR)
            return go(self.request, self.back)
        return super().refused(error)


class AddTag(TagDialog):
    title = gettext_lazy("Add Tag")
    body = "tags/dialogs/add.html"
    done = gettext_lazy("Tag added successfully")

    def chosen(self) -> Tag:
        """One that is not there yet."""
        return Tag(key=self.key)

    def form(self, tag: Tag, data: Any = None) -> OperationForm:
        return AddTagForm(data, key=self.key, present={tag.name for tag in self.tags()})


class EditTag(TagDialog):
    title = gettext_lazy("Edit Tag")
    body = "tags/dialogs/edit.html"
    done = gettext_lazy("Tag changed successfully")

    def form(self, tag: Tag, data: Any = None) -> OperationForm:
        return EditTagForm(data, key=self.key, name=tag.name, value=tag.value)


class DeleteTag(TagDialog):
    title = gettext_lazy("Delete Tag")
    body = "tags/dialogs/delete.html"
    done = gettext_lazy("Tag deleted successfully")
    waits = ""
    is_dangerous = True

    def form(self, tag: Tag, data: Any = None) -> OperationForm:
        return DeleteTagForm(data, initial={"request": {"key_id": self.key.key_id, "tag_key": tag.name}})
