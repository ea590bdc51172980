"""What can go wrong in `kmscrypto`, as few classes as callers need to tell apart.

The texts are safe to show: they name sizes and kinds, never a secret, never why a ciphertext failed (SEC-013, SEC-025).
"""


class CryptoError(Exception):
    """Base of everything this package raises about its input."""


class MalformedCiphertext(CryptoError):
    """The bytes are not an envelope of ours (SEC-014)."""

    def __init__(self) -> None:
        super().__init__("The ciphertext is malformed.")


class DecryptionFailed(CryptoError):
    """Changed bytes, another key, another context or another purpose: deliberately one error (SEC-013)."""

    def __init__(self) -> None:
        super().__init__("The ciphertext cannot be decrypted.")


class UnwrapFailed(CryptoError):
    """RSA-OAEP did not open, for whatever reason (SEC-025)."""

    def __init__(self) -> None:
        super().__init__("The wrapped material cannot be unwrapped.")


class KeyUnwrapFailed(CryptoError):
    """AES-KWP integrity did not hold (SEC-028)."""

    def __init__(self) -> None:
        super().__init__("The wrapped private key cannot be unwrapped.")


class InvalidPrivateKey(CryptoError):
    """A private key that may not be imported; `found`, `expected` and `reason` are short and free of secrets."""

    def __init__(self, found: str, expected: str, reason: str) -> None:
        super().__init__(f"Found {found}, expected {expected}: {reason}.")
        self.found = found
        self.expected = expected
        self.reason = reason


class PassphraseWrong(CryptoError):
    """Decryption failed: the passphrase is wrong, or the ciphertext is damaged; nobody can tell which."""

    def __init__(self) -> None:
        super().__init__("The passphrase does not open the private key.")


class UnsupportedEncryption(CryptoError):
    """A private key is encrypted by a scheme that this code does not know; `scheme` is its OID or name."""

    def __init__(self, scheme: str, detail: str = "") -> None:
        super().__init__(f"The encryption scheme {scheme} {detail}".rstrip() + " is not supported.")
        self.scheme = f"{scheme} {detail}".rstrip()


class MessageTooLong(CryptoError):
    """More bytes than the algorithm can take with this key."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The message is longer than {limit_bytes} bytes.")
        self.limit_bytes = limit_bytes


class DigestLength(CryptoError):
    """A digest whose length is not that of the algorithm's hash."""

    def __init__(self, found_bytes: int, expected_bytes: int) -> None:
        super().__init__(f"The digest has {found_bytes} bytes, expected {expected_bytes}.")
        self.found_bytes = found_bytes
        self.expected_bytes = expected_bytes


class UnsupportedAlgorithm(CryptoError):
    """An algorithm that is unknown or does not fit the key."""

    def __init__(self, algorithm: str, key: str) -> None:
        super().__init__(f"{algorithm[:64]} does not fit {key}.")
        self.algorithm = algorithm
        self.key = key


class PairwiseTestFailed(CryptoError):
    """A private key does not undo what its own public key does (SEC-097)."""

    def __init__(self) -> None:
        super().__init__("The private and public halves of the key do not fit together.")


class SelfTestFailed(CryptoError):
    """A known answer came out differently: nothing may be encrypted with this library (SEC-097)."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Self-test of {name} failed.")
        self.name = name
