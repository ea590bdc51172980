"""The tag operations: on one key, over the project, and keys by their tags (api.md 3.8)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from keys.api.schemas import KEY_DETAILS, ONE_KEY, key_details
from keys.locate import the_key, the_locked_key, the_project
from keys.models import Tag
from keys.services import tagging
from keys.states import Use
from operations import errors
from operations.answers import INTEGER, TEXT, listing, record
from operations.fields import Choice, KeyId, Request, Text, Whole
from operations.operation import Operation
from tags import services
from tags.fields import Matches, OneTag, TagBatch, WantedTags
from tags.services import Instances

# One name for every change of tags, as the original's audit trail has it.
TRACE = "dealUnifiedTags"
TAGS = listing(record(key=TEXT, value=TEXT))


def _tags(tags: Iterable[Tag]) -> list[dict[str, str]]:
    return [{"key": tag.name, "value": tag.value} for tag in tags]


def _tags_of_key(tags: list[Tag]) -> dict[str, Any]:
    return {"tags": _tags(tags), "sys_tags": [], "existTagsNum": len(tags)}


def _instances(instances: Instances) -> dict[str, Any]:
    if instances.found is None:
        return {"total_count": instances.total}
    resources = [
        {
            "resource_id": key.key_id,
            "resource_name": key.alias,
            "resource_detail": key_details(key),
            "tags": _tags(tags),
        }
        for key, tags in instances.found
    ]
    return {"resources": resources, "total_count": instances.total}


CREATE_TAG = Operation(
    name="create-tag",
    path="kms/<str:key_id>/tags",
    status=204,
    action="kms:cmkTag:create",
    use=Use.EDIT,
    locate=the_locked_key,
    run=tagging.create_tag,
    request=Request(
        (
            KeyId(),
            OneTag(name="tag", required=True, about="The tag; a tag key that is there already gets the new value."),
        )
    ),
    refuses=(errors.TOO_MANY_TAGS,),
    trace=TRACE,
    summary="Give a key a tag, or a tag of it another value.",
)

EDIT_TAGS = Operation(
    name="edit-tags",
    path="kms/<str:key_id>/tags/action",
    status=204,
    action="kms:cmkTag:batch",
    use=Use.EDIT,
    locate=the_locked_key,
    run=tagging.edit_tags,
    request=Request(
        (
            KeyId(),
            Choice(
                name="action",
                values=(tagging.CREATE, tagging.DELETE),
                required=True,
                error=errors.TAG_ACTION_INVALID,
                traced=True,
                about="Whether the tags are to be set or taken away.",
            ),
            TagBatch(
                name="tags",
                required=True,
                about="At most 20. To delete, a key is enough, and a missing tag is no error; a value narrows it.",
            ),
        )
    ),
    refuses=(errors.TOO_MANY_TAGS,),
    trace=TRACE,
    summary="Set, or take away, several tags of a key: all of them or none.",
)

LIST_TAGS = Operation(
    name="list-tags",
    path="kms/<str:key_id>/tags",
    method="GET",
    action=services.LIST,
    use=Use.DESCRIBE,
    locate=the_key,
    run=tagging.list_tags,
    request=ONE_KEY,
    respond=_tags_of_key,
    answer=record(tags=TAGS, sys_tags=TAGS, existTagsNum=INTEGER),
    trace="listTags",
    writes=False,
    durable=False,
    summary="The tags of a key.",
)

DELETE_TAG = Operation(
    name="delete-tag",
    path="kms/<str:key_id>/tags/<path:tag_key>",
    method="DELETE",
    status=204,
    action="kms:cmkTag:delete",
    use=Use.EDIT,
    locate=the_locked_key,
    run=tagging.delete_tag,
    request=Request(
        (
            KeyId(),
            Text(
                name="tag_key",
                required=True,
                error=errors.TAG_NOT_FOUND,
                about="The tag's key, percent-encoded; a slash may be written as it is.",
            ),
        )
    ),
    trace=TRACE,
    summary="Take a tag away from a key.",
)

LIST_PROJECT_TAGS = Operation(
    name="list-project-tags",
    path="kms/tags",
    method="GET",
    action=services.LIST,
    locate=the_project,
    run=services.list_project_tags,
    respond=lambda values: {"tags": [{"key": name, "values": texts} for name, texts in values.items()]},
    answer=record(tags=listing(record(key=TEXT, values=listing(TEXT)))),
    trace="listProjectTags",
    writes=False,
    durable=False,
    summary="The tags of all keys of the project, each key with its values.",
)

LIST_INSTANCES = Operation(
    name="list-instances",
    path="kms/<str:resource_instances>/action",
    action=services.LIST_INSTANCES,
    locate=the_project,
    run=services.list_instances,
    request=Request(
        (
            Choice(
                name="resource_instances",
                values=("resource_instances",),
                required=True,
                error=errors.RESOURCE_TYPE_INVALID,
                about="Always `resource_instances`.",
            ),
            Choice(
                name="action",
                values=(services.FILTER, services.COUNT),
                required=True,
                error=errors.TAG_ACTION_INVALID,
                about="The keys themselves, a page of them, or only their number.",
            ),
            WantedTags(
                name="tags",
                about="A key must have all of them, each with one of its values; without values, any value counts.",
            ),
            Matches(name="matches", about="What the alias must contain."),
            Whole(
                name="limit",
                minimum=1,
                maximum=1000,
                error=errors.LIMIT_INVALID,
                about="How many at most; 10 where it is not given.",
            ),
            Whole(
                name="offset",
                minimum=0,
                error=errors.OFFSET_INVALID,
                about="How many to skip.",
            ),
        )
    ),
    respond=_instances,
    answer={
        **record(
            resources=listing(
                record(resource_id=TEXT, resource_name=TEXT, resource_detail=KEY_DETAILS, tags=TAGS),
            ),
            total_count=INTEGER,
        ),
        # To count is to get the number alone.
        "required": ["total_count"],
    },
    trace="listInstances",
    writes=False,
    durable=False,
    summary="Keys by their tags.",
)

OPERATIONS = (CREATE_TAG, EDIT_TAGS, LIST_TAGS, DELETE_TAG, LIST_PROJECT_TAGS, LIST_INSTANCES)
