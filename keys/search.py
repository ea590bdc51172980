"""What a list of keys is narrowed to: read from an address, applied to a query, written into links again.

Anything unreadable in an address counts as not given: a link that was cut or is old shows keys, not an error.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.db.models import Q, QuerySet
from django.http import QueryDict

from keys import queries
from keys.models import Key
from keys.services.tagging import MOST_TAGS
from keys.states import State
from kmscrypto.specs import SPECS
from operations.fields import Bad, read_tag

_STATES = {state.slug: state for state in State}


@dataclass(frozen=True, slots=True)
class Filters:
    """`text` is part of an alias or a whole or begun key ID; every one of `tags` must be there, "" for any value."""

    text: str = ""
    state: State | None = None
    spec: str = ""
    enterprise_project_id: str = ""
    tags: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, query: QueryDict) -> Filters:
        spec = query.get("algorithm", "")
        return cls(
            text=query.get("q", "").replace("\x00", "").strip()[:255],
            state=_STATES.get(query.get("status", "")),
            spec=spec if spec in SPECS else "",
            enterprise_project_id=query.get("enterprise_project", "").replace("\x00", "")[:36],
            tags=read_tags(query),
        )

    def pairs(self) -> list[tuple[str, str]]:
        """As an address has them."""
        given = [
            ("q", self.text),
            ("status", self.state.slug if self.state else ""),
            ("algorithm", self.spec),
            ("enterprise_project", self.enterprise_project_id),
        ]
        return [(name, value) for name, value in given if value] + [("tag", f"{k}={v}") for k, v in self.tags]

    def apply(self, keys: QuerySet[Key]) -> QuerySet[Key]:
        if self.text:
            keys = keys.filter(Q(alias__icontains=self.text) | Q(key_id__istartswith=self.text))
        if self.state is not None:
            keys = queries.in_state(keys, self.state)
        if self.spec:
            keys = keys.filter(spec_name=self.spec)
        if self.enterprise_project_id:
            keys = keys.filter(enterprise_project_id=self.enterprise_project_id)
        return queries.with_tags(keys, self.tags)

    def without_tag(self, name: str) -> Filters:
        return replace(self, tags=tuple(tag for tag in self.tags if tag[0] != name))

    def __bool__(self) -> bool:
        return bool(self.pairs())

    def __len__(self) -> int:
        return len(self.pairs())


def read_tags(query: QueryDict) -> tuple[tuple[str, str], ...]:
    """From `tag=key=value` of a link and the pairs `tag_key`, `tag_value` of the form; each key once, the last wins."""
    # A tag's key never holds "=", so the first one ends it.
    given = [text.partition("=")[::2] for text in query.getlist("tag")]
    values = query.getlist("tag_value")
    typed = [(name, values[at] if at < len(values) else "") for at, name in enumerate(query.getlist("tag_key"))]
    tags: dict[str, str] = {}
    for name, value in [*given, *typed]:
        try:
            key, content = read_tag({"key": name.strip(), "value": value.strip()})
        except Bad:
            continue
        tags[key] = content
    return tuple(tags.items())[:MOST_TAGS]
