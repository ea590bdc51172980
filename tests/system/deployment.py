"""A deployment as docker-compose.yml has it, without containers: the same commands and settings, on real servers, with
the packages, the files and the user that the image has.
"""

from __future__ import annotations

import base64
import contextlib
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import psycopg
import requests
import yaml
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from tests.services.image import Image
from tests.services.product import ROOT, clean_environment
from tests.services.programs import free_port, stop, wait_until

SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
HOST = "localhost"
PASSWORD = "deployed horse battery staple 7"


@dataclass
class Deployment:
    image: Image
    directory: Path
    database_url: str = field(repr=False)
    broker_url: str = field(repr=False)
    port: int = field(default_factory=free_port)
    running: dict[str, subprocess.Popen] = field(default_factory=dict)

    def environment(self, service: str) -> dict[str, str]:
        """The service's settings from the compose file, its volumes moved below our directory."""
        settings = {
            name: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value).replace("/secrets/", f"{self.directory}/secrets/")
            for name, value in SERVICES[service]["environment"].items()
        }
        if "KMS_ROOT_KEY_FILE" in settings:
            settings["KMS_ROOT_KEY_FILE"] = str(self.directory / "root/root.key")
        return clean_environment(
            PYTHONDONTWRITEBYTECODE="1",
            **settings
            | {
                "KMS_HOME": str(self.directory / "home"),
                "KMS_PORT": str(self.port),
                "KMS_JOB_INTERVAL": "1",
                "KMS_ADMIN_PASSWORD": PASSWORD,
            },
        )

    def command(self, service: str) -> list[str]:
        program, *arguments = SERVICES[service]["command"]
        moved = [argument.replace("/secrets", f"{self.directory}/secrets") for argument in arguments]
        return [self.image.python, *([] if program == "python" else ["-m", program]), *moved]

    def once(self, service: str) -> str:
        """Run a service that ends by itself; what it printed."""
        done = self.run(service, *self.command(service))
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def run(self, service: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the container of a service, so to speak."""
        return subprocess.run(
            command,
            env=self.environment(service),
            cwd=self.image.code,
            capture_output=True,
            text=True,
            **self.image.identity,
        )

    def manage(self, service: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run(service, self.image.python, "manage.py", *arguments)

    def start(self, service: str) -> None:
        with self.log(service).open("a") as output:
            self.running[service] = subprocess.Popen(
                self.command(service),
                env=self.environment(service),
                cwd=self.image.code,
                stdout=output,
                stderr=output,
                **self.image.identity,
            )

    def stop(self, service: str) -> None:
        stop(self.running.pop(service))

    def log(self, service: str) -> Path:
        return self.directory / f"{service}.log"

    def prepare(self) -> None:
        for name in ("root", "home", "secrets"):
            (self.directory / name).mkdir(mode=0o700)
            self.image.own(self.directory / name)
        self.once("secrets")
        for name, url in (("database-url", self.database_url), ("broker-url", self.broker_url)):
            file = self.directory / "secrets/app" / name
            file.chmod(0o600)
            file.write_text(url)
        self.once("prepare")

    def call(
        self, method: str, path: str, *, token: str = "", body: dict | None = None, headers: dict | None = None
    ) -> requests.Response:
        """A request as our TLS proxy would hand it on."""
        headers = {"Host": HOST, "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7", **(headers or {})}
        if token:
            headers["X-Auth-Token"] = token
        url = f"http://127.0.0.1:{self.port}{path}"
        return requests.request(method, url, headers=headers, json=body, timeout=60, allow_redirects=False)

    def is_ready(self) -> bool:
        with contextlib.suppress(requests.ConnectionError):
            return self.call("GET", "/readyz").status_code == 200
        return False


@contextlib.contextmanager
def deployed(image: Image, *, database_url: str, broker_url: str):
    """Everything prepared; web, worker and beat running until the block ends."""
    # Not below pytest's own directory, which nobody but its user may enter.
    directory = Path(tempfile.mkdtemp(prefix="kms-deployment-"))
    directory.chmod(0o711)
    deployment = Deployment(image, directory, database_url, broker_url)
    try:
        deployment.prepare()
        for service in ("web", "worker", "beat"):
            deployment.start(service)
        wait_until(deployment.is_ready, deployment.running["web"], deployment.log("web"))
        yield deployment
    finally:
        for service in list(deployment.running):
            deployment.stop(service)
        shutil.rmtree(directory)


class Client:
    """An API client of the first administrator."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        user = {"name": "admin", "password": PASSWORD, "domain": {"name": "default-account"}}
        identity = {"methods": ["password"], "password": {"user": user}}
        scope = {"project": {"name": "eu-de"}}
        answer = deployment.call("POST", "/v3/auth/tokens", body={"auth": {"identity": identity, "scope": scope}})
        assert answer.status_code == 201, answer.text
        self.token = answer.headers["X-Subject-Token"]
        self.project_id = answer.json()["token"]["project"]["id"]

    def call(self, operation: str, *, expect: int = 200, **body: object) -> dict:
        path = f"/v1.0/{self.project_id}/kms/{operation}"
        answer = self.deployment.call("POST", path, token=self.token, body=body)
        assert answer.status_code == expect, answer.text
        return answer.json()

    def create_empty_key(self) -> str:
        return self.call("create-key", key_alias=f"imported-{uuid4()}", origin="external")["key_info"]["key_id"]

    def import_material(self, key_id: str, material: bytes, **expiry: int) -> None:
        offer = self.call("get-parameters-for-import", key_id=key_id, wrapping_algorithm="RSAES_OAEP_SHA_256")
        wrapping_key = load_der_public_key(base64.b64decode(offer["public_key"]))
        wrapped = wrapping_key.encrypt(material, padding.OAEP(padding.MGF1(SHA256()), SHA256(), None))
        self.call(
            "import-key-material",
            key_id=key_id,
            import_token=offer["import_token"],
            encrypted_key_material=base64.b64encode(wrapped).decode(),
            **expiry,
        )

    def state(self, key_id: str) -> str:
        return self.call("describe-key", key_id=key_id)["key_info"]["key_state"]


def rows(deployment: Deployment, query: str, *values: object) -> list[tuple]:
    with psycopg.connect(deployment.database_url) as connection:
        return connection.execute(query, values).fetchall()


def eventually(condition, *, seconds: float = 40):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.2)
    return found
