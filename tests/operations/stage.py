"""What the tests of the domain stand on: an open strong room, a clock that can be moved, and short sentences.

Everything goes through `perform`, as in the product. Alice, Bob and Mallory are those of `tests.factories`; here they
act as callers.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import secrets
import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.db import connection

from imports import api as imports
from keys import material
from keys.api import creation, grants, lifecycle, listing
from keys.models import Grant, Key
from kmscrypto import wrapping
from operations.caller import EVERYTHING
from operations.errors import Code, KmsError
from operations.perform import perform
from tests import factories
from tests.clock import FrozenClock
from tests.kmscrypto import keys as private_keys
from vault import hierarchy, initialisation

# Somebody's id, as grants name people.
GRANTEE = "0d0466b00d0466b00d0466b00d0466b0"
NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)

# Making an RSA pair takes longer than all else that an offer costs. Here the offers of a run share a dozen, in turn, so
# that those of one test differ; whether the product makes a new pair each time, tests/imports/test_parameters.py asks.
PAIRS = itertools.cycle(wrapping.generate_wrapping_key() for _ in range(12))
TAKING = threading.Lock()


def a_pair(caller, key, **request):
    with TAKING:  # races take them at once
        return next(PAIRS)


OFFER = replace(imports.GET_PARAMETERS_FOR_IMPORT, prepare=a_pair)


@pytest.fixture
def the_clock():
    with FrozenClock(NOON) as stopped:
        yield stopped


@pytest.fixture
def strong_room(db):
    """A vault that is open, as after the first start. Undone with the test's transaction."""
    yield from _opened()


@pytest.fixture
def lasting_strong_room(transactional_db):
    """As `strong_room`, but committed: other threads and processes see it."""
    yield from _opened()


def _opened():
    material.forget_opened()
    initialisation.initialise(use_existing_root=True)
    yield
    material.forget_opened()
    hierarchy.forget()


# --- the cast, as callers -----------------------------------------------------------------------------------------


@pytest.fixture
def alice(strong_room):
    """May do everything in project eu-de of acme."""
    return factories.caller(factories.alice(), allowed=EVERYTHING)


@pytest.fixture
def bob(strong_room):
    """May read in the same project."""
    return factories.caller(factories.bob())


@pytest.fixture
def mallory(strong_room):
    """May do everything, in another account."""
    return factories.caller(factories.mallory(), allowed=EVERYTHING)


def everybody(caller):
    """The same caller, allowed everything: for what a policy does not give."""
    return replace(caller, rights=EVERYTHING)


# --- sentences ----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def refused(code: Code, *, hint: str = "", field: str | None = None):
    """The block must be refused with this code; a part of the hint and the field may be asked for too."""
    with pytest.raises(KmsError) as caught:
        yield caught
    error = caught.value
    assert error.code.code == code.code, f"{error.code.code} {error.code.message} {error.hint}"
    assert hint in str(error.hint)
    if field is not None:
        assert error.field == field


def a_key(caller, spec="AES_256", *, alias=None, **fields) -> Key:
    alias = alias or f"key-{secrets.token_hex(4)}"
    return perform(creation.CREATE_KEY, caller, {"key_alias": alias, "key_spec": spec, **fields})


def an_empty_key(caller, spec="AES_256", **fields) -> Key:
    """Of origin external: it waits for its material."""
    return a_key(caller, spec, origin="external", **fields)


def an_offer(caller, key, algorithm="RSAES_OAEP_SHA_256"):
    """What get-parameters-for-import answers, as it stands on the wire, with one of the PAIRS."""
    return OFFER.respond(perform(OFFER, caller, {"key_id": key.key_id, "wrapping_algorithm": algorithm}))


def wrap(offer, plaintext: bytes, algorithm="RSAES_OAEP_SHA_256") -> str:
    """For `encrypted_key_material`."""
    return b64(wrapping.wrap(base64.b64decode(offer["public_key"]), algorithm, plaintext))


def wrap_private_key(temporary_key: bytes, der: bytes) -> str:
    """For `encrypted_privatekey`."""
    return b64(wrapping.wrap_private_key(temporary_key, der))


def private_key(spec: str):
    """One key of this spec for the whole run: making RSA keys takes long."""
    if spec.startswith("RSA"):
        return private_keys.rsa_key(int(spec[4:]))
    return private_keys.ec_key({"EC_P256": private_keys.ec.SECP256R1, "EC_P384": private_keys.ec.SECP384R1}[spec])


def a_request(key, offer, *, plaintext: bytes | None = None, **changes) -> dict:
    """A right import of new material of the key's kind, with what `changes` says otherwise."""
    fields = {"key_id": key.key_id, "import_token": offer["import_token"]}
    if key.spec.is_asymmetric:
        temporary = secrets.token_bytes(32)
        der = plaintext or private_keys.der(private_key(key.spec_name))
        fields |= {
            "encrypted_key_material": wrap(offer, temporary),
            "encrypted_privatekey": wrap_private_key(temporary, der),
        }
    else:
        fields["encrypted_key_material"] = wrap(offer, plaintext or secrets.token_bytes(32))
    fields |= changes
    return {name: value for name, value in fields.items() if value is not None}


def import_into(caller, key, *, plaintext: bytes | None = None, **changes) -> Key:
    """An offer and an import in one breath."""
    return perform(
        imports.IMPORT_KEY_MATERIAL, caller, a_request(key, an_offer(caller, key), plaintext=plaintext, **changes)
    )


def an_imported_key(caller, spec="AES_256", *, plaintext: bytes | None = None, expiration_time=None, **fields) -> Key:
    return import_into(
        caller, an_empty_key(caller, spec, **fields), plaintext=plaintext, expiration_time=expiration_time
    )


def a_grant(caller, key, *operations: str, grantee=GRANTEE, **fields) -> Grant:
    """Of describe-key unless others are named. `grantee` is an id, or a caller whose user is meant."""
    fields = {
        "key_id": key.key_id,
        "grantee_principal": getattr(grantee, "user_id", grantee),
        "operations": list(operations) or ["describe-key"],
        **fields,
    }
    return perform(grants.CREATE_GRANT, caller, fields)


def enable(caller, key):
    return perform(lifecycle.ENABLE_KEY, caller, {"key_id": key.key_id})


def disable(caller, key):
    return perform(lifecycle.DISABLE_KEY, caller, {"key_id": key.key_id})


def schedule_deletion(caller, key, days=7):
    return perform(lifecycle.SCHEDULE_KEY_DELETION, caller, {"key_id": key.key_id, "pending_days": days})


def cancel_deletion(caller, key):
    return perform(lifecycle.CANCEL_KEY_DELETION, caller, {"key_id": key.key_id})


def delete_material(caller, key):
    return perform(imports.DELETE_IMPORTED_KEY_MATERIAL, caller, {"key_id": key.key_id})


def describe(caller, key) -> dict:
    """`key_info`, as on the wire."""
    return listing.DESCRIBE_KEY.respond(perform(listing.DESCRIBE_KEY, caller, {"key_id": key.key_id}))["key_info"]


def state_of(caller, key) -> str:
    return describe(caller, key)["key_state"]


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def database_bytes() -> bytes:
    """Every byte the database keeps on disk: the SQLite file and its journal."""
    from pathlib import Path

    file = Path(connection.settings_dict["NAME"])
    parts = [file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-journal")]
    return b"".join(part.read_bytes() for part in parts if part.exists())
