"""Material is unwrapped before the transaction. What changes meanwhile counts: all is asked again under the lock."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import timedelta

import pytest

from imports.api import GET_PARAMETERS_FOR_IMPORT, IMPORT_KEY_MATERIAL
from imports.models import Revocation
from imports.services import material, parameters
from keys.models import Key
from operations import clock, errors
from operations.perform import perform
from tests.operations.stage import (
    a_key,
    a_request,
    an_empty_key,
    an_offer,
    delete_material,
    disable,
    import_into,
    refused,
    schedule_deletion,
)


def interrupted(happening):
    """The import, while between its two halves something happens."""

    def prepare(*arguments, **fields):
        unwrapped = material.unwrap(*arguments, **fields)
        happening()
        return unwrapped

    return replace(IMPORT_KEY_MATERIAL, prepare=prepare)


def another_import(alice, key, the_clock):
    import_into(alice, key)


def another_import_and_its_end(alice, key, the_clock):
    import_into(alice, key)
    delete_material(alice, key)


def the_end_of_the_offer(alice, key, the_clock):
    for offer in key.wrapping_keys.select_related("key__project"):
        parameters.end(offer, revoked=Revocation.CLOSED)


def a_day(alice, key, the_clock):
    the_clock.advance(hours=25)


def an_hour(alice, key, the_clock):
    the_clock.advance(hours=1)


def a_deletion(alice, key, the_clock):
    schedule_deletion(alice, key)


@pytest.mark.parametrize(
    ("happens", "code"),
    [
        (another_import, errors.NOT_PENDING_IMPORT),
        (another_import_and_its_end, errors.MATERIAL_DIFFERS),
        (the_end_of_the_offer, errors.IMPORT_TOKEN_EXPIRED),
        (a_day, errors.IMPORT_TOKEN_EXPIRED),
        (an_hour, errors.EXPIRATION_IN_THE_PAST),
        (a_deletion, errors.NOT_PENDING_IMPORT),
    ],
)
def test_what_happens_before_the_lock_refuses_the_import(alice, the_clock, happens, code):
    key = an_empty_key(alice)
    expires = int((clock.now() + timedelta(minutes=30)).timestamp())
    fields = a_request(key, an_offer(alice, key), plaintext=secrets.token_bytes(32), expiration_time=expires)

    with refused(code):
        perform(interrupted(lambda: happens(alice, key, the_clock)), alice, fields)


def test_what_happens_to_another_key_does_not(alice):
    key = an_empty_key(alice)
    fields = a_request(key, an_offer(alice, key))

    perform(interrupted(lambda: import_into(alice, an_empty_key(alice))), alice, fields)

    assert Key.objects.get(pk=key.pk).state == 2


@pytest.mark.parametrize("which", ["of the service's own", "disabled", "not there", "forbidden"])
def test_no_wrapping_key_is_made_for_a_key_that_takes_none(alice, bob, which):
    made = []
    operation = replace(GET_PARAMETERS_FOR_IMPORT, prepare=lambda *_, **__: made.append(True))
    key = a_key(alice) if which == "of the service's own" else an_empty_key(alice)
    if which == "disabled":
        import_into(alice, key)
        disable(alice, key)
    key_id = "00000000-0000-0000-0000-000000000000" if which == "not there" else key.key_id
    code = {
        "of the service's own": errors.EXTERNAL_KEY_REQUIRED,
        "disabled": errors.NOT_PENDING_IMPORT,
        "not there": errors.KEY_NOT_FOUND,
        "forbidden": errors.NO_KEY_PERMISSION,
    }[which]

    with refused(code):
        perform(
            operation,
            bob if which == "forbidden" else alice,
            {"key_id": key_id, "wrapping_algorithm": parameters.DEFAULT_ALGORITHM},
        )

    assert made == []
