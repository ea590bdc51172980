"""The product, really started, on a database of a given size; and a client that signs in to it."""

from __future__ import annotations

import http.client
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, ProxyHandler, build_opener

from kmsimport.access_keys import AccessKey
from kmsimport.connection import Request

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = secrets.token_urlsafe(18)


class Product:
    """One started server. Every thread has a connection of its own."""

    def __init__(self, port: int, environment: dict[str, str]) -> None:
        self.port = port
        self.pid = 0
        self.environment = environment
        self.token = ""
        self.project_id = ""
        self._local = threading.local()

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, str], Any]:
        # Kept open within a burst; the server closes what has been idle for long.
        connection, used_at = getattr(self._local, "connection", (None, 0.0))
        if connection is None or time.monotonic() - used_at > 1:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        self._local.connection = connection, time.monotonic()
        headers = {"Content-Type": "application/json", "X-Auth-Token": self.token}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        response = connection.getresponse()
        text = response.read()
        return response.status, dict(response.headers), json.loads(text) if text.strip() else None

    def kms(self, operation: str, body: Any) -> Any:
        """The answer of an operation; RuntimeError unless it is 200."""
        status, _headers, answer = self.call("POST", self.path(operation), body)
        if status != 200:
            raise RuntimeError(f"{operation}: {status} {answer}")
        return answer

    def path(self, operation: str) -> str:
        return f"/v1.0/{self.project_id}/kms/{operation}"

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def sign_in(self) -> None:
        user = {"name": "admin", "password": PASSWORD, "domain": {"name": "default-account"}}
        identity = {"methods": ["password"], "password": {"user": user}}
        scope = {"project": {"name": "eu-de", "domain": {"name": "default-account"}}}
        status, headers, answer = self.call("POST", "/v3/auth/tokens", {"auth": {"identity": identity, "scope": scope}})
        if status != 201:
            raise RuntimeError(f"sign-in: {status} {answer}")
        self.token = next(value for name, value in headers.items() if name.lower() == "x-subject-token")
        self.project_id = answer["token"]["project"]["id"]

    def with_token(self, _body: str) -> dict[str, str]:
        return {"Content-Type": "application/json", "X-Auth-Token": self.token}

    @cached_property
    def access_key(self) -> AccessKey:
        made = json.loads(self.manage("create_access_key", "admin", "--format", "json"))
        return AccessKey(made["ak"], made["sk"], project_id=self.project_id)

    def signed(self, path: str, body: str) -> Mapping[str, str]:
        content = {"Content-Type": "application/json"}
        return self.access_key.headers_for(Request("POST", self.url(path), body.encode(), content))

    def console_session(self) -> dict[str, str]:
        """The headers of a browser in which the administrator is signed in."""
        jar = CookieJar()
        browser = build_opener(ProxyHandler({}), HTTPCookieProcessor(jar))
        page = browser.open(self.url("/console/login"), timeout=60).read().decode()
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token is not None
        fields = {"account": "default-account", "name": "admin", "password": PASSWORD}
        form = urlencode({**fields, "csrfmiddlewaretoken": token[1]}).encode()
        browser.open(self.url("/console/login"), form, timeout=60)
        return {"Cookie": "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)}

    def memory(self) -> float:
        """Of all its processes, in MiB, what several share counted once (PSS)."""
        return sum(map(_proportional, _family(self.pid))) / 1024

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        run = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=True)
        return run.stdout


def _family(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from _family(int(child))


def _proportional(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


@contextmanager
def started(**settings: str) -> Iterator[Product]:
    """A fresh installation in a temporary folder, as its users run it but for its quota and limits."""
    with tempfile.TemporaryDirectory() as home, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
            "KMS_HOME": home,
            "PORT": str(port),
            "KMS_ADMIN_PASSWORD": PASSWORD,
            "KMS_QUOTA_KEYS": "10000000",
            "KMS_CALLS_PER_SECOND": "1000000",
            **settings,
        }
        product = Product(port, environment)
        with Path(home, "serve.log").open("w") as log:
            server = subprocess.Popen(
                [sys.executable, "manage.py", "serve"], cwd=ROOT, env=environment, stdout=log, stderr=log
            )
            product.pid = server.pid
            try:
                _wait(product, server)
                product.sign_in()
                yield product
            finally:
                server.terminate()
                server.wait(timeout=30)


def _wait(product: Product, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and server.poll() is None:
        try:
            if product.call("GET", "/readyz")[0] == 200:
                return
        except OSError:
            product._local = threading.local()
        time.sleep(0.2)
    raise RuntimeError("the product did not start")
