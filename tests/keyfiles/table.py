"""The rows while they are made, and what all who make them need."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from tests.kmscrypto.keys import NULL, integer, octets, sequence

LARGEST_TABLE = 500_000
PASSPHRASE = "correct horse"
# The private keys, by the names of their files in the table's directory: NAME.pem in PKCS#8, and NAME.der.
PRIVATE_KEYS = {"rsa": "RSA_2048", "p256": "EC_P256", "p384": "EC_P384", "p256-short": "EC_P256"}


class Table:
    """Programs are run in `directory`, where their files are too."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.keys: dict[str, dict[str, str]] = {}
        self.files: list[dict[str, Any]] = []

    def run(self, *command: str, data: bytes = b"") -> bytes:
        """What the program writes to standard output."""
        environment = {**os.environ, "GNUPGHOME": str(self.directory)}
        done = subprocess.run(command, cwd=self.directory, input=data, capture_output=True, env=environment)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.decode()}"
        return done.stdout

    def openssl(self, *arguments: str, data: bytes = b"") -> bytes:
        return self.run("openssl", *arguments, data=data)

    def lines(self, *command: str) -> dict[str, bytes]:
        """What a program of ours exports: lines of a name and Base64."""
        lines = [line.split(" ") for line in self.run(*command).decode().splitlines()]
        return {name: base64.b64decode(content) for name, content in lines}

    def write(self, name: str, content: bytes) -> str:
        path = self.directory / name
        path.write_bytes(content)
        path.chmod(0o600)
        return name

    def read(self, name: str) -> bytes:
        return (self.directory / name).read_bytes()

    def material(self, name: str) -> bytes:
        return base64.b64decode(self.keys[name]["material"])

    def add_key(self, name: str, spec: str, material: bytes) -> None:
        """A key that rows may name; its check value is computed by OpenSSL."""
        if spec == "AES_256":
            mac = ["mac", "-cipher", "AES-256-CBC", "-macopt", f"hexkey:{material.hex()}", "-binary", "CMAC"]
            digest = self.openssl(*mac, data=bytes(16))
        else:
            public = self.openssl("pkey", "-inform", "DER", "-pubout", "-outform", "DER", data=material)
            digest = self.openssl("dgst", "-sha256", "-binary", data=public)
        self.keys[name] = {"spec": spec, "material": encoded(material), "check_value": digest[:5].hex().upper()}

    def add(
        self,
        name: str,
        content: bytes,
        *,
        spec: str = "EC_P256",
        by: str = "hand",
        key: str | None = None,
        refused: str | None = None,
        says: Sequence[str] = (),
        passphrase: str | None = None,
        browser: dict[str, Any] | None = None,
    ) -> None:
        """One row. `key` names the key that the file holds, `refused` why it is refused: exactly one of them."""
        assert (key is None) != (refused is None), name
        assert all(row["name"] != name for row in self.files), name
        row = {
            "name": name,
            "made_by": by,
            "spec": self.keys[key]["spec"] if key else spec,
            "content": encoded(content),
            "passphrase": passphrase,
            "key": key,
            "refused": refused,
            "says": list(says) or None,
            "browser": browser,
        }
        self.files.append({member: value for member, value in row.items() if value is not None})

    def save(self, path: Path) -> None:
        """One row a line, so that a change of one shows as one."""
        keys = ",\n".join(f"{json.dumps(name)}: {json.dumps(row)}" for name, row in self.keys.items())
        files = ",\n".join(json.dumps(row, ensure_ascii=False) for row in self.files)
        text = f'{{"keys": {{\n{keys}\n}},\n"files": [\n{files}\n]}}\n'
        assert len(text) < LARGEST_TABLE, len(text)
        path.write_text(text)


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def pem(label: str, der: bytes) -> bytes:
    body = base64.b64encode(der)
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    return b"\n".join([f"-----BEGIN {label}-----".encode(), *lines, f"-----END {label}-----".encode(), b""])


def encrypted(content: bytes, *, cut: int = 0) -> bytes:
    """PBES2 as OpenSSL has it by default, around any bytes; `cut` octets of the ciphertext are lost."""
    salt, iv = os.urandom(16), os.urandom(16)
    key = PBKDF2HMAC(hashes.SHA256(), 32, salt, 2048).derive(PASSPHRASE.encode())
    padder = padding.PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    ciphertext = encryptor.update(padder.update(content) + padder.finalize()) + encryptor.finalize()
    prf = sequence(bytes.fromhex("06082a864886f70d0209"), NULL)
    derivation = sequence(bytes.fromhex("06092a864886f70d01050c"), sequence(octets(salt), integer(2048), prf))
    cipher = sequence(bytes.fromhex("060960864801650304012a"), octets(iv))
    scheme = sequence(bytes.fromhex("06092a864886f70d01050d"), sequence(derivation, cipher))
    return sequence(scheme, octets(ciphertext[: len(ciphertext) - cut]))
