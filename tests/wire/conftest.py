"""A client of the running product that knows HTTP and the documentation, and nothing of the code."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass
from functools import cached_property

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.keywrap import aes_key_wrap_with_padding
from cryptography.hazmat.primitives.serialization import load_der_public_key

from tests.operations.stage import alice, bob, lasting_strong_room, mallory, strong_room, the_clock
from tests.services.product import Console, running_console
from tests.wire.huawei import AccessKey

__all__ = ["alice", "bob", "lasting_strong_room", "mallory", "strong_room", "the_clock"]


@dataclass
class Wire:
    """One user's connection: `wire("create-key", {"key_alias": …})` posts and returns the answer."""

    console: Console
    user: str
    password: str

    @cached_property
    def session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        return session

    @cached_property
    def token_answer(self) -> requests.Response:
        user = {"name": self.user, "password": self.password, "domain": {"name": self.console.account}}
        scope = {"project": {"name": "eu-de", "domain": {"name": self.console.account}}}
        auth = {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}
        return self.session.post(f"{self.console.url}/v3/auth/tokens", json={"auth": auth}, timeout=60)

    @property
    def token(self) -> str:
        return self.token_answer.headers["X-Subject-Token"]

    @property
    def project_id(self) -> str:
        return self.token_answer.json()["token"]["project"]["id"]

    @property
    def domain_id(self) -> str:
        return self.token_answer.json()["token"]["project"]["domain"]["id"]

    def url(self, path: str, project_id: str | None = None) -> str:
        return f"{self.console.url}/v1.0/{project_id or self.project_id}/kms/{path}"

    def __call__(self, path: str, body: object = None, *, method: str = "POST", **request) -> requests.Response:
        headers = {"X-Auth-Token": self.token, "Content-Type": "application/json", **request.pop("headers", {})}
        headers = {name: value for name, value in headers.items() if value is not None}
        content = {"json": body} if body is not None else {}
        url = self.url(path, request.pop("project_id", None))
        return self.session.request(method, url, headers=headers, timeout=120, **content, **request)

    def answer(self, path: str, body: object) -> dict:
        """The JSON of a success: every POST under /kms/ answers 200."""
        response = self(path, body)
        assert response.status_code == 200, response.text
        return response.json()

    def new_key(self, **fields) -> str:
        alias = f"wire-{os.urandom(6).hex()}"
        return self.answer("create-key", {"key_alias": alias, **fields})["key_info"]["key_id"]

    def offer(self, key_id: str) -> dict:
        return self.answer("get-parameters-for-import", {"key_id": key_id, "wrapping_algorithm": "RSAES_OAEP_SHA_256"})

    def import_body(self, key_id: str, offer: dict, plaintext: bytes, private_key: bytes | None = None) -> dict:
        """As a program makes it from the documentation. `private_key` (PKCS#8 DER) is wrapped under `plaintext`."""
        body = {
            "key_id": key_id,
            "import_token": offer["import_token"],
            "encrypted_key_material": wrapped(offer, plaintext),
        }
        if private_key is not None:
            body["encrypted_privatekey"] = b64(aes_key_wrap_with_padding(plaintext, private_key))
        return body


def wrapped(offer: dict, plaintext: bytes) -> str:
    public = load_der_public_key(base64.b64decode(offer["public_key"], validate=True))
    oaep = padding.OAEP(mgf=padding.MGF1(SHA256()), algorithm=SHA256(), label=None)
    return b64(public.encrypt(plaintext, oaep))


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def assert_error(response: requests.Response, status: int, code: str) -> None:
    """The documented envelope, with nothing beside it but the extension."""
    assert (response.status_code, response.headers["Content-Type"]) == (status, "application/json"), response.text
    body = response.json()
    assert body.keys() == {"error"}
    assert body["error"].keys() - {"error_fields"} == {"error_code", "error_msg"}
    for fault in body["error"].get("error_fields", ()):
        assert fault.keys() == {"field", "reason"}
        assert all(fault.values()), fault
    assert body["error"]["error_code"] == code, body
    assert body["error"]["error_msg"]


@pytest.fixture(scope="session")
def wire(tmp_path_factory):
    """The administrator of a product that has room for many keys."""
    with running_console(tmp_path_factory.mktemp("wire"), KMS_QUOTA_KEYS="1000") as console:
        yield Wire(console, console.user, console.password)


@pytest.fixture(scope="session")
def access_key(wire) -> dict[str, str]:
    """The administrator's: ak, sk, project_id, region, endpoint. A user has at most two: all tests share this one."""
    return json.loads(wire.console.manage("create_access_key", wire.user, "--format", "json").splitlines()[-1])


@pytest.fixture(scope="session")
def huawei_key(access_key) -> AccessKey:
    """The same for the SDK."""
    return AccessKey(access_key["ak"], access_key["project_id"], access_key["sk"])
