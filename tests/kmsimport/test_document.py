"""What docs/use/kms-import.md and --help say is so."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from kmscrypto.key_files import Reason
from kmsimport import arguments
from kmsimport.faults import Exit
from kmsimport.formats import Format
from tests.services.product import ROOT

DOCUMENT = (ROOT / "docs/use/kms-import.md").read_text()
IMPORT = (ROOT / "docs/use/import.md").read_text()


def test_the_exit_codes_are_documented():
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", DOCUMENT, re.MULTILINE)}
    told = {int(code) for code in re.findall(r"\b(\d+) [a-z]", arguments._EPILOG.partition("Exit codes:")[2])}

    assert documented == told == set(Exit)


def test_the_options_that_the_document_names_exist():
    options = {option for action in arguments.parser()._actions for option in action.option_strings}

    # pip's own, and ssh's and openssl's have one dash.
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", DOCUMENT)) - {"--no-deps"} <= options


def test_the_formats_are_documented():
    assert f"--format {'|'.join(Format)}" in DOCUMENT


def test_the_reasons_for_refusing_a_key_file_are_documented():
    (section,) = re.findall(r"### Files that are refused\n(.*?)\n## ", DOCUMENT, re.DOTALL)
    reasons = [reason for row in re.findall(r"^\| (`.+?) \|", section, re.MULTILINE) for reason in row.split(", ")]

    assert sorted(reasons) == sorted(f"`{reason}`" for reason in Reason)


def test_the_variables_that_the_document_names_are_read():
    read = set(re.findall(r'"((?:OS|HUAWEICLOUD)_\w+)"', (ROOT / "kmsimport/settings.py").read_text())) | {"OS_CACERT"}

    named = set(re.findall(r"\b(?:OS|HUAWEICLOUD)_[A-Z_]+\b", DOCUMENT + arguments._EPILOG))
    assert named <= read


@pytest.mark.system
def test_the_walk_without_a_network_works_as_it_is_written(wire, by_password, openssl, tmp_path):
    (before,) = re.findall(r"```sh\n(.*?)\n# 1\. an empty key", IMPORT, re.DOTALL)
    (walk,) = re.findall(r"```sh\n(# with a network.*?)```", DOCUMENT, re.DOTALL)
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "kms-import"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m kmsimport "$@"\n')
    program.chmod(0o755)
    (tmp_path / "key.bin").write_bytes(os.urandom(32))
    environment = {
        **by_password,
        "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "URL": wire.console.url,
        "ACCOUNT": wire.console.account,
        "KMS_USER": wire.user,
        "PASSWORD": wire.password,
    }

    run = subprocess.run(
        ["bash", "-euc", f"{before}\n{walk}"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )

    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[:1] == ["Wrapped. Take the files to the console, or to the API."]
    assert "{}" in run.stdout
    assert run.stdout.splitlines()[-1].startswith("The same: ")
