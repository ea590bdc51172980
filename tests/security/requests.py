"""A sound request of every operation, made for a caller: what the tests over all operations start from.

An operation that is added without a line here fails them.
"""

from __future__ import annotations

import secrets

from keys.api.aliases import CREATE_ALIAS
from keys.api.datakeys import CREATE_DATAKEY
from keys.api.encryption import ENCRYPT_DATA
from keys.api.macs import GENERATE_MAC
from keys.api.rotation import ENABLE_KEY_ROTATION
from keys.api.signing import SIGN
from operations.perform import perform
from tests import factories
from tests.operations import stage
from tests.operations.stage import GRANTEE, a_grant, a_key, an_empty_key, an_imported_key, b64

MESSAGE = {"message": b64(b"a message"), "message_type": "RAW", "signing_algorithm": "ECDSA_SHA_256"}


def _about(make, **fields):
    return lambda caller: {"key_id": make(caller).key_id, **fields}


def _disabled(caller):
    return stage.disable(caller, a_key(caller))


def _leaving(caller):
    return stage.schedule_deletion(caller, a_key(caller))


def _rotating(caller):
    return perform(ENABLE_KEY_ROTATION, caller, {"key_id": a_key(caller).key_id})


def _aliased(caller):
    key, alias = a_key(caller), f"alias/extra-{secrets.token_hex(4)}"
    perform(CREATE_ALIAS, caller, {"key_id": key.key_id, "alias": alias})
    return {"key_id": key.key_id, "aliases": [alias]}


def _signing(caller):
    return an_imported_key(caller, "EC_P256")


def _ciphertext(caller):
    key = a_key(caller)
    done = perform(ENCRYPT_DATA, caller, {"key_id": key.key_id, "plain_text": "a text"})
    return {"cipher_text": ENCRYPT_DATA.respond(done)["cipher_text"]}


# The data key of the manual's own example, its digest behind it.
DATA_KEY = (
    "7549d9aea901767bf3c0b3e14b10722eaf6f59053bbd82045d04e075e809a0fe"
    "6ccab48f8e5efe74e4b18ff0512525e527b10331100f357bf42125d8d5ced94f"
    "fbc8ac72b0785ca7fe33eb6776ce3990b11e32b299d9c0a9ee0305fb9540f797"
)


def _wrapped(caller):
    key = a_key(caller)
    made = perform(CREATE_DATAKEY, caller, {"key_id": key.key_id, "datakey_length": "512"})
    cipher_text = CREATE_DATAKEY.respond(made)["cipher_text"]
    return {"key_id": key.key_id, "cipher_text": cipher_text, "datakey_cipher_length": "64"}


def _to_another_key(caller):
    return {**_ciphertext(caller), "destination_key_id": a_key(caller).key_id}


def _authenticating(caller):
    return a_key(caller, "HMAC_256")


def _mac(caller):
    fields = {"key_id": _authenticating(caller).key_id, "mac_algorithm": "HMAC_SHA_256", "message": "ZmRzYQ=="}
    return {**fields, "mac": GENERATE_MAC.respond(perform(GENERATE_MAC, caller, fields))["mac"]}


def _signature(caller):
    fields = {"key_id": _signing(caller).key_id, **MESSAGE}
    return {**fields, "signature": SIGN.respond(perform(SIGN, caller, fields))["signature"]}


def _import(caller):
    key = an_empty_key(caller)
    return stage.a_request(key, stage.an_offer(caller, key))


def _offer(caller):
    key = an_empty_key(caller)
    stage.an_offer(caller, key)
    return {"key_id": key.key_id, "offer_id": str(key.wrapping_keys.get().pk)}


def _retirable(caller):
    key = a_key(caller)
    return {"key_id": key.key_id, "grant_id": a_grant(caller, key, retiring_principal=caller.user_id).grant_id}


def _granted(caller):
    key = a_key(caller)
    return {"key_id": key.key_id, "grant_id": a_grant(caller, key).grant_id}


