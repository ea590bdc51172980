"""describe-key and list-keys."""

from __future__ import annotations

from typing import Any

from keys.api.schemas import ANY_KEY, KEY_DETAILS, PAGE, key_details
from keys.locate import the_key, the_project
from keys.services import listing
from keys.services.listing import KeyPage
from keys.states import Use
from kmscrypto.specs import SPECS
from operations.answers import INTEGER, TEXT, record
from operations.answers import listing as rows
from operations.fields import Choice, Request, Text
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
    answer=record(key_info=KEY_DETAILS),
    trace="describeKey",
    writes=False,
    brief=True,
    durable=False,
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
            *PAGE,
            Choice(
                name="key_state",
                values=("1", "2", "3", "4", "5"),
                about="2 enabled, 3 disabled, 4 pending deletion, 5 pending import; 1 is never used.",
            ),
            Choice(name="key_spec", values=(*SPECS, "ALL"), about="Only keys of this algorithm and size."),
            Text(
                name="enterprise_project_id",
                max_length=36,
                about="Only keys of this enterprise project; `all` is the same as none.",
            ),
        )
    ),
    respond=_page,
    answer=record(keys=rows(TEXT), key_details=rows(KEY_DETAILS), next_marker=TEXT, truncated=TEXT, total=INTEGER),
    trace="listKeys",
    writes=False,
    durable=False,
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
    durable=False,
    summary="The keys of the project, as the console lists them.",
)

OPERATIONS = (DESCRIBE_KEY, LIST_KEYS, VIEW_KEYS)
