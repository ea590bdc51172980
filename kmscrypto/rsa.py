"""RSA keys: OAEP encryption, PSS and PKCS#1 v1.5 signatures (RFC 8017), parameters fixed by SEC-015."""

import os
import threading
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from functools import partial

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key

from kmscrypto.errors import CryptoError, DecryptionFailed, MessageTooLong, PairwiseTestFailed, UnsupportedAlgorithm
from kmscrypto.hashing import hash_for
from kmscrypto.priority import give_way, take_idle_time
from kmscrypto.specs import OAEP_HASHES, EncryptionAlgorithm, Scheme, SigningAlgorithm

PUBLIC_EXPONENT = 65537
PATIENCE_SECONDS = 1.0
NICENESS = 10
# Half of the processors is left to those who use keys.
_turns = threading.Semaphore(max(1, (os.cpu_count() or 1) // 2))
# By length in bits; no more of each than there are turns.
_unclaimed: dict[int, list[Future[RSAPrivateKey]]] = defaultdict(list)
# What a forked process inherited, its parent would hand out as well.
os.register_at_fork(after_in_child=_unclaimed.clear)


def generate(bits: int) -> RSAPrivateKey:
    """A new key whose halves have proved to fit together (SEC-097).

    Few at a time, in time that nobody else wants: it takes up to seconds, and who uses keys meanwhile must not feel it.
    Where there is no such time, another attempt begins after a second that does take some. Of two the first one done
    counts; the calm one, if it is not, serves whoever asks next.
    """
    with _turns:
        try:
            calm = _unclaimed[bits].pop()
        except IndexError:
            calm = _begin(bits, take_idle_time)
        try:
            return calm.result(PATIENCE_SECONDS)
        except TimeoutError:
            first = next(as_completed((calm, _begin(bits, partial(give_way, NICENESS)))))
        if first is not calm:
            _unclaimed[bits].append(calm)
    return first.result()


def _begin(bits: int, yield_to_others: Callable[[], None]) -> Future[RSAPrivateKey]:
    thread = ThreadPoolExecutor(1, initializer=yield_to_others)
    key = thread.submit(_generate, bits)
    thread.shutdown(wait=False)  # it ends when the key is there
    return key


def _generate(bits: int) -> RSAPrivateKey:
    key = generate_private_key(PUBLIC_EXPONENT, bits)
    pairwise_test(key)
    return key


def max_plaintext(bits: int, algorithm: str) -> int:
    """Longest plaintext in bytes (RFC 8017 §7.1.1: k − 2·hLen − 2)."""
    digest = OAEP_HASHES.get(algorithm)
    if digest is None:
        raise UnsupportedAlgorithm(algorithm, f"RSA_{bits}")
    return bits // 8 - 2 * digest.digest_size - 2


def encrypt(key: RSAPublicKey | RSAPrivateKey, algorithm: str, plaintext: bytes) -> bytes:
    """RSA-OAEP; `MessageTooLong` beyond `max_plaintext`."""
    limit = max_plaintext(key.key_size, algorithm)
    if len(plaintext) > limit:
        raise MessageTooLong(limit)
    return _public(key).encrypt(plaintext, _oaep(algorithm))


def decrypt(key: RSAPrivateKey, algorithm: str, ciphertext: bytes) -> bytes:
    """Undo `encrypt`. Every failure is the same `DecryptionFailed`, taken on the same path (SEC-025).

    Length and range are facts about public data; what happens in the library is not looked at (Manger's attack).
    """
    scheme = _oaep(algorithm)
    if not in_range(key, ciphertext):
        raise DecryptionFailed
    try:
        return key.decrypt(ciphertext, scheme)
    except ValueError:
        raise DecryptionFailed from None


def sign(key: RSAPrivateKey, algorithm: str, message: bytes, *, is_digest: bool) -> bytes:
    scheme = _signing_algorithm(key, algorithm)
    return key.sign(message, _signature_padding(scheme), hash_for(scheme, message, is_digest=is_digest))


def verify(
    key: RSAPublicKey | RSAPrivateKey, algorithm: str, message: bytes, signature: bytes, *, is_digest: bool
) -> bool:
    """False for a wrong or malformed signature; raises only for an algorithm or digest that does not fit."""
    scheme = _signing_algorithm(key, algorithm)
    digest = hash_for(scheme, message, is_digest=is_digest)
    try:
        _public(key).verify(signature, message, _signature_padding(scheme), digest)
    except (InvalidSignature, ValueError):
        return False
    return True


def _oaep(algorithm: str) -> padding.OAEP:
    """OAEP with MGF1 over the same hash and an empty label (SEC-015)."""
    digest = OAEP_HASHES.get(algorithm)
    if digest is None:
        raise UnsupportedAlgorithm(algorithm, "RSA")
    return padding.OAEP(mgf=padding.MGF1(digest), algorithm=digest, label=None)


def in_range(key: RSAPrivateKey, ciphertext: bytes) -> bool:
    """Exactly k bytes and 1 < c < n−1 (SP 800-56B r2 §7.1.2): public facts, checked before the private operation."""
    if len(ciphertext) != (key.key_size + 7) // 8:
        return False
    return 1 < int.from_bytes(ciphertext) < key.public_key().public_numbers().n - 1


def pairwise_test(key: RSAPrivateKey) -> None:
    """Sign and decrypt a probe, for a new key may serve either use; `PairwiseTestFailed` if it does not come back."""
    probe, oaep_name = b"kms pairwise test", EncryptionAlgorithm.RSAES_OAEP_SHA_256
    algorithm = SigningAlgorithm.RSASSA_PSS_SHA_256
    try:
        signature = sign(key, algorithm, probe, is_digest=False)
        fits = verify(key, algorithm, probe, signature, is_digest=False)
        fits = fits and decrypt(key, oaep_name, encrypt(key, oaep_name, probe)) == probe
    except (CryptoError, ValueError):
        fits = False
    if not fits:
        raise PairwiseTestFailed


def _public(key: RSAPublicKey | RSAPrivateKey) -> RSAPublicKey:
    return key.public_key() if isinstance(key, RSAPrivateKey) else key


def _signing_algorithm(key: RSAPublicKey | RSAPrivateKey, name: str) -> SigningAlgorithm:
    if name not in _SIGNATURES:
        raise UnsupportedAlgorithm(name, f"RSA_{key.key_size}")
    return _SIGNATURES[name]


def _signature_padding(algorithm: SigningAlgorithm) -> padding.AsymmetricPadding:
    if algorithm.scheme is Scheme.PKCS1_V1_5:
        return padding.PKCS1v15()
    return padding.PSS(mgf=padding.MGF1(algorithm.hash), salt_length=padding.PSS.DIGEST_LENGTH)


_SIGNATURES = {str(each): each for each in SigningAlgorithm if each.scheme is not Scheme.ECDSA}
