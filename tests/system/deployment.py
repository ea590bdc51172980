"""A deployment as docker-compose.yml has it, without containers: the same commands and settings, on real servers, with
the packages, the files and the user that the image has.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import requests
import yaml

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
                "KMS_JOB_INTERVAL": "2",
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

    def call(self, method: str, path: str, *, token: str = "", body: dict | None = None) -> requests.Response:
        """A request as our TLS proxy would hand it on."""
        headers = {"Host": HOST, "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}
        if token:
            headers["X-Auth-Token"] = token
        url = f"http://127.0.0.1:{self.port}{path}"
        return requests.request(method, url, headers=headers, json=body, timeout=20)

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
