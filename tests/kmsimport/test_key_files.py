"""The shared table of key files (tests/keyfiles) through the command's reader; the browser reads the same table."""

from __future__ import annotations

import pytest

from kmscrypto import pkcs8
from kmscrypto.key_files import Reason
from kmscrypto.specs import SPECS
from kmsimport import formats
from kmsimport.faults import Exit, Fault
from tests.keyfiles import key_files

FILES = key_files()


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


def test_the_table_has_a_row_for_every_reason():
    assert {file.refused for file in FILES if file.refused} == set(Reason)


def test_the_materials_of_the_table_are_canonical():
    for key in {file.key for file in FILES if file.key}:
        if key.spec != "AES_256":
            assert pkcs8.read_private_key(key.material, SPECS[key.spec]) == key.material
