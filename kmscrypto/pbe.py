"""Password-based encryption of private keys: PKCS#8 (RFC 8018, 7292, 7914) and OpenSSL's traditional PEM.

The library decrypts and parses in one call, so that a private key which it does not parse would look like a wrong
passphrase. Here the scheme is read first, the library's ciphers and key derivations decrypt, and what comes out is
parsed as if it never had been encrypted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.padding import PKCS7

from kmscrypto.der import DerError, Reader, Tag, without_padding
from kmscrypto.errors import PassphraseWrong, UnsupportedEncryption

# Far above what anybody asks for; more would only keep the reader busy.
MOST_ITERATIONS = 10_000_000
MOST_SCRYPT_BYTES = 1 << 30

# The key and the initial value, from a passphrase.
Derivation = Callable[[bytes], tuple[bytes, bytes]]


@dataclass(frozen=True)
class Encrypted:
    """An encrypted private key of a scheme that is known."""

    cipher: _Cbc
    derive: Derivation
    ciphertext: bytes

    def decrypt(self, passphrase: bytes) -> bytes:
        """The DER inside; `PassphraseWrong` unless the plaintext is one value."""
        key, iv = self.derive(passphrase)
        algorithm = self.cipher.algorithm(key)
        decryptor = Cipher(algorithm, modes.CBC(iv)).decryptor()
        unpadder = PKCS7(algorithm.block_size).unpadder()
        try:
            padded = decryptor.update(self.ciphertext) + decryptor.finalize()
            plain = without_padding(unpadder.update(padded) + unpadder.finalize())
            outer = Reader(plain)
            outer.read(Tag.SEQUENCE)
            outer.end()
        except ValueError:
            raise PassphraseWrong from None
        return plain


@dataclass(frozen=True)
class _Cbc:
    algorithm: Callable[[bytes], BlockCipherAlgorithm]
    key_bytes: int
    block_bytes: int


def _des(key: bytes) -> TripleDES:
    """Single DES is triple DES with one key three times."""
    return TripleDES(key * 3)


def _two_key_triple_des(key: bytes) -> TripleDES:
    return TripleDES(key + key[:8])


_AES_128, _AES_192, _AES_256 = (_Cbc(AES, size, 16) for size in (16, 24, 32))
_DES, _DES_EDE2, _DES_EDE3 = _Cbc(_des, 8, 8), _Cbc(_two_key_triple_des, 16, 8), _Cbc(TripleDES, 24, 8)


# --- PKCS#8 -------------------------------------------------------------------------------------------------------

PBES2 = "1.2.840.113549.1.5.13"
_PBKDF2 = "1.2.840.113549.1.5.12"
_SCRYPT = "1.3.6.1.4.1.11591.4.11"
_PBES1_MD5_DES, _PBES1_SHA1_DES = "1.2.840.113549.1.5.3", "1.2.840.113549.1.5.10"
_PKCS12_DES_EDE3, _PKCS12_DES_EDE2 = "1.2.840.113549.1.12.1.3", "1.2.840.113549.1.12.1.4"

_CIPHERS = {
    "2.16.840.1.101.3.4.1.2": _AES_128,
    "2.16.840.1.101.3.4.1.22": _AES_192,
    "2.16.840.1.101.3.4.1.42": _AES_256,
    "1.2.840.113549.3.7": _DES_EDE3,
    "1.3.14.3.2.7": _DES,
}
_PRFS: dict[str, hashes.HashAlgorithm] = {
    "1.2.840.113549.2.7": hashes.SHA1(),  # noqa: S303 - inside HMAC, as RFC 8018 has it by default
    "1.2.840.113549.2.8": hashes.SHA224(),
    "1.2.840.113549.2.9": hashes.SHA256(),
    "1.2.840.113549.2.10": hashes.SHA384(),
    "1.2.840.113549.2.11": hashes.SHA512(),
    "1.2.840.113549.2.13": hashes.SHA512_256(),
}
_HMAC_SHA_1 = "1.2.840.113549.2.7"


def encrypted_pkcs8(der: bytes) -> Encrypted:
    """Of an EncryptedPrivateKeyInfo. Raises UnsupportedEncryption, and DerError where it is damaged."""
    fields = Reader(der).sequence()
    algorithm, ciphertext = fields.sequence(), fields.read(Tag.OCTET_STRING)
    fields.end()
    scheme = algorithm.oid()
    cipher, derive = _pbes2(algorithm.sequence()) if scheme == PBES2 else _pbes1(scheme, algorithm)
    return _encrypted(cipher, derive, ciphertext)


def _encrypted(cipher: _Cbc, derive: Derivation, ciphertext: bytes) -> Encrypted:
    if not ciphertext or len(ciphertext) % cipher.block_bytes:
        raise DerError("the encrypted part is cut off")
    return Encrypted(cipher, derive, ciphertext)


def _pbes2(parameters: Reader) -> tuple[_Cbc, Derivation]:
    """RFC 8018 §6.2 and appendix A.4."""
    derivation, encryption = parameters.sequence(), parameters.sequence()
    parameters.end()
    name = encryption.oid()
    cipher = _CIPHERS.get(name)
    if cipher is None:
        raise UnsupportedEncryption(name)
    iv = encryption.read(Tag.OCTET_STRING)
    if len(iv) != cipher.block_bytes:
        raise DerError("the initial value has another length")
    derive_key = _key_derivation(derivation, cipher.key_bytes)
    return cipher, lambda passphrase: (derive_key(passphrase), iv)


def _key_derivation(derivation: Reader, key_bytes: int) -> Callable[[bytes], bytes]:
    name = derivation.oid()
    if name not in (_PBKDF2, _SCRYPT):
        raise UnsupportedEncryption(name)
    parameters = derivation.sequence()
    salt = parameters.read(Tag.OCTET_STRING)
    if name == _SCRYPT:
        n, r, p = (parameters.integer() for _ in range(3))
        if not (r and p and n > 1 and not n & (n - 1)) or 128 * n * r > MOST_SCRYPT_BYTES or p > 64:
            raise UnsupportedEncryption(name, f"with N = {n}, r = {r}, p = {p}")
        return lambda passphrase: Scrypt(salt, key_bytes, n, r, p).derive(passphrase)
    iterations = _iterations(parameters)
    if parameters.tag == Tag.INTEGER and parameters.integer() != key_bytes:
        raise DerError("the key has another length than its cipher takes")
    prf = parameters.sequence().oid() if parameters.tag is not None else _HMAC_SHA_1
    if prf not in _PRFS:
        raise UnsupportedEncryption(prf)
    return lambda passphrase: PBKDF2HMAC(_PRFS[prf], key_bytes, salt, iterations).derive(passphrase)


def _pbes1(scheme: str, algorithm: Reader) -> tuple[_Cbc, Derivation]:
    """RFC 8018 §6.1, and RFC 7292 appendix C for PKCS#12's own schemes."""
    if scheme not in (_PBES1_MD5_DES, _PBES1_SHA1_DES, _PKCS12_DES_EDE3, _PKCS12_DES_EDE2):
        raise UnsupportedEncryption(scheme)
    parameters = algorithm.sequence()
    salt, iterations = parameters.read(Tag.OCTET_STRING), _iterations(parameters)
    if scheme in (_PBES1_MD5_DES, _PBES1_SHA1_DES):
        digest = hashes.MD5() if scheme == _PBES1_MD5_DES else hashes.SHA1()  # noqa: S303 - as the file has it
        return _DES, lambda passphrase: _pbkdf1(digest, passphrase, salt, iterations)
    cipher = _DES_EDE3 if scheme == _PKCS12_DES_EDE3 else _DES_EDE2

    def derive(passphrase: bytes) -> tuple[bytes, bytes]:
        key = _pkcs12(1, passphrase, salt, iterations, cipher.key_bytes)
        return key, _pkcs12(2, passphrase, salt, iterations, cipher.block_bytes)

    return cipher, derive


