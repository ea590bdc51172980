"""Is an imported RSA key a good one? Numeric checks the library's loader does not make (SEC-031).

Sources: FIPS 186-5 appendix A.1, SP 800-56B r2 §6.4, and the attacks named at each line. Primality is left to the
library's own check of the key, which runs last because it is the costly one.
"""

from dataclasses import dataclass, field
from math import lcm, prod

from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPrivateNumbers,
    RSAPublicNumbers,
    rsa_crt_dmp1,
    rsa_crt_dmq1,
    rsa_crt_iqmp,
)

MIN_EXPONENT, MAX_EXPONENT = 65537, 2**256


@dataclass(frozen=True)
class RsaNumbers:
    """The eight numbers of an RSAPrivateKey (RFC 8017 A.1.2), in its order."""

    n: int
    e: int
    d: int = field(repr=False)
    p: int = field(repr=False)
    q: int = field(repr=False)
    dp: int = field(repr=False)
    dq: int = field(repr=False)
    q_inv: int = field(repr=False)


def weakness(numbers: RsaNumbers, bits: int) -> str | None:
    """Why the key of `bits` bits may not be used, or None. Says nothing yet about p and q being prime."""
    n, e, d, p, q = numbers.n, numbers.e, numbers.d, numbers.p, numbers.q
    if min(p, q, d, e) < 3 or p * q != n:
        return "the modulus is not the product of the two primes"
    if p == q:
        return "both primes are the same"
    if p.bit_length() != q.bit_length():
        return "the primes have different lengths"
    # FIPS 186-5 A.1.3. Fermat's method needs about (p−q)²/(8·√n) rounds, so this leaves it more than 2^800 of them.
    if abs(p - q) <= 1 << (bits // 2 - 100):
        return "the primes are too close to each other"
    period = lcm(p - 1, q - 1)
    if d >= n or e * d % period != 1:
        return "the exponents do not belong together"
    if d % period <= 1 << (bits // 2):
        return "the private exponent is too small"  # Wiener, Boneh–Durfee
    if e < MIN_EXPONENT or e >= MAX_EXPONENT or e % 2 == 0:
        return "the public exponent is outside 65537 to 2^256"
    # With one CRT value wrong, the first signature gives away a factor (Boneh, DeMillo, Lipton).
    if (numbers.dp, numbers.dq) != (d % (p - 1), d % (q - 1)) or numbers.q_inv >= p or numbers.q_inv * q % p != 1:
        return "the CRT values are wrong"
    if has_roca_fingerprint(n):
        return "the modulus has the ROCA fingerprint (CVE-2017-15361)"
    return None


def canonical(numbers: RsaNumbers) -> RSAPrivateKey:
    """The same key in one form: larger prime first, smallest d (FIPS 186-5 A.1.1), CRT values to match.

    For numbers that passed `weakness` and the library's check: nothing is validated here.
    """
    p, q = max(numbers.p, numbers.q), min(numbers.p, numbers.q)
    d = numbers.d % lcm(p - 1, q - 1)
    return RSAPrivateNumbers(
        p=p,
        q=q,
        d=d,
        dmp1=rsa_crt_dmp1(d, p),
        dmq1=rsa_crt_dmq1(d, q),
        iqmp=rsa_crt_iqmp(p, q),
        public_numbers=RSAPublicNumbers(numbers.e, numbers.n),
    ).private_key(unsafe_skip_rsa_key_validation=True)


def has_roca_fingerprint(n: int) -> bool:
    """Primes of the Infineon library are k·M + (65537^a mod M): modulo small primes n is then a power of 65537.

    Nemec and others, "The Return of Coppersmith's Attack", 2017, §2.3. A sound modulus passes for one in 2^27 or fewer.
    """
    residue = n % _ROCA_PRODUCT
    return all(residue % prime in powers for prime, powers in _ROCA_POWERS)


def _powers_modulo(prime: int) -> frozenset[int]:
    return frozenset(pow(65537, exponent, prime) for exponent in range(prime - 1))


_ROCA_PRIMES = tuple(
    number for number in range(3, 168) if all(number % divisor for divisor in range(2, int(number**0.5) + 1))
)
_ROCA_PRODUCT = prod(_ROCA_PRIMES)
_ROCA_POWERS = tuple((prime, _powers_modulo(prime)) for prime in _ROCA_PRIMES)
