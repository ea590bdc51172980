"""The command needs no Django, installs as a program, and leaves neither files nor secrets in sight."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from imports import openssl as pages
from kmscrypto.specs import SPECS
from kmsimport import airgap
from kmsimport.faults import Exit
from kmsimport.formats import Material
from tests.services.product import ROOT

WITHOUT_DJANGO = """
import sys
sys.modules["django"] = sys.modules["rest_framework"] = sys.modules["celery"] = None
from kmsimport.command import main
sys.exit(main())
"""


def test_it_runs_where_no_django_is(wire, by_password, tmp_path):
    key = tmp_path / "key"
    key.write_bytes(os.urandom(32))
    arguments = [key, "--create", f"bare-{os.urandom(5).hex()}", "--json"]

    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_DJANGO, *arguments],
        env={"PYTHONPATH": str(ROOT), **by_password},
        capture_output=True,
        text=True,
    )

    assert run.returncode == Exit.DONE, run.stderr


def test_pip_installs_a_program_that_works(tmp_path):
    source, target = tmp_path / "source", tmp_path / "installed"
    for package in ("kmscrypto", "kmsimport"):
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    (source / "kmsconsole").mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "kmsconsole/__init__.py"):
        shutil.copy(ROOT / name, source / name)
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", target]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, source], check=True, cwd=tmp_path)

    # Only what was installed, and `cryptography` from this environment.
    packages = [str(target), sysconfig.get_path("platlib"), sysconfig.get_path("purelib")]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(packages)}
    run = subprocess.run(
        [target / "bin" / "kms-import", "--help"], env=environment, cwd=tmp_path, capture_output=True, text=True
    )

    assert run.returncode == 0, run.stderr
    assert "KEY_FILE" in run.stdout
    assert not (target / "django").exists()
    assert sorted(path.name for path in target.iterdir() if (path / "__init__.py").exists()) == [
        "kmscrypto",
        "kmsimport",
    ]


def test_the_files_bear_the_names_that_the_consoles_pages_use():
    assert airgap.WRAPPED_MATERIAL == pages.WRAPPED_MATERIAL
    for name in ("RSA_2048", "EC_P256"):
        material = Material(SPECS[name], "", bytearray())
        assert airgap.wrapped_private_key_file(material) == pages.wrapped_private_key_file(SPECS[name])


def test_nothing_is_written_where_the_command_runs(program, tmp_path):
    """In an empty directory that is home, temporary directory and where it stands."""
    directory = tmp_path / "empty"
    directory.mkdir()
    places = {name: str(directory) for name in ("HOME", "TMPDIR", "TEMP", "TMP", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")}

    run = program(
        "-", "--create", f"clean-{os.urandom(5).hex()}", data=os.urandom(32), environment=places, cwd=directory
    )

    assert run.code == Exit.DONE, run.err
    assert list(Path(directory).iterdir()) == []
