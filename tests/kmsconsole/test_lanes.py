"""What takes long has threads of its own, so that it holds up nothing else."""

from __future__ import annotations

import asyncio
import re
import threading
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse

from imports.api import IMPORT_KEY_MATERIAL
from keys.api.datakeypairs import CREATE_RSA_DATAKEY_PAIR
from keys.services import creation
from kmsconsole.lanes import IMPORTS, KEYS, LANES, OTHERS, PASSWORDS, Lane, Threads, lane_of
from kmsconsole.urls import OPERATIONS
from operations import errors
from operations.errors import KmsError

PROJECT = "0123456789abcdef0123456789abcdef"
KEY = "43f1ffd7-18fb-4568-9575-602e009b7ee8"


def its_lane(operation):
    if operation is IMPORT_KEY_MATERIAL:
        return IMPORTS
    return KEYS if operation.prepare is not None or operation is CREATE_RSA_DATAKEY_PAIR else OTHERS


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.path], ids=lambda each: each.name)
def test_every_operation_that_makes_or_proves_an_rsa_key_is_in_a_lane_of_its_kind_and_no_other_is(operation):
    assert lane_of(operation.method, f"/v1.0/{PROJECT}/{operation.path}") is its_lane(operation)


def test_there_are_operations_that_make_rsa_keys():
    assert [its_lane(each) for each in OPERATIONS].count(KEYS) == 3
    assert creation.make_material in [each.prepare for each in OPERATIONS]


@pytest.mark.parametrize(
    ("path", "lane"),
    [
        (reverse("keys:create"), KEYS),
        (reverse("imports:download", args=[KEY]), KEYS),
        (reverse("iam:login"), PASSWORDS),
        (reverse("iam:password"), PASSWORDS),
        (reverse("iam:create_access_key"), PASSWORDS),
        ("/v3/auth/tokens", PASSWORDS),
        (reverse("imports:finish", args=[KEY]), IMPORTS),
        (reverse("imports:check", args=[KEY]), OTHERS),
        (reverse("iam:logout"), OTHERS),
        ("/v3/auth/tokens\n", OTHERS),
        ("/\n", OTHERS),
    ],
)
def test_pages_have_their_lanes_too(path, lane):
    assert lane_of("POST", path) is lane


@pytest.mark.parametrize("path", [reverse("keys:create"), reverse("iam:login"), "/v3/auth/tokens", "/healthz"])
def test_what_is_only_looked_at_takes_no_time(path):
    assert lane_of("GET", path) is OTHERS


# --- what waits for a thread --------------------------------------------------------------------------------------


async def outcome(work):
    try:
        return await work
    except KmsError as error:
        return error


@pytest.mark.parametrize(
    ("most_waiting", "longest_seconds"), [(1, 3600), (9, 0.2)], ids=["too many wait", "waited for too long"]
)
def test_what_would_wait_without_end_for_a_thread_is_refused(most_waiting, longest_seconds):
    async def run():
        threads = Threads(Lane("test", 1, re.compile(""), most_waiting, longest_seconds))
        holding, let_go = threading.Event(), threading.Event()

        def hold():
            holding.set()
            return let_go.wait(60)

        first = asyncio.ensure_future(threads.run(hold))
        await asyncio.to_thread(holding.wait, 60)
        others = [asyncio.ensure_future(outcome(threads.run(lambda: True))) for _ in range(2)]
        await asyncio.wait(others, return_when=asyncio.FIRST_COMPLETED)
        let_go.set()
        answers = [await other for other in others]
        assert await first
        assert await threads.run(lambda: "served again") == "served again"
        threads.shutdown()
        return answers

    refused = [answer for answer in asyncio.run(run()) if answer is not True]

    assert refused
    assert all(error.code is errors.UNAVAILABLE and error.retry_after > 0 for error in refused)


def test_the_documentation_says_how_many_connections_a_web_process_keeps():
    text = Path(settings.BASE_DIR, "docs/operate/install.md").read_text()

    assert f"up to {sum(lane.threads for lane in LANES) + 1} connections to PostgreSQL" in text
