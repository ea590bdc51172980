"""The one private key in a PEM file (RFC 7468, 1421), as people have such files.

Anything may stand around it: explanations, certificates, requests, parameters, public keys. Line breaks may have become
the two characters that mean one in a programming language, carriage returns, spaces, or nothing.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field

from kmscrypto import pbe
from kmscrypto.der import DerError
from kmscrypto.key_files import KeyFileRefused, Reason
from kmscrypto.pbe import Encrypted
from kmscrypto.private_keys import not_a_private_key, rsa_pss
from kmsimport import foreign

BEGIN = b"-----BEGIN "

_LABEL = re.compile(r"-----BEGIN ([A-Z0-9 -]{1,40}?)-----")
_ESCAPED_LINE_BREAK = re.compile(r"(?:\\{1,4}r)?\\{1,4}n|\\{1,4}r")
_LINE_BREAK = re.compile(r"\r\n?")
_ENCRYPTION = re.compile(r"\s*Proc-Type:\s*4,ENCRYPTED\s+DEK-Info:\s*([A-Za-z0-9-]+),([0-9A-Fa-f]+)\s")
_HEADERS = re.compile(r"\s*(?:[A-Za-z][A-Za-z0-9-]*:[^\n]*\n)+")
_BASE64 = re.compile(r"[0-9A-Za-z+/]+={0,2}")

_DAMAGED = "The key file looks like PEM, but is cut off or damaged."


@dataclass(frozen=True)
class Block:
    """The body of a block whose label says PRIVATE KEY: DER, or what DEK-Info says is encrypted."""

    label: str
    body: bytes = field(repr=False)
    encrypted: Encrypted | None = None


def read(data: bytes) -> Block:
    """Raises KeyFileRefused unless there is exactly one private key."""
    text = data.decode("latin-1")
    text = _LINE_BREAK.sub("\n", _ESCAPED_LINE_BREAK.sub("\n", text))
    labels = _LABEL.findall(text)
    wanted = [match for match in _LABEL.finditer(text) if "PRIVATE KEY" in match[1]]
    if not labels:
        raise KeyFileRefused(Reason.DAMAGED_PEM, _DAMAGED)
    if not wanted:
        raise not_a_private_key(f"PEM ({', '.join(labels)})")
    if len(wanted) > 1:
        raise KeyFileRefused(
            Reason.SEVERAL_KEYS,
            f"Ambiguous: the key file holds {len(wanted)} private keys ({', '.join(match[1] for match in wanted)}).",
            "Give a file that holds one.",
        )
    label = wanted[0][1]
    if label == "OPENSSH PRIVATE KEY":
        raise foreign.OPENSSH.refusal()
    if label == "PGP PRIVATE KEY BLOCK":
        raise foreign.OPENPGP.refusal()
    if label == "RSA-PSS PRIVATE KEY":  # PKCS#1 that openssl made of a restricted key
        raise rsa_pss()
    body, end, _ = text[wanted[0].end() :].partition(f"-----END {label}-----")
    if not end:
        raise KeyFileRefused(Reason.DAMAGED_PEM, _DAMAGED)
    return _block(label, body)


def _block(label: str, body: str) -> Block:
    encryption = _ENCRYPTION.match(body)
    if encryption:
        return Block(label, b"", _encrypted(encryption, body[encryption.end() :]))
    headers = _HEADERS.match(body)
    return Block(label, _decoded(body[headers.end() :] if headers else body))


def _encrypted(header: re.Match[str], rest: str) -> Encrypted:
    try:
        return pbe.encrypted_pem(header[1].upper(), bytes.fromhex(header[2]), _decoded(rest))
    except (DerError, ValueError):
        raise KeyFileRefused(Reason.DAMAGED_PEM, _DAMAGED) from None


def _decoded(body: str) -> bytes:
    text = "".join(body.split())
    # Where a backslash was lost, an n is left; every DER in Base64 begins with M.
    if text.startswith("n") or ":" in text:
        raise KeyFileRefused(
            Reason.LINE_BREAKS_LOST,
            "The key file looks like PEM whose line breaks were lost.",
            "Write it again with line breaks; from a variable that has them as \\n: printf '%b' \"$KEY\" > key.pem",
        )
    try:
        if not _BASE64.fullmatch(text):
            raise binascii.Error
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise KeyFileRefused(Reason.DAMAGED_PEM, _DAMAGED) from None
