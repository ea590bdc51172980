"""Write `files.json` anew: python -m tests.keyfiles.generate

Run by hand, for the table is committed. It needs openssl 3, a JDK, Go, Node, certtool (gnutls-bin), puttygen
(putty-tools), ssh-keygen, gpg, softhsm2-util and pkcs11-tool (opensc). Each run makes new keys, which serve nothing
else. What no program writes but people have is made by hand: files cut, joined or encoded once more.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.keyfiles import TABLE

LARGEST_TABLE = 500_000
PASSPHRASE = "correct horse"


class Table:
    """The rows so far, and the programs that make them, run in a temporary directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.keys: dict[str, dict[str, str]] = {}
        self.files: list[dict[str, Any]] = []
        self.openssl_version = self.run("openssl", "version").decode().split(" (")[0].rsplit(" ", 3)[0]

    def run(self, *command: str, data: bytes = b"", **environment: str) -> bytes:
        """What the program writes to standard output."""
        done = subprocess.run(
            command, cwd=self.directory, input=data, capture_output=True, env={**os.environ, **environment}
        )
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.decode()}"
        return done.stdout

    def openssl(self, *arguments: str, data: bytes = b"") -> bytes:
        return self.run("openssl", *arguments, data=data)

    def write(self, name: str, content: bytes) -> str:
        path = self.directory / name
        path.write_bytes(content)
        path.chmod(0o600)
        return name

    def read(self, name: str) -> bytes:
        return (self.directory / name).read_bytes()

    def add_key(self, name: str, spec: str, material: bytes) -> bytes:
        """A key that rows may name; its check value is computed by OpenSSL."""
        if spec == "AES_256":
            mac = ["mac", "-cipher", "AES-256-CBC", "-macopt", f"hexkey:{material.hex()}", "-binary", "CMAC"]
            digest = self.openssl(*mac, data=bytes(16))
        else:
            public = self.openssl("pkey", "-inform", "DER", "-pubout", "-outform", "DER", data=material)
            digest = self.openssl("dgst", "-sha256", "-binary", data=public)
        self.keys[name] = {"spec": spec, "material": encoded(material), "check_value": digest[:5].hex().upper()}
        return material

    def add(
        self,
        name: str,
        content: bytes,
        *,
        spec: str,
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
            "made_by": self.openssl_version if by == "openssl" else by,
            "spec": spec,
            "content": encoded(content),
            "passphrase": passphrase,
            "key": key,
            "refused": refused,
            "says": list(says) or None,
            "browser": browser,
        }
        self.files.append({member: value for member, value in row.items() if value is not None})

    def save(self) -> None:
        """One row a line, so that a change of one shows as one."""
        keys = ",\n".join(f"{json.dumps(name)}: {json.dumps(row)}" for name, row in self.keys.items())
        files = ",\n".join(json.dumps(row, ensure_ascii=False) for row in self.files)
        text = f'{{"keys": {{\n{keys}\n}},\n"files": [\n{files}\n]}}\n'
        assert len(text) < LARGEST_TABLE, len(text)
        TABLE.write_text(text)


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def pem(label: str, der: bytes, *, width: int = 64, line_end: bytes = b"\n") -> bytes:
    body = base64.b64encode(der)
    lines = [body[at : at + width] for at in range(0, len(body), width)]
    return line_end.join([f"-----BEGIN {label}-----".encode(), *lines, f"-----END {label}-----".encode(), b""])


# --- the keys -----------------------------------------------------------------------------------------------------


def keys(table: Table) -> None:
    """Each private key also as a file `<name>.pem`, PKCS#8 in PEM, and `<name>.der`."""
    table.add_key("aes", "AES_256", os.urandom(31) + b"\xe9")  # its last byte is no text, whatever the others are
    for name, spec, arguments in (
        ("rsa", "RSA_2048", ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")),
        ("p256", "EC_P256", ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")),
        ("p384", "EC_P384", ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384")),
    ):
        table.openssl("genpkey", *arguments, "-out", f"{name}.pem")
        der = table.openssl("pkcs8", "-topk8", "-nocrypt", "-in", f"{name}.pem", "-outform", "DER")
        table.write(f"{name}.der", table.add_key(name, spec, der))


PRIVATE_KEYS = {"rsa": "RSA_2048", "p256": "EC_P256", "p384": "EC_P384"}


# --- OpenSSL ------------------------------------------------------------------------------------------------------


def openssl(table: Table) -> None:
    for name, spec in PRIVATE_KEYS.items():
        file = f"{name}.pem"
        old = ["rsa", "-traditional"] if name == "rsa" else ["ec"]
        shape = "PKCS#1" if name == "rsa" else "SEC1"
        kinds = (
            ("PKCS#8", ["pkcs8", "-topk8", "-nocrypt", "-in", file]),
            (shape, [*old, "-in", file]),
        )
        for kind, command in kinds:
            for armour in ("PEM", "DER"):
                content = table.openssl(*command, "-outform", armour)
                table.add(f"{spec} as {kind} in {armour}", content, spec=spec, by="openssl", key=name)
    for name, spec in (("rsa", "RSA_2048"), ("p256", "EC_P256")):
        encrypted = ["pkcs8", "-topk8", "-in", f"{name}.pem", "-passout", f"pass:{PASSPHRASE}"]
        for armour in ("PEM", "DER"):
            table.add(
                f"{spec} as encrypted PKCS#8 in {armour}",
                table.openssl(*encrypted, "-outform", armour),
                spec=spec, by="openssl", key=name, passphrase=PASSPHRASE,
            )  # fmt: skip
    table.add(
        "encrypted PKCS#8 and another passphrase",
        table.openssl("pkcs8", "-topk8", "-in", "p256.pem", "-passout", "pass:another"),
        spec="EC_P256", by="openssl", refused="passphrase-wrong", passphrase=PASSPHRASE,
    )  # fmt: skip


# --- 32 bytes -----------------------------------------------------------------------------------------------------


def secrets(table: Table) -> None:
    raw = base64.b64decode(table.keys["aes"]["material"])
    base64_text = base64.b64encode(raw)
    for name, content in (
        ("32 raw bytes", raw),
        ("64 hex digits", raw.hex().encode()),
        ("64 hex digits and a line end", raw.hex().encode() + b"\n"),
        ("44 characters of Base64", base64_text),
        ("44 characters of Base64 and a line end", base64_text + b"\r\n"),
    ):
        table.add(name, content, spec="AES_256", key="aes")
    table.add("32 raw bytes and a line end", raw + b"\n", spec="AES_256", refused="line-end", says=["head -c 32"])


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        table = Table(Path(directory))
        for add_rows in (keys, openssl, secrets):
            add_rows(table)
        table.save()
    print(f"{len(table.files)} files, {TABLE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
