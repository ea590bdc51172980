"""The shared table of key files (tests/keyfiles) through the command's reader; the browser reads the same table."""

from __future__ import annotations

import base64
import re
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kmscrypto import pkcs8
from kmscrypto.key_files import Reason
from kmscrypto.specs import SPECS
from kmsimport import formats
from kmsimport.faults import Exit, Fault
from tests.keyfiles import key_files
from tests.keyfiles.table import PASSPHRASE, encrypted, pem

FILES = key_files()
KEYS = {file.key for file in FILES if file.key}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_key_file_of_the_table_gives_its_key_or_its_reason(file):
    asked = []

    def ask() -> bytes:
        asked.append(True)
        return (file.passphrase or "").encode()

    try:
        material = formats.read(file.content, ask=ask)
    except Fault as fault:
        assert fault.exit_code == Exit.KEY_FILE
        text = f"{fault.message} {fault.hint}"
        assert fault.reason == file.refused, text
        assert all(part in text for part in file.says), text
    else:
        assert file.key is not None, f"not refused, but read as {material.found}"
        assert material.spec.name == file.key.spec == file.spec
        assert bytes(material.secret) == file.key.material
        assert material.check_value == file.key.check_value
    assert len(asked) == (file.passphrase is not None)


# Refusals whose command needs nothing but openssl and the base system.
_COMMAND = re.compile(r": ((?:openssl|head|iconv|base64|grep) .+)$")
_MENDED = [
    file
    for file in FILES
    if file.refused in {"unsupported-encryption", "explicit-parameters", "encoded-twice", "utf-16", "pvk"}
    or file.refused in {"trailing-bytes", "line-end"}
    if file.name
    not in {"PEM of DER and other octets", "Base64 of 32 bytes and a line end"}  # it asks for a file in DER
]


@pytest.mark.parametrize("file", _MENDED, ids=lambda file: file.name)
def test_the_command_that_a_refusal_names_mends_the_file(file, tmp_path):
    with pytest.raises(Fault) as caught:
        formats.read(file.content, ask=PASSPHRASE.encode)
    command = (
        _COMMAND.search(caught.value.hint)[1].replace("KEY_FILE", "file").replace("| kms-import - ...", "> key.raw")
    )
    if command.startswith("openssl pkcs8"):
        command += f" -passin 'pass:{PASSPHRASE}' -passout 'pass:{PASSPHRASE}'"
    if file.passphrase:
        command += f" -passin 'pass:{PASSPHRASE}'"
    (tmp_path / "file").write_bytes(file.content)

    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True)

    assert done.returncode == 0, done.stderr.decode()
    (mended,) = tmp_path.glob("key.*")
    material = formats.read(mended.read_bytes(), ask=PASSPHRASE.encode)
    assert bytes(material.secret) in {key.material for key in KEYS}


_DER = [key.material for key in KEYS if key.spec.startswith("EC")]


def verdict(content: bytes) -> tuple[object, ...]:
    try:
        material = formats.read(content, ask=PASSPHRASE.encode)
    except Fault as fault:
        return (fault.reason,)
    return material.spec.name, bytes(material.secret)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(_DER), st.data())
def test_a_damaged_key_has_the_same_verdict_in_every_container(der, data):
    # Behind the outer length, by which a wrong passphrase is recognised.
    at = data.draw(st.integers(3, len(der) - 1))
    damaged = der[:at] + bytes((der[at] ^ data.draw(st.integers(1, 255)),)) + der[at + 1 :]

    plain = verdict(damaged)

    assert verdict(pem("PRIVATE KEY", damaged)) == plain
    assert verdict(damaged.hex().encode()) == plain
    assert verdict(base64.b64encode(damaged)) == plain
    assert verdict(encrypted(damaged)) == plain


def test_the_table_has_a_row_for_every_reason():
    assert {file.refused for file in FILES if file.refused} == set(Reason)


def test_the_materials_of_the_table_are_canonical():
    for key in KEYS:
        if key.spec != "AES_256":
            assert pkcs8.read_private_key(key.material, SPECS[key.spec]) == key.material