def _tagged(caller):
    return a_key(caller, tags=[{"key": "team", "value": "payments"}])


def _enterprise_project(**fields):
    return lambda caller: {"enterprise_project_id": factories.enterprise_project("of-a-test").wire_id, **fields}


RIGHT = {
    "create-key": lambda caller: {"key_alias": "made-by-a-test"},
    "describe-key": _about(a_key),
    "list-keys": lambda caller: {},
    "view-keys": lambda caller: {},
    "enable-key": _about(_disabled),
    "disable-key": _about(a_key),
    "schedule-key-deletion": _about(a_key, pending_days=7),
    "prepare-key-deletion": _about(a_key),
    "cancel-key-deletion": _about(_leaving),
    "update-key-alias": _about(a_key, key_alias="renamed-by-a-test"),
    "update-key-description": _about(a_key, key_description="a description"),
    "enable-key-rotation": _about(a_key),
    "disable-key-rotation": _about(_rotating),
    "update-key-rotation-interval": _about(_rotating, rotation_interval=30),
    "get-key-rotation-status": _about(a_key),
    "rotate-on-demand": _about(a_key),
    "user-instances": lambda caller: {},
    "user-quotas": lambda caller: {},
    "create-alias": _about(a_key, alias="another-by-a-test"),
    "list-aliases": _about(a_key),
    "delete-aliases": _aliased,
    "associate-alias": lambda caller: {"alias": _aliased(caller)["aliases"][0], "target_key_id": a_key(caller).key_id},
    "encrypt-data": _about(a_key, plain_text="a text"),
    "decrypt-data": _ciphertext,
    "create-datakey": _about(a_key, datakey_length="512"),
    "create-datakey-without-plaintext": _about(a_key, datakey_length="512"),
    "encrypt-datakey": _about(a_key, plain_text=DATA_KEY, datakey_plain_length="64"),
    "decrypt-datakey": _wrapped,
    "re-encrypt": _to_another_key,
    "create-rsa-datakey-pair": _about(a_key, key_spec="RSA_2048"),
    "create-ec-datakey-pair": _about(a_key, key_spec="EC_P256"),
    "gen-random": lambda caller: {"random_data_length": "512"},
    "generate-mac": _about(_authenticating, mac_algorithm="HMAC_SHA_256", message="ZmRzYQ=="),
    "verify-mac": _mac,
    "sign": _about(_signing, **MESSAGE),
    "verify": _signature,
    "get-publickey": _about(_signing),
    "create-grant": _about(a_key, grantee_principal=GRANTEE, operations=["describe-key"], name="granted-by-a-test"),
    "revoke-grant": _granted,
    "retire-grant": _retirable,
    "list-grants": _about(a_key),
    "list-retirable-grants": lambda caller: {},
    "create-tag": _about(a_key, tag={"key": "team", "value": "payments"}),
    "edit-tags": _about(a_key, action="create", tags=[{"key": "team", "value": "payments"}]),
    "list-tags": _about(a_key),
    "delete-tag": _about(_tagged, tag_key="team"),
    "list-project-tags": lambda caller: {},
    "list-instances": lambda caller: {"resource_instances": "resource_instances", "action": "filter"},
    "get-parameters-for-import": _about(an_empty_key, wrapping_algorithm="RSAES_OAEP_SHA_256"),
    "import-key-material": _import,
    "delete-imported-key-material": _about(an_imported_key),
    "get-check-value": _about(an_imported_key),
    "revoke-import-offer": _offer,
    "list-enterprise-projects": lambda caller: {},
    "create-enterprise-project": lambda caller: {"name": "made-by-a-test"},
    "get-enterprise-project": _enterprise_project(),
    "update-enterprise-project": _enterprise_project(name="renamed-by-a-test"),
    "act-on-enterprise-project": _enterprise_project(action="enable"),
}
