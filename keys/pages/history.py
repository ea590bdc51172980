"""The life of a key's material, told from the audit trail: newest first, with who did it and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from keys import queries
from keys.models import Key
from operations.errors import Text

MOST_EVENTS = 100


@dataclass(frozen=True, slots=True)
class Look:
    text: Text
    icon: str
    tone: str = ""


LOOKS: Mapping[str, Look] = {
    queries.OFFERED: Look(_("Import items downloaded"), "download"),
    queries.IMPORTED: Look(_("Key material imported"), "import", "okc"),
    queries.DELETED: Look(_("Key material deleted"), "trash", "badc"),
    queries.EXPIRED: Look(_("Key material expired and deleted"), "clock", "warnc"),
}
CREATED = Look(_("Empty key created"), "plus")
IMPORTED_AGAIN = Look(_("Same key material imported again"), "import", "okc")


@dataclass(frozen=True, slots=True)
class Event:
    look: Look
    is_import: bool
    at: datetime
    operator: str


def history_of(key: Key) -> list[Event]:
    """The last hundred events after the key's creation, which its own row tells."""
    traces = list(queries.material_history(key)[:MOST_EVENTS])
    imports = [trace for trace in traces if trace.name == queries.IMPORTED]
    events = [
        Event(
            look=IMPORTED_AGAIN if trace in imports[:-1] else LOOKS[trace.name],
            is_import=trace.name == queries.IMPORTED,
            at=trace.time,
            operator=trace.user_name,
        )
        for trace in traces
    ]
    return [*events, Event(CREATED, False, key.created_at, key.created_by_name)]
