"""Why a key file is refused: identifiers that stay, and the sentences that go with one refusal.

The identifiers are those of the table of key files that both readers are tested with (tests/keyfiles), this one and
the browser's in static/js.
"""

from enum import StrEnum

from kmscrypto.errors import CryptoError


class Reason(StrEnum):
    EMPTY = "empty"

    # Files of other programs, each with the command that takes the key out.
    UTF_16 = "utf-16"
    PUTTY = "putty"
    OPENSSH = "openssh"
    SSH_COM = "ssh-com"
    PGP = "pgp"
    JKS = "jks"  # also JCEKS and BouncyCastle's
    PKCS12 = "pkcs12"
    XML = "xml"
    PVK = "pvk"
    JWE = "jwe"
    CLOUD_KEY = "cloud-key"  # what Azure answers: the public half alone

    # No private key.
    PUBLIC_KEY = "public-key"
    CERTIFICATE = "certificate"  # also a request
    NO_KEY = "no-key"

    # Text that cannot be read, or in more than one way.
    DAMAGED_HEX = "damaged-hex"
    DAMAGED_BASE64 = "damaged-base64"
    DAMAGED_PEM = "damaged-pem"
    DAMAGED_JSON = "damaged-json"
    LINE_BREAKS_LOST = "line-breaks-lost"
    SEVERAL_KEYS = "several-keys"
    AMBIGUOUS = "ambiguous"
    ENCODED_TWICE = "encoded-twice"

    # Symmetric keys.
    WRONG_LENGTH = "wrong-length"
    LINE_END = "line-end"  # 32 bytes and a line end
    DEGENERATE = "degenerate"  # all bytes the same

    # Encrypted private keys.
    PASSPHRASE_WRONG = "passphrase-wrong"  # noqa: S105 - an identifier
    UNSUPPORTED_ENCRYPTION = "unsupported-encryption"

    # Private keys.
    DAMAGED_DER = "damaged-der"
    TRAILING_BYTES = "trailing-bytes"
    NOT_IMPORTABLE = "not-importable"  # another algorithm, curve or size
    RSA_PSS = "rsa-pss"
    EXPLICIT_PARAMETERS = "explicit-parameters"
    NO_CURVE = "no-curve"
    MULTI_PRIME = "multi-prime"
    MISSING_NUMBERS = "missing-numbers"
    INVALID_KEY = "invalid-key"  # the numbers do not belong together, or are weak


class KeyFileRefused(CryptoError):
    """`message` says what was found, `hint` what to do, with the exact command where there is one; no secrets."""

    def __init__(self, reason: Reason, message: str, hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.reason = reason
        self.message = message
        self.hint = hint
