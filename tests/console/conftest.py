"""The really started product in Chromium. A test fails on a script error, a breach of the policy, and any request that
leaves the host."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.console.rest import Rest
from tests.services.product import Console

WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/console" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


def sign_in(page: Page, console: Console, *, user: str | None = None, password: str | None = None) -> None:
    page.goto(f"{console.url}/console/login")
    page.locator("[name=account]").fill(console.account)
    page.locator("[name=name]").fill(user or console.user)
    page.locator("[name=password]").fill(password or console.password)
    page.get_by_role("button", name="Log In").click()
    page.wait_for_url("**/console/kms/keys*")


@pytest.fixture
def expected_errors() -> list[str]:
    """Parts of console errors that a test provokes on purpose, such as the browser's own line about a 422."""
    return []


@pytest.fixture
def watched(browser: Browser, expected_errors: list[str]) -> Iterator[Callable[..., BrowserContext]]:
    """Opens browser contexts of this test and listens to what their pages complain about."""
    complaints: list[str] = []
    opened: list[BrowserContext] = []

    def listen(page: Page) -> None:
        page.set_default_timeout(20_000)  # a busy machine is no fault
        expect.set_options(timeout=20_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)

    def open_context(console: Console, **options) -> BrowserContext:
        options = {"viewport": WIDE, "timezone_id": "Europe/Berlin", "locale": "en-GB"} | options
        context = browser.new_context(**options)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        context.on("page", listen)

        def note_stranger(request) -> None:
            if not request.url.startswith((console.url, "blob:", "data:")):
                complaints.append(f"left the host: {request.url}")

        context.on("request", note_stranger)
        opened.append(context)
        return context

    yield open_context
    for context in opened:
        context.close()
    assert [line for line in complaints if not any(part in line for part in expected_errors)] == []


@contextmanager
def _signed_in_state(browser: Browser, console: Console) -> Iterator[dict]:
    context = browser.new_context()
    sign_in(context.new_page(), console)
    yield context.storage_state()
    context.close()


@pytest.fixture(scope="module")
def admin_state(browser: Browser, console_server: Console) -> Iterator[dict]:
    """The administrator's cookies, so that not every test types the password."""
    with _signed_in_state(browser, console_server) as state:
        yield state


@pytest.fixture
def page(watched, console_server: Console, admin_state: dict) -> Page:
    """A page of the administrator, signed in; nothing is opened yet."""
    return watched(console_server, storage_state=admin_state).new_page()


@pytest.fixture(scope="session")
def rest(console_server: Console) -> Rest:
    """A program that is signed in as the administrator."""
    return Rest(console_server)
