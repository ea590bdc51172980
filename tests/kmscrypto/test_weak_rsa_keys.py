"""RSA keys that are well-formed PKCS#8 and load everywhere, but must not be imported (SEC-031)."""

import random
from math import lcm, prod

import pytest
from cryptography.hazmat.primitives.serialization import load_der_private_key

from kmscrypto.errors import InvalidPrivateKey
from kmscrypto.pkcs8 import read_private_key
from kmscrypto.rsa_validation import has_roca_fingerprint
from kmscrypto.specs import SPECS
from tests.kmscrypto import keys
from tests.kmscrypto.keys import is_prime, next_prime, rsa_pkcs8

RSA_2048 = SPECS["RSA_2048"]
P, Q = keys.primes()
PERIOD = lcm(P - 1, Q - 1)
RANDOM = random.Random(20260101)  # noqa: S311 - the same weak keys in each run


def refusal_of(der):
    with pytest.raises(InvalidPrivateKey) as refusal:
        read_private_key(der, RSA_2048)
    return refusal.value


def loads_in_the_library(der):
    return load_der_private_key(der, None).key_size == 2048


def prime_near(start, fits=lambda prime: True):
    prime = next_prime(start)
    while not fits(prime):
        prime = next_prime(prime + 2)
    return prime


def big(bits=1024):
    """A number of so many bits whose product with another such has twice as many."""
    return 3 << (bits - 2) | RANDOM.getrandbits(bits - 2)


def test_the_builder_of_weak_keys_also_builds_good_ones():
    assert read_private_key(rsa_pkcs8(P, Q), RSA_2048)
    assert read_private_key(rsa_pkcs8(P, Q, e=65539), RSA_2048)


@pytest.mark.parametrize("e", [3, 17, 257])
def test_a_small_public_exponent_is_refused(e):
    def fits(prime):
        return (prime - 1) % e

    weak = rsa_pkcs8(prime_near(big(), fits), prime_near(big(), fits), e)

    assert loads_in_the_library(weak)
    assert "public exponent" in refusal_of(weak).reason


def test_a_huge_public_exponent_is_refused():
    e = prime_near(2**256)

    assert "public exponent" in refusal_of(rsa_pkcs8(P, Q, e)).reason


def test_a_small_private_exponent_is_refused():
    d = prime_near(RANDOM.getrandbits(500))

    assert "private exponent" in refusal_of(rsa_pkcs8(P, Q, pow(d, -1, PERIOD), d=d)).reason


@pytest.mark.parametrize("distance_bits", [16, 500, 920])
def test_close_primes_are_refused(distance_bits):
    p = prime_near(big())
    weak = rsa_pkcs8(p, prime_near(p + (1 << distance_bits)))

    assert "too close" in refusal_of(weak).reason


def test_primes_just_far_enough_apart_are_accepted():
    p = prime_near(big())

    assert read_private_key(rsa_pkcs8(p, prime_near(p + (1 << 925))), RSA_2048)


def test_one_prime_twice_is_refused():
    assert "same" in refusal_of(rsa_pkcs8(P, P)).reason


def test_primes_of_different_lengths_are_refused():
    weak = rsa_pkcs8(prime_near(big(1000)), prime_near(big(1048)))

    assert loads_in_the_library(weak)
    assert "different lengths" in refusal_of(weak).reason


def test_a_modulus_one_bit_short_is_refused_by_its_size():
    p, q = prime_near(5 << 1021), prime_near((5 << 1021) + (1 << 1000))

    assert refusal_of(rsa_pkcs8(p, q)).found == "RSA_2047"


def test_a_factor_that_is_not_prime_is_refused():
    # Everything but primality is in order, so this rests on the library's own check of the key.
    half, other = prime_near(big(512)), prime_near(big(512))
    weak = rsa_pkcs8(Q, half * other)

    assert "not prime" in refusal_of(weak).reason
    assert "not prime" in refusal_of(rsa_pkcs8(half * other, Q)).reason


def test_a_modulus_of_other_primes_is_refused():
    assert "modulus" in refusal_of(rsa_pkcs8(P, Q, n=P * Q + 2)).reason


@pytest.mark.parametrize("name", ["dp", "dq", "q_inv"])
def test_a_wrong_crt_value_is_refused(name):
    d = pow(65537, -1, PERIOD)
    right = {"dp": d % (P - 1), "dq": d % (Q - 1), "q_inv": pow(Q, -1, P)}[name]
    period = {"dp": P - 1, "dq": Q - 1, "q_inv": P}[name]

    for wrong in (right + 1, right + period, 0):
        assert "CRT" in refusal_of(rsa_pkcs8(P, Q, **{name: wrong})).reason


def test_exponents_that_do_not_belong_together_are_refused():
    d = pow(65537, -1, PERIOD)

    assert "exponents" in refusal_of(rsa_pkcs8(P, Q, d=d + 2)).reason
    assert "exponents" in refusal_of(rsa_pkcs8(P, Q, d=d + PERIOD * ((P * Q - d) // PERIOD + 1))).reason


def test_more_than_two_primes_are_refused():
    other = keys.sequence(keys.sequence(keys.integer(3), keys.integer(3), keys.integer(3)))

    assert "two primes" in refusal_of(rsa_pkcs8(P, Q, version=1, extra=other)).reason


def infineon_prime():
    """A prime of the shape k·M + (65537^a mod M), M the product of the first 126 primes (CVE-2017-15361)."""
    primorial = 2 * prod(keys.SMALL_PRIMES[:125])
    while True:
        k = RANDOM.randrange((3 << 1022) // primorial, (1 << 1024) // primorial)
        candidate = k * primorial + pow(65537, RANDOM.randrange(primorial), primorial)
        if is_prime(candidate) and candidate >> 1022 == 3:
            return candidate


def test_a_key_of_the_vulnerable_smart_cards_is_refused():
    weak = rsa_pkcs8(infineon_prime(), infineon_prime())

    assert loads_in_the_library(weak)
    assert "ROCA" in refusal_of(weak).reason


def test_sound_moduli_do_not_have_the_roca_fingerprint():
    assert not has_roca_fingerprint(P * Q)
    assert not any(has_roca_fingerprint(RANDOM.getrandbits(2048) | 1) for _ in range(10_000))
