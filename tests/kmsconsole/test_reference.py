"""docs/reference says what the code declares."""

from __future__ import annotations

import pytest

from kmsconsole import reference
from kmsconsole.urls import OPERATIONS
from operations.errors import CATALOGUE
from tests.services.product import ROOT

PAGES = reference.pages()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_fresh(name):
    assert (ROOT / "docs/reference" / name).read_text() == PAGES[name], "run: make docs"


def test_every_operation_and_every_error_has_its_place():
    assert all(f"## {operation.name}\n" in PAGES["operations.md"] for operation in OPERATIONS if operation.path)
    assert all(f"| `{code}` |" in PAGES["errors.md"] for code in CATALOGUE)


def test_every_operation_of_the_api_says_what_it_does_and_what_it_asks_for():
    for operation in OPERATIONS:
        assert operation.summary.endswith("."), operation.name
        assert operation.path is None or operation.action, operation.name
