"""What somebody chose for a material field: read once, and told what it is when it cannot be right."""

from __future__ import annotations

import base64
import secrets

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import given
from hypothesis import strategies as st

from imports import chosen
from imports.chosen import MOST_BYTES, Wanted
from tests.kmscrypto import keys as private_keys

WRAPPED = Wanted(256, 256)
PRIVATE_KEY = Wanted(16, 8192, 8)
CIPHERTEXT = secrets.token_bytes(256)


def a_file(content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("chosen.bin", content)


def wrapped_at(text: str, width: int) -> str:
    return "\n".join(text[at : at + width] for at in range(0, len(text), width))


BASE64 = base64.b64encode(CIPHERTEXT).decode()


@pytest.mark.parametrize(
    ("upload", "pasted"),
    [
        (a_file(CIPHERTEXT), ""),
        (a_file(CIPHERTEXT), "a file counts more than what was pasted"),
        (a_file(BASE64.encode()), ""),
        (a_file(wrapped_at(BASE64, 64).encode() + b"\n"), ""),
        (None, BASE64),
        (None, f"  {wrapped_at(BASE64, 76)}\r\n"),
    ],
    ids=["binary file", "file before text", "Base64 file", "file in lines", "pasted", "pasted in lines"],
)
def test_every_form_of_a_ciphertext_is_the_same_on_the_wire(upload, pasted):
    found = chosen.read(upload, pasted)

    assert found.text == BASE64
    assert found.raw == CIPHERTEXT
    assert found.fault(WRAPPED) == ""


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (secrets.token_bytes(255), "Got 255 bytes; expected 256."),
        (b"\xff" * 32, "Got 32 bytes; expected 256. This looks like the plaintext"),
        (secrets.token_bytes(32).hex().encode(), "32 bytes in hex text: this looks like the plaintext."),
        (secrets.token_bytes(256).hex().encode(), "This is hex text of 256 bytes."),
        (b"-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----", "This is a private key in PEM, in the clear"),
        (
            b"-----BEGIN PUBLIC KEY-----\nMII\n-----END PUBLIC KEY-----",
            "This is a public key in PEM, not a ciphertext.",
        ),
        (b"-----BEGIN CMS-----\nMII\n-----END CMS-----", "This is PEM (CMS)."),
        (b"what is this?", "This is not Base64."),
        (base64.urlsafe_b64encode(b"\xfb" * 256), "This is URL-safe Base64: write + for - and / for _."),
        (BASE64.encode().rstrip(b"="), "This is Base64 without its padding: add == at the end."),
        (secrets.token_bytes(256 + 152), "This looks like RSA_AES_KEY_WRAP in one piece: the first 256 bytes are"),
        (b"\x00" * (MOST_BYTES + 1), "far more than a ciphertext has"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else "",
)
def test_what_is_plainly_wrong_is_named(content, sentence):
    assert sentence in chosen.read(a_file(content), "").fault(WRAPPED)


def test_keys_in_the_clear_are_named_whatever_their_size():
    key = private_keys.rsa_key(2048)

    assert "a key in the clear (RSA_2048)" in chosen.read(a_file(private_keys.der(key)), "").fault(PRIVATE_KEY)
    assert "perhaps the wrapping key itself" in chosen.read(a_file(private_keys.spki(key)), "").fault(WRAPPED)


def test_a_private_key_ciphertext_is_whole_half_blocks():
    assert chosen.read(a_file(b"\xff" * 1232), "").fault(PRIVATE_KEY) == ""
    assert "a multiple of 8" in chosen.read(a_file(b"\xff" * 1233), "").fault(PRIVATE_KEY)


def test_nothing_chosen_is_nothing():
    assert not chosen.read(None, "")
    assert not chosen.read(a_file(b""), " ")


def test_what_was_chosen_is_not_shown_by_accident():
    assert "secret" not in repr(chosen.read(None, "secret"))


@given(st.binary(max_size=700))
def test_any_file_is_read_and_judged(content):
    found = chosen.read(a_file(content), "")

    assert isinstance(found.fault(WRAPPED), str)
    assert found.raw is None or base64.b64decode(found.text) == found.raw


@given(st.text(max_size=400))
def test_any_text_is_read_and_judged(text):
    assert isinstance(chosen.read(None, text).fault(WRAPPED), str)


def test_both_ciphertexts_in_one_file_are_split():
    private_key = secrets.token_bytes(152)

    parts = chosen.read(a_file(CIPHERTEXT + private_key), "").split(256, PRIVATE_KEY)

    assert parts is not None
    assert [part.raw for part in parts] == [CIPHERTEXT, private_key]
    assert parts[0].text == BASE64
    assert chosen.read(a_file(CIPHERTEXT), "").split(256, PRIVATE_KEY) is None
    assert chosen.read(a_file(CIPHERTEXT + private_key[1:]), "").split(256, PRIVATE_KEY) is None
    assert chosen.read(None, "what is this?").split(256, PRIVATE_KEY) is None
