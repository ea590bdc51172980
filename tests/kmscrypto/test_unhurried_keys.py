"""Making an RSA key takes long; those who use keys meanwhile must not feel it."""

import os
import threading

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from kmscrypto import rsa


def test_making_a_key_gives_way_to_those_who_use_keys(monkeypatch):
    seen = []

    def generate(exponent, bits):
        seen.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        return generate_private_key(exponent, bits)

    monkeypatch.setattr(rsa, "generate_private_key", generate)
    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    rsa.generate(2048)

    assert seen == [max(rsa.NICENESS, before)]
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before
