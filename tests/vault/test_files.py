"""Files written in one step: whatever kills the writer, a reader finds the old content or the new one."""

from __future__ import annotations

import stat
import subprocess
import sys

import pytest

from tests.services.product import ROOT
from vault import files

STEPS = ["os.open", "os.write", "os.fchmod", "os.fsync", "os.close", "Path.replace", "files.sync"]

KILLED = """
import os, sys
from pathlib import Path
from vault import files
step, path, replace = sys.argv[1], Path(sys.argv[2]), sys.argv[3] == "replace"
owner, name = step.split(".")
owner = {"os": os, "Path": Path, "files": files}[owner]
setattr(owner, name, lambda *args, **options: os._exit(9))
files.write(path, b"new" * 1000, replace=replace)
"""


def test_a_file_is_written_with_its_mode(tmp_path):
    files.write(tmp_path / "file", b"content")

    assert (tmp_path / "file").read_bytes() == b"content"
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_file_that_is_there_is_replaced_only_if_it_may_be(tmp_path):
    (tmp_path / "file").write_bytes(b"old")

    with pytest.raises(FileExistsError):
        files.write(tmp_path / "file", b"new", replace=False)
    assert (tmp_path / "file").read_bytes() == b"old"
    files.write(tmp_path / "file", b"new", mode=0o400)

    assert (tmp_path / "file").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o400
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_any_step_leaves_the_old_file_or_the_new_one(tmp_path, step):
    file = tmp_path / "file"
    file.write_bytes(b"old")

    killed = subprocess.run([sys.executable, "-c", KILLED, step, file, "replace"], cwd=ROOT, check=False)

    assert killed.returncode == 9
    assert file.read_bytes() == (b"new" * 1000 if step == "files.sync" else b"old")
    files.write(file, b"again")
    assert file.read_bytes() == b"again"


@pytest.mark.parametrize("step", ["os.write", "os.link", "files.sync"])
def test_a_kill_while_a_first_file_is_written_leaves_none_or_all_of_it(tmp_path, step):
    file = tmp_path / "file"

    killed = subprocess.run([sys.executable, "-c", KILLED, step, file, "never"], cwd=ROOT, check=False)

    assert killed.returncode == 9
    assert file.exists() is (step == "files.sync")
    assert not file.exists() or file.read_bytes() == b"new" * 1000


def test_a_write_that_fails_leaves_what_was_there_and_nothing_beside_it(tmp_path, monkeypatch):
    def full(descriptor, data):
        raise OSError(28, "No space left on device")

    (tmp_path / "file").write_bytes(b"old")
    monkeypatch.setattr(files.os, "write", full)

    with pytest.raises(OSError, match="No space"):
        files.write(tmp_path / "file", b"new")

    assert (tmp_path / "file").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
