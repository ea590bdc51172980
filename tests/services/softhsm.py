"""A PKCS#11 token in software, of the test session's own."""

from __future__ import annotations

import os
import secrets
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.services.programs import find, missing

PACKAGE = "softhsm2"


@dataclass(frozen=True)
class SoftToken:
    """A token whose user may log in; every test gives its keys a label of their own."""

    library: str
    label: str
    pin: str = field(repr=False)
    directory: Path = Path()

    def settings(self, pin_file: Path, key_label: str) -> dict[str, str]:
        """For a product that keeps its root key here."""
        pin_file.touch(mode=0o600)
        pin_file.write_text(f"{self.pin}\n")
        return {
            "KMS_ROOT_KEY_PROVIDER": "pkcs11",
            "KMS_PKCS11_LIBRARY": self.library,
            "KMS_PKCS11_TOKEN": self.label,
            "KMS_PKCS11_PIN_FILE": str(pin_file),
            "KMS_PKCS11_KEY": key_label,
        }


@pytest.fixture(scope="session")
def soft_token(tmp_path_factory):
    tool = find("softhsm2-util", package=PACKAGE)
    directory = tmp_path_factory.mktemp("softhsm")
    tokens, configuration = directory / "tokens", directory / "softhsm2.conf"
    tokens.mkdir()
    configuration.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
    token = SoftToken(_library(), "kms", secrets.token_hex(8), tokens)
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(configuration)  # the library reads it, in this process and in those it starts
    subprocess.run(
        [tool, "--init-token", "--free", "--label", token.label, "--so-pin", secrets.token_hex(8), "--pin", token.pin],
        check=True,
        capture_output=True,
    )
    yield token
    if before is None:
        del os.environ["SOFTHSM2_CONF"]
    else:
        os.environ["SOFTHSM2_CONF"] = before


def _library() -> str:
    for pattern in ("lib/softhsm/libsofthsm2.so", "lib/*/softhsm/libsofthsm2.so", "lib64/pkcs11/libsofthsm2.so"):
        for path in sorted(Path("/usr").glob(pattern)):
            return str(path)
    return missing(f"libsofthsm2.so is not installed: apt install {PACKAGE}")
