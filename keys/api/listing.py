"""describe-key and list-keys."""

from __future__ import annotations

from typing import Any

from keys.api.schemas import ANY_KEY, key_details
from keys.locate import the_key, the_project
from keys.services import listing
from keys.services.listing import KeyPage
from keys.states import Use
from kmscrypto.specs import SPECS
from operations import errors
from operations.fields import Choice, Request, Text, Whole
from operations.operation import Operation

DESCRIBE_KEY = Operation(
    name="describe-key",
    path="kms/describe-key",
    action="kms:cmk:get",
    use=Use.DESCRIBE,
    locate=the_key,
    run=listing.describe_key,
    request=ANY_KEY,
    respond=lambda key: {"key_info": key_details(key)},
    trace="describeKey",
    writes=False,
    grantable=True,
    summary="Everything about a key but its material.",
)


def _page(page: KeyPage) -> dict[str, Any]:
    return {
        "keys": [key.key_id for key in page.keys],
        "key_details": [key_details(key) for key in page.keys],
        "next_marker": page.next_marker,
        "truncated": "true" if page.next_marker else "false",
        "total": page.total,
    }


LIST_KEYS = Operation(
    name="list-keys",
    path="kms/list-keys",
    action="kms:cmk:list",
    locate=the_project,
    run=listing.list_keys,
    request=Request(
        (
            Whole(name="limit", minimum=1, maximum=1000, error=errors.LIMIT_INVALID),
            Whole(name="marker", minimum=0, error=errors.MARKER_INVALID),
            Choice(name="key_state", values=("1", "2", "3", "4", "5")),
            Choice(name="key_spec", values=(*SPECS, "ALL")),
            Text(name="enterprise_project_id", max_length=36),
        )
    ),
    respond=_page,
    trace="listKeys",
    writes=False,
    summary="The keys of the project, newest first.",
)

# The console's own: the same keys under the same permission and trace, for a page to filter and put in order.
VIEW_KEYS = Operation(
    name="view-keys",
    action="kms:cmk:list",
    locate=the_project,
    run=listing.view_keys,
    trace="viewKeys",
    writes=False,
    summary="The keys of the project, as the console lists them.",
)

OPERATIONS = (DESCRIBE_KEY, LIST_KEYS, VIEW_KEYS)
