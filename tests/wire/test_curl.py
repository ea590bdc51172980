"""docs/reference/curl.md is typed line by line against a product of its own, and every answer is held against it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.services.product import running_console
from tests.wire.doctests import Reader, lines

pytestmark = pytest.mark.system

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/curl.md"


@pytest.fixture(scope="module")
def console(tmp_path_factory):
    """Nobody else's keys are there: the page tells how many there are."""
    with running_console(tmp_path_factory.mktemp("curl")) as console:
        yield console


def test_every_line_of_the_page_answers_as_it_says(console, curl, openssl, tmp_path):
    reader = Reader(
        tmp_path, ENDPOINT=console.url, ACCOUNT=console.account, KMS_USER=console.user, PASSWORD=console.password
    )
    failures = []

    for line in lines(PAGE.read_text()):
        try:
            reader.type(line)
        except AssertionError as failure:
            failures.append(f"{line.heading}\n{line.shell}{failure}\n")

    assert not failures, "\n".join(failures)
