"""What a missing program does to the tests that need it."""

from __future__ import annotations

import pytest

from tests.services import programs


def test_an_installed_program_is_found():
    assert programs.find("sh", package="dash").endswith("/sh")


def test_a_missing_one_skips_with_one_line_that_names_its_package(monkeypatch):
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match=r"^no-such-program is not installed: apt install no-such-package$"):
        programs.find("no-such-program", package="no-such-package")


def test_a_missing_one_fails_in_continuous_integration(monkeypatch):
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception, match="apt install no-such-package"):
        programs.find("no-such-program", package="no-such-package")
