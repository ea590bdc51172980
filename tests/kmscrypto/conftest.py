"""The real `openssl` program, for cross checks."""

import os
import shutil
import subprocess

import pytest


@pytest.fixture
def openssl(tmp_path):
    """Runs openssl in a directory of its own; `run.at(name)` is a file there, `run(…)` returns what it prints."""
    program = shutil.which("openssl")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("openssl is not installed; install the package openssl")
        pytest.skip("openssl is not installed; the package openssl brings it")

    def run(*arguments, data=None):
        done = subprocess.run([program, *arguments], cwd=tmp_path, input=data, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    run.at = lambda name: tmp_path / name
    return run
