"""A root key program for the tests, written from docs/operate/root-key.md alone, with a wrap of its own.

Its keys lie in the directory that is its only argument: `current`, and `incoming` while a rotation is under way.
"""

import base64
import hashlib
import json
import os
import sys
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

directory = Path(sys.argv[1])
keys = {
    name: base64.b64decode((directory / name).read_bytes())
    for name in ("current", "incoming")
    if (directory / name).exists()
}
ids = {name: hashlib.sha256(key).hexdigest()[:16] for name, key in keys.items()}
request = json.load(sys.stdin)


def answer():
    if request["op"] == "roots":
        return {"current": ids["current"], "incoming": ids.get("incoming")}
    name = next(name for name, root_id in ids.items() if root_id == request["root_id"])
    data, aad = base64.b64decode(request["data"]), base64.b64decode(request["aad"])
    if request["op"] == "wrap":
        nonce = os.urandom(12)
        return {"data": base64.b64encode(nonce + AESGCM(keys[name]).encrypt(nonce, data, aad)).decode()}
    try:
        return {"data": base64.b64encode(AESGCM(keys[name]).decrypt(data[:12], data[12:], aad)).decode()}
    except (InvalidTag, ValueError):
        return {"refused": True}


json.dump(answer(), sys.stdout)
