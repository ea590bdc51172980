"""One Chromium for the browser tests of a file.

Playwright keeps an event loop running in the thread of the tests, and beside one Django refuses its database: a browser
that lived longer would fail whatever test file the same process runs next.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield running
        running.close()
