"""The cloud's own Python SDK, unmodified, pointed at the running product."""

from __future__ import annotations

import inspect
import json
import os
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkkms.v2 import KmsClient, model

from tests.services.product import Console


@dataclass(frozen=True)
class AccessKey:
    ak: str
    project_id: str
    sk: str = field(repr=False)


def an_access_key(console: Console, user: str = "") -> AccessKey:
    """A new one, made as an operator makes it."""
    told = json.loads(console.manage("create_access_key", user or console.user, "--format", "json"))
    return AccessKey(told["ak"], told["project_id"], told["sk"])


def client_of(console: Console, key: AccessKey, project_id: str | None = None) -> KmsClient:
    credentials = BasicCredentials(key.ak, key.sk, project_id or key.project_id)
    return KmsClient.new_builder().with_credentials(credentials).with_endpoint(console.url).build()


@dataclass
class Sdk:
    """`sdk("create_key", key_alias="a")`: the method's request is built of its own classes. Remembers what succeeded.

    `headers` go with every request, for signing in by token.
    """

    client: KmsClient
    headers: dict[str, str] = field(default_factory=dict)
    called: set[str] = field(default_factory=set)

    def __call__(self, method: str, **members: Any) -> Any:
        request = _request(method, members)
        if self.headers:
            invoker = getattr(self.client, f"{method}_invoker")(request)
            for name, value in self.headers.items():
                invoker.add_header(name, value)
            answer = invoker.invoke()
        else:
            answer = getattr(self.client, method)(request)
        self.called.add(method)
        return answer

    def new_key(self, **members: Any) -> str:
        return self("create_key", key_alias=unique(), **members).key_info.key_id

    @cached_property
    def key(self) -> str:
        """One symmetric key for all who only use it."""
        return self.new_key()


def unique() -> str:
    return f"sdk-{os.urandom(6).hex()}"


def methods() -> set[str]:
    """Every method of the SDK's client that calls the service."""
    return {
        name.removesuffix("_invoker")
        for name, _function in inspect.getmembers(KmsClient, inspect.isfunction)
        if name.endswith("_invoker")
    }


def request_type_of(method: str) -> type:
    return getattr(model, f"{''.join(part.title() for part in method.split('_'))}Request")


def _request(method: str, members: dict[str, Any]) -> Any:
    request_type = request_type_of(method)
    body_type = getattr(model, request_type.openapi_types.get("body", ""), None)
    if body_type is None:
        return request_type(**members)
    own = {name: members.pop(name) for name in list(members) if name in request_type.openapi_types}
    return request_type(**own, body=body_type(**members))