def _iterations(parameters: Reader) -> int:
    iterations = parameters.integer()
    if not 1 <= iterations <= MOST_ITERATIONS:
        raise DerError(f"it asks for {iterations} iterations")
    return iterations


def _pbkdf1(digest: hashes.HashAlgorithm, passphrase: bytes, salt: bytes, iterations: int) -> tuple[bytes, bytes]:
    """RFC 8018 §5.1 and §6.1.1: eight octets of key, eight of initial value."""
    block = passphrase + salt
    for _ in range(iterations):
        block = _hash(digest, block)
    return block[:8], block[8:16]


def _pkcs12(purpose: int, passphrase: bytes, salt: bytes, iterations: int, size: int) -> bytes:
    """RFC 7292 appendix B.2 with SHA-1."""
    digest = hashes.SHA1()  # noqa: S303 - as the file has it
    block_bytes = 64
    # A BMPString with its two zero octets at the end.
    text = passphrase.decode("utf-8", "replace").encode("utf-16-be") + b"\0\0"
    diversifier = bytes((purpose,)) * block_bytes
    mixed = b"".join(_filled(part, block_bytes) for part in (salt, text))
    derived = b""
    while len(derived) < size:
        block = diversifier + mixed
        for _ in range(iterations):
            block = _hash(digest, block)
        derived += block
        addend = int.from_bytes(_filled(block, block_bytes)[:block_bytes]) + 1
        mixed = b"".join(
            ((int.from_bytes(mixed[at : at + block_bytes]) + addend) % (1 << 8 * block_bytes)).to_bytes(block_bytes)
            for at in range(0, len(mixed), block_bytes)
        )
    return derived[:size]


def _filled(part: bytes, block_bytes: int) -> bytes:
    """The part, repeated up to a whole number of blocks."""
    size = -(-len(part) // block_bytes) * block_bytes
    return (part * (size // max(len(part), 1) + 1))[:size]


# --- OpenSSL's traditional PEM ------------------------------------------------------------------------------------

_PEM_CIPHERS = {
    "AES-128-CBC": _AES_128,
    "AES-192-CBC": _AES_192,
    "AES-256-CBC": _AES_256,
    "DES-EDE3-CBC": _DES_EDE3,
    "DES-CBC": _DES,
}


def encrypted_pem(name: str, iv: bytes, ciphertext: bytes) -> Encrypted:
    """Of a PEM body and what its header DEK-Info says (RFC 1423 with OpenSSL's key derivation, EVP_BytesToKey)."""
    cipher = _PEM_CIPHERS.get(name)
    if cipher is None:
        raise UnsupportedEncryption(name)
    if len(iv) != cipher.block_bytes:
        raise DerError("the initial value has another length")
    return _encrypted(cipher, lambda passphrase: (_openssl(passphrase, iv[:8], cipher.key_bytes), iv), ciphertext)


def _openssl(passphrase: bytes, salt: bytes, size: int) -> bytes:
    derived = block = b""
    while len(derived) < size:
        block = _hash(hashes.MD5(), block + passphrase + salt)  # noqa: S303 - as the file has it
        derived += block
    return derived[:size]


def _hash(algorithm: hashes.HashAlgorithm, data: bytes) -> bytes:
    digest = hashes.Hash(algorithm)
    digest.update(data)
    return digest.finalize()
