"""The same product as a program sees it: what a browser test needs prepared or proved beside the page."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_der_public_key

from tests.services.product import Console

OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


def oaep(public_der: bytes, plain: bytes, scheme: padding.AsymmetricPadding = OAEP) -> bytes:
    return load_der_public_key(public_der).encrypt(plain, scheme)


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


@dataclass
class Rest:
    """A program signed in as the administrator, or as who is named."""

    console: Console
    user: str | None = None
    password: str | None = None
    project_id: str = field(default="", init=False)
    token: str = field(default="", init=False, repr=False)

    def __post_init__(self) -> None:
        identity = {
            "methods": ["password"],
            "password": {
                "user": {
                    "name": self.user or self.console.user,
                    "password": self.password or self.console.password,
                    "domain": {"name": self.console.account},
                }
            },
        }
        scope = {"project": {"name": "eu-de"}}
        answer = requests.post(
            f"{self.console.url}/v3/auth/tokens", json={"auth": {"identity": identity, "scope": scope}}, timeout=30
        )
        assert answer.status_code == 201, answer.text
        self.token = answer.headers["X-Subject-Token"]
        self.project_id = answer.json()["token"]["project"]["id"]

    def call(self, verb: str, **body) -> dict:
        answer = requests.post(
            f"{self.console.url}/v1.0/{self.project_id}/kms/{verb}",
            json=body,
            headers={"X-Auth-Token": self.token},
            timeout=30,
        )
        return answer.json() if answer.content else {}

    def empty_key(self, alias: str, spec: str = "AES_256", **fields) -> str:
        made = self.call("create-key", key_alias=alias, key_spec=spec, origin="external", **fields)
        return made["key_info"]["key_id"]

    def offer(self, key_id: str) -> dict:
        return self.call("get-parameters-for-import", key_id=key_id, wrapping_algorithm="RSAES_OAEP_SHA_256")

    def import_material(self, key_id: str, material: bytes, **fields) -> dict:
        offer = self.offer(key_id)
        return self.call(
            "import-key-material",
            key_id=key_id,
            import_token=offer["import_token"],
            encrypted_key_material=b64(oaep(base64.b64decode(offer["public_key"]), material)),
            **fields,
        )

    def state(self, key_id: str) -> str:
        """The wire's number: 2 Enabled, 3 Disabled, 4 Pending deletion, 5 Pending import."""
        return self.call("describe-key", key_id=key_id)["key_info"]["key_state"]

    def details(self, key_id: str) -> dict:
        return self.call("describe-key", key_id=key_id)["key_info"]
