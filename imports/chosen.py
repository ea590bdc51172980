"""What a person chose for a material field: a file or pasted text, as the operation takes it.

A file may hold the bytes themselves or Base64; it is sent on as Base64 either way. What is found wrong here is told in
words and never decides: the operation judges again, in its own order (console.md C). The same findings, sooner and in
the browser, are those of static/js/sniff.js.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Any

from django.core.files.uploadedfile import UploadedFile

from imports import base64_text
from kmscrypto.blobs import describe_private_key
from operations.fields import decode_base64

# What a request to a page may hold for one field; far above any ciphertext or token.
MOST_BYTES = 64 * 1024

_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,40})-----")
_HEX = re.compile(r"([0-9A-Fa-f]{2})+")
# What random bytes are taken for; everything else that is recognised is no ciphertext.
_UNKNOWN = ("bytes that are not DER", "malformed DER", "an unknown DER structure", "Base64 text", "hex text", "nothing")

# A private key on P-256 without its public point, wrapped by AES-KWP, has at least these bytes.
_LEAST_WRAPPED_KEY = 64


@dataclass(frozen=True, slots=True)
class Wanted:
    """The sizes that a field takes, in bytes after decoding."""

    least: int
    most: int
    multiple: int = 1

    @property
    def words(self) -> str:
        return f"expected {self.least:,}" if self.least == self.most else f"expected {self.least:,} to {self.most:,}"

    def fits(self, size: int) -> bool:
        return self.least <= size <= self.most and size % self.multiple == 0


@dataclass(frozen=True, slots=True, repr=False)
class Chosen:
    """`text` is what the operation is given; `raw` its bytes, None where it is not Base64. By mistake it may be secret:
    it is neither shown nor kept."""

    text: str
    raw: bytes | None
    is_too_large: bool = False

    def __bool__(self) -> bool:
        return bool(self.text)

    def split(self, size: int, rest: Wanted) -> tuple[Chosen, Chosen] | None:
        """The first `size` bytes and the others, where these fit `rest`: both ciphertexts of PKCS#11's
        CKM_RSA_AES_KEY_WRAP, which HSMs and other clouds write in one."""
        if self.raw is None or not rest.fits(len(self.raw) - size):
            return None
        return _from_bytes(self.raw[:size]), _from_bytes(self.raw[size:])

    def fault(self, wanted: Wanted) -> str:
        """What is plainly wrong, in a sentence; "" where nothing is."""
        if self.is_too_large:
            return f"More than {MOST_BYTES:,} bytes: far more than a ciphertext has."
        if self.raw is None:
            return _of_text(self.text)
        return _of_hex(self.text, wanted) or _of_bytes(self.raw, wanted)


def read(upload: UploadedFile[Any] | None, pasted: str) -> Chosen:
    """A file, else what was pasted. An empty file counts as nothing chosen."""
    if upload is None:
        return _from_text(pasted)
    if (upload.size or 0) > MOST_BYTES:
        # Sent on as what is no Base64, so that the operation refuses it in its turn.
        return Chosen("-", None, is_too_large=True)
    content = upload.read()
    if _is_text(content):
        return _from_text(content.decode("ascii"))
    return _from_bytes(content)


def _from_bytes(content: bytes) -> Chosen:
    return Chosen(base64.b64encode(content).decode("ascii"), content)


def _from_text(text: str) -> Chosen:
    # Line breaks are how people keep Base64; the wire knows none.
    joined = "".join(text.split())
    raw = decode_base64(joined)
    return Chosen(joined if raw is not None else text.strip(), raw)


def _is_text(content: bytes) -> bool:
    return all(32 <= byte < 127 or 9 <= byte <= 13 for byte in content)


def _of_text(text: str) -> str:
    label = _PEM.search(text)
    if label and "PRIVATE KEY" in label[1]:
        return "This is a private key in PEM, in the clear: wrap it first."
    if label and "PUBLIC KEY" in label[1]:
        return "This is a public key in PEM, not a ciphertext. Give what was encrypted with the wrapping key."
    if label:
        return f"This is PEM ({label[1]}). Give the binary file or plain Base64, without the BEGIN and END lines."
    return _of_hex(text, None) or base64_text.explain(text)


def _of_hex(text: str, wanted: Wanted | None) -> str:
    """Hex digits are Base64 letters too: they are told apart by what their number would mean."""
    digits = "".join(text.split())
    if not _HEX.fullmatch(digits):
        return ""
    size = len(digits) // 2
    if size in (16, 32):
        return f"{size} bytes in hex text: this looks like the plaintext. Encrypt it with the wrapping key first."
    if len(digits) % 4 or (wanted is not None and wanted.fits(size)):
        return f"This is hex text of {size:,} bytes. Give the binary file or Base64."
    return ""


def _of_bytes(raw: bytes, wanted: Wanted) -> str:
    size = f"Got {len(raw):,} bytes; {wanted.words}."
    name = describe_private_key(raw)
    is_named = not name.startswith(_UNKNOWN)
    if is_named and "public" in name.lower():
        return f"{size} This is a public key, perhaps the wrapping key itself. Give what was encrypted with it."
    if is_named:
        return f"{size} This is a key in the clear ({name}): wrap it first."
    if wanted.fits(len(raw)):
        return ""
    if len(raw) in (16, 32):
        return f"{size} This looks like the plaintext: encrypt it with the wrapping key first."
    rest = len(raw) - wanted.most
    if wanted.least == wanted.most and rest >= _LEAST_WRAPPED_KEY and rest % 8 == 0:
        return (
            f"{size} This looks like RSA_AES_KEY_WRAP in one piece: the first {wanted.most} bytes are the temporary "
            f"key material, the rest is the private key ciphertext (head -c {wanted.most}, tail -c +{wanted.most + 1})."
        )
    if wanted.least <= len(raw) <= wanted.most:
        return f"Got {len(raw):,} bytes; AES key wrap with padding gives a multiple of {wanted.multiple}."
    return size
