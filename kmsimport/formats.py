"""What is in this key file? Bytes in any form people keep keys in; out come 32 bytes or a private key in PKCS#8 DER.

Nothing is guessed. A file that can be read in two ways is refused with both readings, and `--format` decides. Texts
name sizes and kinds, never content.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from kmscrypto import conversion
from kmscrypto.blobs import describe_private_key
from kmscrypto.errors import InvalidPrivateKey, NotAPrivateKey, PassphraseWrong
from kmscrypto.fingerprint import check_value
from kmscrypto.material import is_degenerate, public_der
from kmscrypto.pkcs8 import read_private_key
from kmscrypto.specs import SPECS, KeySpec
from kmsimport import jwk
from kmsimport.faults import Exit, Fault
from kmsimport.secrecy import wipe

AES = SPECS["AES_256"]
AES_BYTES = 32

IMPORTABLE = tuple(name for name, row in SPECS.items() if row.importable)

AskPassphrase = Callable[[], bytes]


class Format(StrEnum):
    RAW = "raw"
    HEX = "hex"
    BASE64 = "base64"
    PEM = "pem"
    DER = "der"
    JWK = "jwk"


@dataclass(frozen=True)
class Material:
    """`secret` is 32 bytes, or PKCS#8 DER that passed the service's own strict reader. `found` says what it was."""

    spec: KeySpec
    found: str
    secret: bytearray = field(repr=False)

    @property
    def check_value(self) -> str:
        return check_value(self.spec, bytes(self.secret))

    @property
    def public_der(self) -> bytes | None:
        """SubjectPublicKeyInfo; None for AES."""
        return public_der(self.spec, bytes(self.secret))

    def forget(self) -> None:
        wipe(self.secret)


def read(data: bytes, *, form: Format | None = None, ask: AskPassphrase) -> Material:
    """The key in these bytes. `ask` is called at most once, and only for an encrypted private key.

    Raises a Fault of KEY_FILE that says what was found.
    """
    if not data:
        raise _refused("The key file is empty.")
    return _READERS[form](data, ask) if form else _detect(data, ask)


# --- by its looks -------------------------------------------------------------------------------------------------

_TEXT = re.compile(rb"[\t\n\r\x20-\x7e]*")
_HEX_TEXT = re.compile(r"(?:0[xX])?[0-9A-Fa-f\s]+|[0-9A-Fa-f]{2}(?::\s*[0-9A-Fa-f]{2})+\s*")
_BASE64_TEXT = re.compile(r"(?:[0-9A-Za-z+/]+|[0-9A-Za-z_-]+)={0,2}")
_MARKS = {b"\xef\xbb\xbf": "a byte order mark", b"\xff\xfe": "UTF-16 text", b"\xfe\xff": "UTF-16 text"}


def _detect(data: bytes, ask: AskPassphrase) -> Material:
    if len(data) == AES_BYTES:
        return _thirty_two_bytes(data)
    for mark, name in _MARKS.items():
        if data.startswith(mark) and _TEXT.fullmatch(data[len(mark) :].replace(b"\0", b"")):
            raise _refused(f"The key file begins with {name}.", "Save it as plain ASCII text, or as binary data.")
    if b"-----BEGIN " in data:
        return _pem(data, ask)
    if not _TEXT.fullmatch(data):
        return _binary(data, ask)
    text = data.decode("ascii").strip()
    if text.startswith("{"):
        return _jwk(data, ask)
    if _HEX_TEXT.fullmatch(text):
        return _hex_digits(text, ask)
    if _BASE64_TEXT.fullmatch("".join(text.split())):
        return _base64(data, ask)
    if text.startswith(("ssh-", "ecdsa-sha2-")):
        raise _refused("The key file holds an OpenSSH public key.", "Bring the private key.")
    raise _refused(f"The key file holds {len(data)} bytes of text that is no hex, Base64, PEM or JWK.")


def _thirty_two_bytes(data: bytes) -> Material:
    if not _TEXT.fullmatch(data):
        return _aes(data, "32 raw bytes")
    text = data.decode("ascii")
    reading = "the hex text of 16 bytes" if _HEX_TEXT.fullmatch(text) else "a password or other text"
    raise _refused(
        f"Ambiguous: 32 characters of text. They may be {reading}, or 32 raw bytes that happen to be printable.",
        "AES_256 needs 32 random bytes. If these really are the bytes of the key: --format raw",
    )


def _hex_digits(text: str, ask: AskPassphrase) -> Material:
    digits = len(_only_hex(text))
    if digits == 43:
        raise _refused(
            "Ambiguous: 43 characters that are all hex digits. They may be hex text that lost a digit, or Base64 text "
            "of 32 bytes without padding.",
            "Say which: --format hex or --format base64",
        )
    return _hex(text.encode("ascii"), ask)


