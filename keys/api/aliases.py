"""More names of keys: create, list, move and delete aliases (api.md 3.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from keys.api.schemas import ALIAS_PATTERN, PAGE, AliasField, milliseconds
from keys.locate import the_key_or_the_project, the_locked_destination, the_locked_key
from keys.models import Alias
from keys.services import aliases
from keys.services.aliases import AliasPage
from keys.states import Use
from operations import errors
from operations.answers import INTEGER, TEXT, Schema, listing, record
from operations.errors import Code
from operations.fields import Bad, Field, KeyId, Request, anchored
from operations.operation import Operation

PREFIX = "alias/"


@dataclass(frozen=True, kw_only=True)
class NewAlias(AliasField):
    """With or without `alias/` before it."""

    name: str = "alias"
    max_length: int | None = len(PREFIX) + 255

    def read(self, value: Any) -> str:
        name = super().read(value.removeprefix(PREFIX) if isinstance(value, str) else value)
        if name.startswith(PREFIX):
            # Named again as it is listed, it would be taken for the alias without.
            raise Bad(self.error, _("An alias of its own cannot begin with alias/."))
        return name

    @property
    def schema(self) -> Schema:
        return {**super().schema, "pattern": anchored(f"({PREFIX})?{ALIAS_PATTERN.pattern}")}


@dataclass(frozen=True, kw_only=True)
class AliasList(Field):
    """1 to 50 aliases, each with or without `alias/` before it."""

    name: str = "aliases"
    required: bool = True
    traced: bool = True
    about: str = "Aliases of the key, with or without `alias/` before each."

    def read(self, value: Any) -> tuple[str, ...]:
        if not isinstance(value, Sequence) or isinstance(value, str) or not 1 <= len(value) <= aliases.MOST_ALIASES:
            raise self.refuse()
        return tuple(_ONE.read(item) for item in value)

    @property
    def codes(self) -> frozenset[Code]:
        return super().codes | _ONE.codes

    @property
    def schema(self) -> Schema:
        return {**listing(_ONE.schema), "minItems": 1, "maxItems": aliases.MOST_ALIASES}


_ONE = NewAlias(required=False)

ALIAS: Schema = record(domain_id=TEXT, key_id=TEXT, alias=TEXT, alias_urn=TEXT, create_time=TEXT, update_time=TEXT)


def urn_of(alias: Alias) -> str:
    project = alias.key.project
    return f"kms:{project.region_id}:{project.account_id}:alias:{alias.name}"


def _alias(alias: Alias) -> dict[str, str]:
    return {
        "domain_id": alias.key.project.account_id,
        "key_id": alias.key.key_id,
        "alias": alias.name,
        "alias_urn": urn_of(alias),
        "create_time": milliseconds(alias.created_at),
        "update_time": milliseconds(alias.updated_at),
    }


def _page(page: AliasPage) -> list[dict[str, Any]]:
    """A list of one: so the original's clients read it."""
    shown = [_alias(alias) for alias in page.aliases]
    return [{"aliases": shown, "page_info": {"next_marker": page.next_marker, "current_count": len(shown)}}]


CREATE_ALIAS = Operation(
    name="create-alias",
    path="kms/aliases",
    action="kms:alias:create",
    use=Use.EDIT,
    locate=the_locked_key,
    run=aliases.create_alias,
    request=Request((KeyId(), NewAlias())),
    respond=_alias,
    answer=ALIAS,
    refuses=(errors.ALIAS_DUPLICATE, errors.PARAMETER_INVALID),
    trace="createAlias",
    summary="Give a key one more alias, up to 50.",
)

LIST_ALIASES = Operation(
    name="list-aliases",
    path="kms/aliases",
    method="GET",
    action=aliases.LIST,
    use=Use.DESCRIBE,
    locate=the_key_or_the_project,
    run=aliases.list_aliases,
    request=Request(
        (
            KeyId(required=False, about="Without it: the aliases of every key of the project."),
            *PAGE,
        )
    ),
    respond=_page,
    answer=listing(
        record(aliases=listing(ALIAS), page_info=record(next_marker=TEXT, current_count=INTEGER)),
    ),
    trace="listAliases",
    writes=False,
    durable=False,
    summary="The aliases of a key, the primary one included.",
)

DELETE_ALIASES = Operation(
    name="delete-aliases",
    path="kms/aliases",
    method="DELETE",
    status=204,
    action="kms:alias:delete",
    use=Use.EDIT,
    locate=the_locked_key,
    run=aliases.delete_aliases,
    request=Request((KeyId(), AliasList())),
    refuses=(errors.ALIAS_INVALID,),
    trace="deleteAlias",
    summary="Take extra aliases from a key: all of them, or none where one is not its own.",
)

ASSOCIATE_ALIAS = Operation(
    name="associate-alias",
    path="kms/alias/associate",
    action=aliases.ASSOCIATE,
    use=Use.EDIT,
    locate=the_locked_destination,
    run=aliases.associate_alias,
    request=Request((NewAlias(), KeyId(name="target_key_id"))),
    respond=_alias,
    answer=ALIAS,
    refuses=(errors.ALIAS_INVALID, errors.PARAMETER_INVALID),
    trace="associateAlias",
    summary="Move an extra alias to another key.",
)

OPERATIONS = (CREATE_ALIAS, LIST_ALIASES, DELETE_ALIASES, ASSOCIATE_ALIAS)
