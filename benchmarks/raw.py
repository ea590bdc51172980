"""What this machine signs with nothing around it: the ceiling of signing through the service."""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

SECONDS = 2.0


def _signatures(_number: int) -> float:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    scheme = padding.PSS(padding.MGF1(SHA256()), padding.PSS.DIGEST_LENGTH)
    made, began = 0, time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        for _round in range(20):
            key.sign(b"x" * 32, scheme, SHA256())
        made += 20
    return made / (time.perf_counter() - began)


def rsa_2048_per_second(*, processes: int) -> float:
    with ProcessPoolExecutor(processes) as pool:
        return sum(pool.map(_signatures, range(processes)))
