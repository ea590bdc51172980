"""create-key."""

from __future__ import annotations

from keys.api.schemas import ALIAS, DESCRIPTION
from keys.locate import the_enterprise_project
from keys.models import Key
from keys.services import creation
from keys.services.tagging import MOST_TAGS
from keys.states import Origin
from kmscrypto.specs import SPECS, Usage
from operations import errors
from operations.answers import TEXT, record
from operations.fields import Choice, Request, Tags, Text
from operations.operation import Operation


def _created(key: Key) -> dict[str, dict[str, str]]:
    return {
        "key_info": {
            "key_id": key.key_id,
            "domain_id": key.project.account_id,
            "region_id": key.project.region_id,
        }
    }


CREATE_KEY = Operation(
    name="create-key",
    path="kms/create-key",
    action=creation.CREATE,
    locate=the_enterprise_project,
    prepare=creation.make_material,
    run=creation.create_key,
    request=Request(
        (
            ALIAS,
            Choice(
                name="key_spec",
                values=tuple(SPECS),
                default="AES_256",
                error=errors.ALGORITHM_INVALID,
                traced=True,
                about="Algorithm and size.",
            ),
            Choice(
                name="key_usage",
                values=tuple(Usage),
                traced=True,
                about="What the key is for; only RSA keys leave a choice, and default to SIGN_VERIFY.",
            ),
            DESCRIPTION,
            Choice(
                name="origin",
                values=tuple(Origin),
                default=Origin.KMS.value,
                traced=True,
                about="`external` makes an empty key that waits for imported material.",
            ),
            Text(
                name="enterprise_project_id",
                max_length=36,
                traced=True,
                about="The enterprise project it belongs to; `0`, the default one, where none is given.",
            ),
            # Our extension: the console creates a key with its tags as one act, whole or not at all.
            Tags(
                name="tags",
                most=MOST_TAGS,
                about="Tags to create the key with; this takes the permission to tag as well.",
            ),
        )
    ),
    respond=_created,
    answer=record(key_info=record(key_id=TEXT, domain_id=TEXT, region_id=TEXT)),
    refuses=(errors.HMAC_UNSUPPORTED, errors.TOO_MANY_KEYS, errors.ALIAS_DUPLICATE, errors.TOO_MANY_REQUESTS),
    trace="createKey",
    summary="Create a key, or with origin external an empty key that waits for imported material.",
)

OPERATIONS = (CREATE_KEY,)
