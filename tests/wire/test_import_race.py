"""A hundred imports of one key at once over HTTP, each with other material: exactly one wins."""

from __future__ import annotations

import base64
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)

pytestmark = pytest.mark.system
AT_ONCE = 100


def test_of_a_hundred_imports_over_rest_one_wins_and_its_public_key_is_stored(wire):
    key_id = wire.new_key(key_spec="EC_P256", origin="external")
    offers = [wire.offer(key_id) for _ in range(10)]
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(AT_ONCE)]
    plain = (Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    bodies = [
        wire.import_body(key_id, offers[number % 10], os.urandom(32), key.private_bytes(*plain))
        for number, key in enumerate(keys)
    ]
    url, headers, start = wire.url("import-key-material"), {"X-Auth-Token": wire.token}, Barrier(AT_ONCE)

    def post(body):
        start.wait()
        return requests.post(url, json=body, headers=headers, timeout=120)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(post, bodies))

    codes = [answer.json().get("error", {}).get("error_code", "done") for answer in answers]
    assert Counter(codes) == {"done": 1, "KMS.0310": AT_ONCE - 1}
    winner = keys[codes.index("done")].public_key()
    pem = wire.answer("get-publickey", {"key_id": key_id})["public_key"]
    stored = load_pem_public_key(pem.encode())
    spki = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert base64.b64encode(stored.public_bytes(*spki)) == base64.b64encode(winner.public_bytes(*spki))
