"""What is in this key file? Bytes in any form people keep keys in; out come 32 bytes or a private key in PKCS#8 DER.

Each form is stripped to 32 bytes or DER, and DER goes one way: decrypt, parse, normalise, strict check
(`kmscrypto.private_keys`). Nothing is guessed. A file that can be read in two ways is refused with both readings, and
`--format` decides. Texts name sizes and kinds, never content.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from kmscrypto import pbe, private_keys
from kmscrypto.blobs import describe_private_key
from kmscrypto.der import DerError, without_padding
from kmscrypto.errors import PassphraseWrong, UnsupportedEncryption
from kmscrypto.fingerprint import check_value
from kmscrypto.key_files import KeyFileRefused, Reason
from kmscrypto.material import is_degenerate, public_der
from kmscrypto.pbe import Encrypted
from kmscrypto.private_keys import PrivateKey, TrailingBytes
from kmscrypto.specs import SPECS, KeySpec
from kmsimport import foreign, jwk, pem
from kmsimport.faults import Exit, Fault
from kmsimport.secrecy import wipe

AES = SPECS["AES_256"]
AES_BYTES = 32
# A P-256 key in SEC1 with nothing but its scalar and curve.
SHORTEST_DER = 40

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
    try:
        if not data:
            raise _refused(Reason.EMPTY, "The key file is empty.")
        return _READERS[form](data, ask) if form else _detect(data, ask)
    except KeyFileRefused as cause:
        raise Fault(Exit.KEY_FILE, cause.message, hint=cause.hint, reason=cause.reason) from None


# --- by its looks -------------------------------------------------------------------------------------------------

_TEXT = re.compile(rb"[\t\n\r\x20-\x7e]*")
_HEX_TEXT = re.compile(r"(?:0[xX])?[0-9A-Fa-f\s]+|[0-9A-Fa-f]{2}(?::\s*[0-9A-Fa-f]{2})+\s*")
# As in the source of a program: 0x1f, 0x2e, … or \x1f\x2e…
_HEX_BYTES = re.compile(r"[\[{(\"']?\s*(?:0x[0-9A-Fa-f]{2}[\s,]*|\\x[0-9A-Fa-f]{2})+[\]})\"']?;?")
_BASE64_TEXT = re.compile(r"(?:[0-9A-Za-z+/]+|[0-9A-Za-z_-]+)={0,2}")
_PREFIX = re.compile(r"(base64|hex):", re.IGNORECASE)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def _detect(data: bytes, ask: AskPassphrase) -> Material:
    if len(data) == AES_BYTES:
        return _thirty_two_bytes(data)
    if _has_line_end(data) and not _TEXT.fullmatch(data):
        return _raw(data, ask)
    data = _without_mark(data)
    foreign.refuse(data)
    if _looks_like_json(data):
        return _jwk(data, ask)
    if pem.BEGIN in data:
        return _pem(data, ask)
    if not _TEXT.fullmatch(data):
        return _binary(data, ask)
    text = data.decode("ascii").strip()
    if _HEX_TEXT.fullmatch(text) or _HEX_BYTES.fullmatch(text):
        return _hex_digits(text, ask)
    if prefix := _PREFIX.match(text):
        return _READERS[Format(prefix[1].lower())](text[prefix.end() :].encode(), ask)
    if _BASE64_TEXT.fullmatch("".join(text.split())):
        return _base64(data, ask)
    if text.startswith(("ssh-", "ecdsa-sha2-")):
        raise _refused(Reason.PUBLIC_KEY, "The key file holds an OpenSSH public key.", "Bring the private key.")
    raise _refused(Reason.NO_KEY, f"The key file holds {len(data)} bytes of text that is no hex, Base64, PEM or JWK.")


def _looks_like_json(data: bytes) -> bool:
    try:
        text = data.decode("utf-8").strip()
    except UnicodeDecodeError:
        return False
    return text.startswith("{") and not _HEX_BYTES.fullmatch(text)


def _without_mark(data: bytes) -> bytes:
    """Text without the byte order mark that editors put before UTF-8."""
    rest = data.removeprefix(_BYTE_ORDER_MARK)
    return rest if _TEXT.fullmatch(rest) or pem.BEGIN in rest else data


def _thirty_two_bytes(data: bytes) -> Material:
    if not _TEXT.fullmatch(data):
        return _aes(data, "32 raw bytes")
    text = data.decode("ascii")
    reading = "the hex text of 16 bytes" if _HEX_TEXT.fullmatch(text) else "a password or other text"
    raise _refused(
        Reason.AMBIGUOUS,
        f"Ambiguous: 32 characters of text. They may be {reading}, or 32 raw bytes that happen to be printable.",
        "AES_256 needs 32 random bytes. If these really are the bytes of the key: --format raw",
    )


def _hex_digits(text: str, ask: AskPassphrase) -> Material:
    digits = len(_only_hex(text))
    if digits == 43:
        raise _refused(
            Reason.AMBIGUOUS,
            "Ambiguous: 43 characters that are all hex digits. They may be hex text that lost a digit, or Base64 text "
            "of 32 bytes without padding.",
            "Say which: --format hex or --format base64",
        )
    return _hex(text.encode("ascii"), ask)


def _binary(data: bytes, ask: AskPassphrase) -> Material:
    if _looks_like_der(data):
        return _der(data, ask)
    raise _wrong_length(data, f"{len(data)} bytes of binary data")


def _looks_like_der(raw: bytes) -> bool:
    """One of 256 symmetric keys begins as DER does; of the lengths of these, only a known structure counts as DER."""
    if raw[:1] != b"\x30" or len(raw) <= SHORTEST_DER:
        return False
    return len(raw) not in (48, 64) or describe_private_key(raw) not in ("malformed DER", "an unknown DER structure")


# --- by the format that was asked for -----------------------------------------------------------------------------


def _raw(data: bytes, ask: AskPassphrase) -> Material:
    if len(data) != AES_BYTES:
        raise _wrong_length(data, f"{len(data)} raw bytes")
    return _aes(data, "32 raw bytes")


def _hex(data: bytes, ask: AskPassphrase) -> Material:
    text = _ascii(data, "hex")
    if not (_HEX_TEXT.fullmatch(text) or _HEX_BYTES.fullmatch(text)):
        raise _refused(Reason.DAMAGED_HEX, "The key file is not hex text.")
    digits = _only_hex(text)
    if len(digits) % 2:
        raise _refused(
            Reason.DAMAGED_HEX,
            f"The key file holds {len(digits)} hex digits: an odd number, so one is missing or too many.",
        )
    return _decoded(bytes.fromhex(digits), f"hex text of {len(digits)} digits", ask)


def _base64(data: bytes, ask: AskPassphrase) -> Material:
    text = "".join(_ascii(data, "Base64").split())
    if not _BASE64_TEXT.fullmatch(text):
        raise _refused(Reason.DAMAGED_BASE64, "The key file is not Base64 text.")
    standard = text.rstrip("=").replace("-", "+").replace("_", "/")
    padded = standard + "=" * (-len(standard) % 4)
    try:
        raw = base64.b64decode(padded, validate=True)
    except binascii.Error:
        raw = None
    # Wrong padding and left-over bits are signs of a text that was cut or mixed up.
    if raw is None or base64.b64encode(raw).decode("ascii") != padded or text.count("=") not in (0, padded.count("=")):
        raise _refused(
            Reason.DAMAGED_BASE64,
            f"The key file looks like Base64 text, but its {len(text)} characters are cut off or damaged.",
        )
    return _decoded(raw, f"Base64 text of {len(text)} characters", ask)


def _decoded(raw: bytes, found: str, ask: AskPassphrase) -> Material:
    """What a text encoding held: 32 bytes, or a private key in DER."""
    if len(raw) == AES_BYTES:
        return _aes(raw, found)
    if _looks_like_der(raw):
        return _der(raw, ask, found=found)
    if len(raw) > AES_BYTES and (_TEXT.fullmatch(raw) or pem.BEGIN in raw):
        raise _refused(
            Reason.ENCODED_TWICE,
            f"The key file holds {found}, and inside it {len(raw)} characters of text: encoded twice.",
            "Decode it once: base64 -d < KEY_FILE > key.txt" if "Base64" in found else "",
        )
    foreign.refuse(raw)
    raise _wrong_length(raw, f"{found}, which are {len(raw)} bytes")


def _der(data: bytes, ask: AskPassphrase, *, found: str = "DER") -> Material:
    der = without_padding(data)
    found = f"{found}, {_plain(describe_private_key(der))}"
    if not private_keys.is_encrypted(der):
        try:
            return _private_key(private_keys.parse(der), found)
        except TrailingBytes as cause:
            hint = f"If the key is whole, cut them off: {_cut(found, cause.length)} > key.der"
            raise _refused(cause.reason, cause.message, hint) from None
    try:
        encrypted = pbe.encrypted_pkcs8(der)
    except UnsupportedEncryption as cause:
        raise _unsupported(cause.scheme, is_pem=found.startswith("PEM")) from None
    except DerError as cause:
        raise _refused(
            Reason.DAMAGED_DER, f"The key file holds an encrypted PKCS#8 that is damaged ({cause}).", "Copy it again."
        ) from None
    return _encrypted(encrypted, found, ask)


def _cut(found: str, length: int) -> str:
    """The command that writes the first bytes of the DER in a key file."""
    if found.startswith("PEM"):
        return f"grep -v -e ----- KEY_FILE | base64 -d | head -c {length}"
    if found.startswith("Base64"):
        return f"base64 -d < KEY_FILE | head -c {length}"
    if found.startswith("hex"):
        return f"xxd -r -p KEY_FILE | head -c {length}"
    return f"head -c {length} KEY_FILE"


def _encrypted(encrypted: Encrypted, found: str, ask: AskPassphrase) -> Material:
    try:
        der = encrypted.decrypt(ask())
    except PassphraseWrong as cause:
        raise _refused(Reason.PASSPHRASE_WRONG, str(cause), "Or the key file is damaged.") from None
    return _private_key(private_keys.parse(der), found)


def _pem(data: bytes, ask: AskPassphrase) -> Material:
    try:
        block = pem.read(data)
    except UnsupportedEncryption as cause:
        raise _unsupported(cause.scheme, is_pem=True) from None
    found = f"PEM ({block.label})"
    if block.encrypted:
        return _encrypted(block.encrypted, f"encrypted {found}", ask)
    return _der(block.body, ask, found=found)


def _jwk(data: bytes, ask: AskPassphrase) -> Material:
    try:
        text = data.removeprefix(_BYTE_ORDER_MARK).decode("utf-8")
    except UnicodeDecodeError:
        raise _refused(Reason.DAMAGED_JSON, "The key file is not JSON: it is not UTF-8 text.") from None
    found, key = jwk.read(text)
    match key:
        case str():
            return _pem(key.encode(), ask)
        case bytes() if len(key) == AES_BYTES:
            return _aes(key, found)
        case bytes():
            raise _wrong_length(key, f"a {found} of {len(key)} bytes")
    return _private_key(key, found)


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
        raise _refused(Reason.DEGENERATE, "All 32 bytes of the key are the same. Key material must be random.")
    return Material(AES, found, bytearray(raw))


def _private_key(key: PrivateKey, found: str) -> Material:
    spec, pkcs8_der = private_keys.normalise(key)
    return Material(spec, found, bytearray(pkcs8_der))


def _plain(name: str) -> str:
    return f"PKCS#8 ({name})" if name in SPECS else name


# Schemes that OpenSSL 3 keeps in a provider of their own.
_LEGACY_SCHEMES = ("1.2.840.113549.1.5.", "1.2.840.113549.1.12.1.", "1.2.840.113549.3.")


def _unsupported(scheme: str, *, is_pem: bool) -> KeyFileRefused:
    form = "" if is_pem else "-inform DER "
    legacy = "-provider legacy -provider default " if scheme.startswith(_LEGACY_SCHEMES) else ""
    return _refused(
        Reason.UNSUPPORTED_ENCRYPTION,
        f"The private key is encrypted by the scheme {scheme}, which is not supported.",
        f"Encrypt it anew: openssl pkcs8 -topk8 {legacy}{form}-in KEY_FILE -v2 aes-256-cbc -out key.pem",
    )


def _has_line_end(raw: bytes) -> bool:
    """Whether these are 32 bytes and a line end."""
    return raw[AES_BYTES:] in (b"\n", b"\r", b"\r\n")


def _wrong_length(raw: bytes, found: str) -> KeyFileRefused:
    if _has_line_end(raw):
        return _refused(
            Reason.LINE_END,
            f"The key file holds {found}: 32 and a line end?",
            "Cut it off: head -c 32 KEY_FILE | kms-import - ...",
        )
    hint = "AES_256 needs exactly 32 bytes: raw, in 64 hex digits, or in 44 characters of Base64."
    if len(raw) in (16, 24):
        hint = f"AES-{8 * len(raw)} cannot be imported. {hint}"
    elif len(raw) in (48, 64):
        hint = f"HMAC keys cannot be imported. {hint}"
    return _refused(Reason.WRONG_LENGTH, f"The key file holds {found}.", hint)


def _ascii(data: bytes, what: str) -> str:
    try:
        return data.removeprefix(_BYTE_ORDER_MARK).decode("ascii").strip()
    except UnicodeDecodeError:
        reason = Reason.DAMAGED_HEX if what == "hex" else Reason.DAMAGED_BASE64
        raise _refused(reason, f"The key file is not {what} text: it holds bytes that are not ASCII.") from None


def _only_hex(text: str) -> str:
    return re.sub(r"0[xX]|\\x|[^0-9A-Fa-f]", "", text)


def _refused(reason: Reason, message: str, hint: str = "") -> KeyFileRefused:
    return KeyFileRefused(reason, message, hint)