def _binary(data: bytes, ask: AskPassphrase) -> Material:
    if data[0] == 0x30:
        return _der(data, ask)
    raise _wrong_length(len(data), f"{len(data)} bytes of binary data", line_end=data[-1:] in (b"\n", b"\r"))


# --- by the format that was asked for -----------------------------------------------------------------------------


def _raw(data: bytes, ask: AskPassphrase) -> Material:
    if len(data) != AES_BYTES:
        raise _wrong_length(len(data), f"{len(data)} raw bytes", line_end=data[-1:] in (b"\n", b"\r"))
    return _aes(data, "32 raw bytes")


def _hex(data: bytes, ask: AskPassphrase) -> Material:
    text = _ascii(data, "hex")
    if not _HEX_TEXT.fullmatch(text):
        raise _refused("The key file is not hex text.")
    digits = _only_hex(text)
    if len(digits) % 2:
        raise _refused(f"The key file holds {len(digits)} hex digits: an odd number, so one is missing or too many.")
    return _decoded(bytes.fromhex(digits), f"hex text of {len(digits)} digits", ask)


def _base64(data: bytes, ask: AskPassphrase) -> Material:
    text = "".join(_ascii(data, "Base64").split())
    if not _BASE64_TEXT.fullmatch(text):
        raise _refused("The key file is not Base64 text.")
    standard = text.rstrip("=").replace("-", "+").replace("_", "/")
    padded = standard + "=" * (-len(standard) % 4)
    try:
        raw = base64.b64decode(padded, validate=True)
    except binascii.Error:
        raw = None
    # Wrong padding and left-over bits are signs of a text that was cut or mixed up.
    if raw is None or base64.b64encode(raw).decode("ascii") != padded or text.count("=") not in (0, padded.count("=")):
        raise _refused(f"The key file looks like Base64 text, but its {len(text)} characters are cut off or damaged.")
    return _decoded(raw, f"Base64 text of {len(text)} characters", ask)


def _decoded(raw: bytes, found: str, ask: AskPassphrase) -> Material:
    """What a text encoding held: 32 bytes, or a private key in DER."""
    if len(raw) == AES_BYTES:
        return _aes(raw, found)
    if raw[:1] == b"\x30" and describe_private_key(raw) not in ("malformed DER", "an unknown DER structure"):
        return _der(raw, ask, found=found)
    if len(raw) > AES_BYTES and _TEXT.fullmatch(raw):
        raise _refused(f"The key file holds {found}, and inside it {len(raw)} characters of text: encoded twice.")
    raise _wrong_length(len(raw), f"{found}, which are {len(raw)} bytes", line_end=False)


def _der(data: bytes, ask: AskPassphrase, *, found: str = "DER") -> Material:
    passphrase = ask() if conversion.is_encrypted(data) else None
    try:
        return _private_key(conversion.from_der(data, passphrase), f"{found}, {_plain(describe_private_key(data))}")
    except NotAPrivateKey as cause:
        raise _no_private_key(cause.found) from None
    except PassphraseWrong as cause:
        raise _refused(str(cause), "Or the key file is damaged.") from None


