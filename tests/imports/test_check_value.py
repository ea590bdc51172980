"""get-check-value: which material a key has or had, told to those who could bring it."""

from __future__ import annotations

import secrets

import pytest

from imports.api import GET_CHECK_VALUE
from kmscrypto import fingerprint
from operations import errors
from operations.perform import perform
from tests.kmscrypto import keys as private_keys
from tests.operations.stage import (
    a_key,
    an_empty_key,
    an_imported_key,
    delete_material,
    disable,
    import_into,
    private_key,
    refused,
    schedule_deletion,
)


def ask(caller, key) -> dict:
    return GET_CHECK_VALUE.respond(perform(GET_CHECK_VALUE, caller, {"key_id": key.key_id}))


def test_it_is_that_of_the_material(alice):
    material = secrets.token_bytes(32)
    key = an_imported_key(alice, plaintext=material)

    expected = fingerprint.check_value(key.spec, material)
    assert ask(alice, key) == {"key_id": key.key_id, "key_spec": "AES_256", "check_value": expected}


@pytest.mark.parametrize("spec", ["RSA_2048", "EC_P384"])
def test_of_a_private_key_it_is_that_of_the_public_half(alice, spec):
    key = an_imported_key(alice, spec)

    expected = fingerprint.public_check_value(private_keys.spki(private_key(spec)))
    assert ask(alice, key)["check_value"] == expected


def test_before_the_first_import_there_is_none(alice):
    assert ask(alice, an_empty_key(alice))["check_value"] == ""


@pytest.mark.parametrize("change", [disable, delete_material, schedule_deletion])
def test_it_is_told_in_every_state_and_when_the_material_is_gone(alice, change):
    key = an_imported_key(alice)
    before = ask(alice, key)

    change(alice, key)

    assert ask(alice, key) == before


def test_material_that_comes_back_has_the_same(alice):
    material = secrets.token_bytes(32)
    key = an_imported_key(alice, plaintext=material)
    before = ask(alice, key)
    delete_material(alice, key)

    import_into(alice, key, plaintext=material)

    assert ask(alice, key) == before


def test_who_may_not_import_is_not_told(alice, bob):
    key = an_imported_key(alice)

    with refused(errors.NO_KEY_PERMISSION):
        ask(bob, key)


def test_of_a_key_that_was_not_imported_nothing_is_told(alice):
    key = a_key(alice)

    with refused(errors.EXTERNAL_KEY_REQUIRED):
        ask(alice, key)
