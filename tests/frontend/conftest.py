"""Chromium under the console's own policy. Every test fails on a script error, a policy violation or a missing file."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.frontend.site import Site, serve


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/frontend" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    server = serve(site)
    yield site
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def modules(browser: Browser) -> Iterator[Page]:
    """A blank page from which the pure modules can be imported, shared because they keep nothing."""
    site = Site()
    server = serve(site)
    page = browser.new_page()
    page.goto(site.page("/", "<!doctype html><title>modules</title><link rel=icon href=/static/icons/favicon.svg>"))
    yield page
    page.close()
    server.shutdown()
    server.server_close()


@pytest.fixture
def expected_errors() -> list[str]:
    """Parts of console errors a test provokes on purpose, such as the browser's own line about a 422."""
    return []


@pytest.fixture
def page(browser: Browser, expected_errors: list[str]) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, timezone_id="Europe/Berlin", locale="en-GB")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.set_default_timeout(20_000)  # a busy machine is no fault
    expect.set_options(timeout=20_000)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    yield page
    context.close()
    assert [line for line in complaints if not any(part in line for part in expected_errors)] == []
