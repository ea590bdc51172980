"""Everything that comes from outside as bytes, inside a sound request: refused in words, never an unhandled error.

Tokens are in tests/imports/test_tokens.py, ciphertexts in tests/security/test_ciphertexts.py, bodies in
tests/wire/test_json.py.
"""

from __future__ import annotations

import base64

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as trial
from hypothesis import strategies as st

from imports.api import IMPORT_KEY_MATERIAL
from operations import errors
from operations.errors import KmsError
from operations.fields import decode_base64
from operations.perform import perform
from tests.kmscrypto import keys as private_keys
from tests.operations.stage import a_request, an_empty_key, an_offer, b64, private_key, state_of


def calm(max_examples):
    return trial(max_examples=max_examples, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@calm(300)
@given(st.text(max_size=80) | st.text(alphabet="AQgw+/=\n -_", max_size=16))
def test_base64_is_read_in_one_way_or_not_at_all(text):
    raw = decode_base64(text)

    assert raw is None or base64.b64encode(raw).decode() == text


# Wrapped, eight bytes more: a longer ciphertext is refused for its length, before it is unwrapped.
LONGEST = 8192 - 8


@st.composite
def spoiled(draw, der: bytes):
    """A sound key with a few bytes changed, cut, doubled or put in; at most as long as a wrap may hold."""
    content = bytearray(der)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(content) - 1))
        match draw(st.sampled_from(["change", "cut", "put in", "double"])):
            case "change":
                content[place] = draw(st.integers(0, 255))
            case "cut":
                del content[max(place, 1) :]
            case "put in":
                content[place:place] = draw(st.binary(min_size=1, max_size=4))
            case "double":
                content += content[place:]
    return bytes(content[:LONGEST])


@pytest.fixture(params=["EC_P256", "RSA_2048"])
def waiting(request, alice, settings):
    """A key that waits, and one offer for it. Fewer than 200 tries: then the offer would be closed."""
    settings.KMS_RATE_LIMITS = False
    key = an_empty_key(alice, request.param)
    return key, an_offer(alice, key)


@calm(90)
@given(st.data())
def test_a_spoiled_private_key_is_refused_in_words_or_is_the_same_key(alice, waiting, data):
    key, offer = waiting
    sound = private_keys.der(private_key(key.spec_name))
    fields = a_request(key, offer, plaintext=data.draw(spoiled(sound) | st.binary(min_size=1, max_size=200)))

    try:
        with transaction.atomic():
            perform(IMPORT_KEY_MATERIAL, alice, fields)
            # What was changed said nothing. Undone, for the next example needs the offer.
            assert bytes(key.versions.get().public_key) == private_keys.spki(private_key(key.spec_name))
            raise Undone
    except KmsError as error:
        assert error.code is errors.PRIVATE_KEY_INVALID
        assert "Found" in str(error.hint)
    except Undone:
        pass
    assert state_of(alice, key) == "5"


class Undone(Exception):
    """Rolls a transaction back."""


@calm(60)
@given(st.binary(max_size=400))
def test_any_bytes_for_a_private_key_ciphertext_are_refused_in_words(alice, waiting, raw):
    key, offer = waiting

    with pytest.raises(KmsError) as caught:
        perform(IMPORT_KEY_MATERIAL, alice, a_request(key, offer, encrypted_privatekey=b64(raw)))

    assert caught.value.code in (errors.PARAMETER_INVALID, errors.PRIVATE_KEY_INVALID, errors.PRIVATE_KEY_MISSING)


@calm(60)
@given(st.binary(max_size=300) | st.binary(min_size=256, max_size=256))
def test_any_bytes_for_wrapped_material_are_refused_in_words(alice, waiting, raw):
    key, offer = waiting

    with pytest.raises(KmsError) as caught:
        perform(IMPORT_KEY_MATERIAL, alice, a_request(key, offer, encrypted_key_material=b64(raw) or "AA=="))

    assert caught.value.code in (errors.PARAMETER_INVALID, errors.UNWRAP_FAILED)
