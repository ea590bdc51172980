"""Reading tags across a project. What changes the tags of one key stands with keys (`keys.services.tagging`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from keys.locate import InProject
from keys.models import Key, Tag
from operations.caller import Caller
from tags import queries
from tags.queries import Wanted

LIST, LIST_INSTANCES = "kms:cmkTag:list", "kms:cmkTag:listInstance"
FILTER, COUNT = "filter", "count"
DEFAULT_LIMIT = 10


@dataclass(frozen=True, slots=True)
class Instances:
    """Keys with their tags, and how many there are in all. `found` is None where they were only counted."""

    total: int
    found: list[tuple[Key, list[Tag]]] | None = None


def list_project_tags(caller: Caller, project: InProject) -> dict[str, list[str]]:
    return queries.project_tags(caller, LIST)


def list_instances(
    caller: Caller,
    project: InProject,
    *,
    action: str,
    tags: Sequence[Wanted],
    matches: str,
    limit: int | None,
    offset: int | None,
    resource_instances: str,
) -> Instances:
    """Custom keys, newest first, that bear all of the tags. Counted, or a page of them: three queries."""
    keys = queries.tagged_keys(caller, LIST_INSTANCES, tags=tags, name=matches)
    total = keys.count()
    if action == COUNT:
        return Instances(total)
    # The contract pages by offset; what an offset skips is read from the index alone.
    start = offset or 0
    page = list(keys.select_related("project").order_by("-pk")[start : start + (limit or DEFAULT_LIMIT)])
    of_key = queries.tags_of_keys(page)
    return Instances(total, [(key, of_key[key.pk]) for key in page])
