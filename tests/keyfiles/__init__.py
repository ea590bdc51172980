"""Key files as tools write them and people keep them, each with its right result: `files.json`, made by `generate.py`.

One table for both readers: `kms-import` in Python, *Wrap in this browser* in JavaScript. How a row reads:

    name        what the file is; the ID of its tests
    made_by     the program that wrote the file, or "hand"
    spec        the key spec of the empty key for which somebody chooses this file
    content     the bytes of the file, Base64
    passphrase  what is typed when the reader asks; without it, the reader must not ask
    key         the name of one of the `keys`: the file holds that key; or
    refused     an identifier from `kmscrypto.key_files.Reason`: the file is refused for this reason
    says        texts that the refusal must contain, such as an OID or the command that mends the file
    browser     where JavaScript in a browser need not do the same: {"refused": …, "says": […], "because": …} in place
                of `key`, `refused` and `says`

Of a key the table has its `spec`, its `material` as the service keeps it (32 bytes, or PKCS#8 DER as OpenSSL writes
it), and its `check_value`; both were computed by OpenSSL, not by the code under test. A reader that normalises
differently passes as long as `kmscrypto.pkcs8` makes the same `material` of what it writes.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("files.json")


@dataclass(frozen=True)
class Key:
    name: str
    spec: str
    material: bytes
    check_value: str


@dataclass(frozen=True)
class KeyFile:
    """One row; exactly one of `key` and `refused` is there."""

    name: str
    made_by: str
    spec: str
    content: bytes
    passphrase: str | None
    key: Key | None
    refused: str
    says: tuple[str, ...]
    browser: dict[str, Any] | None


def key_files() -> list[KeyFile]:
    table = json.loads(TABLE.read_text())
    keys = {name: _key(name, row) for name, row in table["keys"].items()}
    return [
        KeyFile(
            name=row["name"],
            made_by=row["made_by"],
            spec=row["spec"],
            content=base64.b64decode(row["content"], validate=True),
            passphrase=row.get("passphrase"),
            key=keys[row["key"]] if "key" in row else None,
            refused=row.get("refused", ""),
            says=tuple(row.get("says", ())),
            browser=row.get("browser"),
        )
        for row in table["files"]
    ]


def _key(name: str, row: dict[str, str]) -> Key:
    return Key(name, row["spec"], base64.b64decode(row["material"], validate=True), row["check_value"])