_PEM_BLOCK = re.compile(
    rb"-----BEGIN (?P<label>[A-Z0-9 ]{1,40})-----\s*?\r?\n"
    rb"(?P<headers>(?:[A-Za-z-]+:[^\n]*\n)*)(?P<body>[0-9A-Za-z+/=\s]*)-----END (?P=label)-----"
)
_ASIDE = {"EC PARAMETERS", "CERTIFICATE", "PUBLIC KEY", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"}


def _pem(data: bytes, ask: AskPassphrase) -> Material:
    blocks = list(_PEM_BLOCK.finditer(data))
    if not blocks or len(blocks) != data.count(b"-----BEGIN "):
        raise _refused("The key file looks like PEM, but is cut off or damaged.")
    labels = [block["label"].decode("ascii") for block in blocks]
    wanted = [block for block, label in zip(blocks, labels, strict=True) if label not in _ASIDE]
    if not wanted:
        raise _no_private_key(f"PEM ({', '.join(labels)})")
    if len(wanted) > 1:
        raise _refused(
            f"Ambiguous: the key file holds {len(wanted)} keys ({', '.join(labels)}).", "Bring a file with one key."
        )
    return _pem_block(wanted[0], ask)


def _pem_block(block: re.Match[bytes], ask: AskPassphrase) -> Material:
    label = block["label"].decode("ascii")
    found = f"PEM ({label})"
    if label == "OPENSSH PRIVATE KEY":
        raise _refused(
            f"The key file holds {found}, a format of OpenSSH alone.",
            "Copy the file, and convert the copy: ssh-keygen -p -m PKCS8 -f COPY",
        )
    try:
        if conversion.is_encrypted(block.group()):
            return _private_key(conversion.from_traditional_pem(block.group(), ask()), f"encrypted {found}")
        return _der(base64.b64decode(b"".join(block["body"].split()), validate=True), ask, found=found)
    except PassphraseWrong as cause:
        raise _refused(str(cause), "Or the key file is damaged.") from None
    except NotAPrivateKey as cause:
        raise _no_private_key(cause.found) from None
    except binascii.Error:
        raise _refused("The key file looks like PEM, but is cut off or damaged.") from None


def _jwk(data: bytes, ask: AskPassphrase) -> Material:
    try:
        key = jwk.read(_ascii(data, "JSON"))
    except jwk.NotAKey as cause:
        raise _refused(f"The key file looks like a JWK, but {cause}.") from None
    except NotAPrivateKey as cause:
        raise _refused(
            f"The key file is a JWK with {cause.found}.", "AES_256, RSA, and EC on P-256 or P-384."
        ) from None
    if key.is_private_key:
        return _private_key(key.secret, f"JWK ({key.kind})")
    if len(key.secret) != AES_BYTES:
        raise _wrong_length(len(key.secret), f"a JWK (oct) of {len(key.secret)} bytes", line_end=False)
    return _aes(key.secret, "JWK (oct)")


_READERS: dict[Format, Callable[[bytes, AskPassphrase], Material]] = {
    Format.RAW: _raw,
    Format.HEX: _hex,
    Format.BASE64: _base64,
    Format.PEM: _pem,
    Format.DER: _der,
    Format.JWK: _jwk,
}


# --- what came out ------------------------------------------------------------------------------------------------


def _aes(raw: bytes, found: str) -> Material:
    if is_degenerate(raw):
        raise _refused("All 32 bytes of the key are the same. Key material must be random.")
    return Material(AES, found, bytearray(raw))


def _private_key(pkcs8_der: bytes, found: str) -> Material:
    spec = conversion.spec_of(pkcs8_der)
    if spec is None or not spec.is_asymmetric:
        raise _not_importable(f"{found}: {describe_private_key(pkcs8_der)}")
    try:
        return Material(spec, found, bytearray(read_private_key(pkcs8_der, spec)))
    except InvalidPrivateKey as cause:
        raise _refused(f"The key file holds an {cause.found} key that is not valid: {cause.reason}.") from None


def _plain(name: str) -> str:
    return f"PKCS#8 ({name})" if name in SPECS else name


# In the words of `describe_private_key`, what is no private key, or none that can be read.
_NO_PRIVATE_KEY = re.compile(r"public|certificate|PKCS#12|PEM|DER|malformed|damaged|nothing|text", re.IGNORECASE)


def _no_private_key(found: str) -> Fault:
    if not _NO_PRIVATE_KEY.search(found):
        return _not_importable(found)
    hint = "Bring the private key: PKCS#8, PKCS#1 or SEC1, in PEM or DER, or a JWK."
    if "PUBLIC" in found or "public" in found or "CERTIFICATE" in found or "certificate" in found:
        hint = f"That is the public half. {hint}"
    if found == "PKCS#12":
        hint = "Take the key out: openssl pkcs12 -in FILE -nocerts -out key.pem (it asks for a new passphrase)."
    elif "DER" in found:
        hint = f"Or the file is damaged. {hint}"
    return _refused(f"The key file holds {found}, not a private key.", hint)


def _not_importable(found: str) -> Fault:
    supported = ", ".join(name for name in IMPORTABLE if SPECS[name].is_asymmetric)
    return _refused(f"The key file holds {found}, which cannot be imported.", f"Supported: {supported}.")


def _wrong_length(length: int, found: str, *, line_end: bool) -> Fault:
    hint = "AES_256 needs exactly 32 bytes: raw, in 64 hex digits, or in 44 characters of Base64."
    if length == AES_BYTES + 1 and line_end:
        hint = "32 bytes and a line end? Cut it off: head -c 32 KEY_FILE | kms-import - ..."
    elif length in (16, 24):
        hint = f"AES-{8 * length} cannot be imported. {hint}"
    elif length in (48, 64):
        hint = f"HMAC keys cannot be imported. {hint}"
    return _refused(f"The key file holds {found}.", hint)


def _ascii(data: bytes, what: str) -> str:
    try:
        return data.decode("ascii").strip()
    except UnicodeDecodeError:
        raise _refused(f"The key file is not {what} text: it holds bytes that are not ASCII.") from None


def _only_hex(text: str) -> str:
    return re.sub(r"[\s:]|^0[xX]", "", text)


def _refused(message: str, hint: str = "") -> Fault:
    return Fault(Exit.KEY_FILE, message, hint=hint)
