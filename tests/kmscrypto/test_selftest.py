"""A service whose cryptography answers wrongly must not start (SEC-097)."""

import time

import pytest

from kmscrypto import selftest
from kmscrypto.errors import SelfTestFailed


def test_the_known_answers_come_out_quickly():
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        selftest.run()
        seconds.append(time.perf_counter() - started)

    assert min(seconds) < 0.05


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("AES-GCM", "GCM_CIPHERTEXT"),
        ("AES-GCM", "GCM_PLAINTEXT"),
        ("HKDF", "HKDF_OUTPUT"),
        ("HMAC", "HMAC_OUTPUT"),
        ("AES-KWP", "KWP_CIPHERTEXT"),
        ("AES-KWP", "KWP_PLAINTEXT"),
        ("ECDSA", "ECDSA_SIGNATURE"),
        ("ECDSA", "ECDSA_MESSAGE"),
        ("ECDSA", "ECDSA_POINT"),
        ("RSA-OAEP", "OAEP_CIPHERTEXT"),
        ("RSA-OAEP", "OAEP_PLAINTEXT"),
        ("envelope", "ENVELOPE_BLOB"),
        ("envelope", "ENVELOPE_PLAINTEXT"),
    ],
)
def test_a_wrong_answer_stops_the_start(monkeypatch, name, answer):
    right = getattr(selftest, answer)
    monkeypatch.setattr(selftest, answer, right[:-1] + bytes((right[-1] ^ 1,)))

    with pytest.raises(SelfTestFailed) as failure:
        selftest.run()
    assert failure.value.name == name
    assert name in str(failure.value)
