"""A wrapping key of the wizard lives until its wizard is closed, or 24 hours; and whoever meets a dead one learns which
one it was and why it ended."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.test import Client
from django.urls import reverse

from imports import tasks
from imports.api import IMPORT_KEY_MATERIAL, REVOKE_IMPORT_OFFER
from imports.models import MAX_FAILED_UNWRAPS, Revocation, WrappingKey
from keys.models import Key
from operations import errors
from operations.caller import Kind
from operations.perform import perform
from tests import factories
from tests.operations import stage
from tests.operations.stage import refused

pytestmark = pytest.mark.django_db
JSON = {"HTTP_ACCEPT": "application/json"}


@pytest.fixture
def person(alice):
    """Alice at the console."""
    return replace(alice, kind=Kind.CONSOLE)


@pytest.fixture
def key(alice, the_clock) -> Key:
    return stage.an_empty_key(alice)


@pytest.fixture
def offer(person, key) -> dict:
    return stage.an_offer(person, key)


@pytest.fixture
def row(offer) -> WrappingKey:
    return WrappingKey.objects.get()


@pytest.fixture
def browser(client, alice):
    return factories.sign_in(client, factories.alice())


def url(name: str, key: Key, *more) -> str:
    return reverse(f"imports:{name}", args=[key.key_id, *more])


def fields(row: WrappingKey) -> dict[str, str]:
    return {"way": "download", "offer_id": str(row.pk)}


def test_it_lives_24_hours_whether_or_not_anything_is_heard_of_its_page(person, key, offer, row, the_clock):
    the_clock.advance(hours=24, seconds=-1)

    assert tasks.expire_wrapping_keys() == 0
    perform(IMPORT_KEY_MATERIAL, person, stage.a_request(key, offer))

    assert stage.state_of(person, key) == "2"


def test_it_ends_after_24_hours_to_the_second_though_no_job_has_run(person, key, offer, row, the_clock):
    the_clock.advance(hours=24)

    with refused(errors.IMPORT_TOKEN_EXPIRED, hint="is older than 24 hours"):
        perform(IMPORT_KEY_MATERIAL, person, stage.a_request(key, offer))

    assert WrappingKey.objects.get().private_sealed is not None


def test_a_console_session_that_ends_does_not_end_it(client, key, offer, row, the_clock):
    browser = factories.sign_in(client, factories.alice())
    material = {"encrypted_key_material": stage.wrap(offer, bytes(range(32)))}
    the_clock.advance(hours=9)
    assert browser.post(url("finish", key), fields(row) | material, **JSON).status_code == 401

    factories.sign_in(browser, factories.alice())

    assert browser.post(url("finish", key), fields(row) | material, **JSON).json()["ok"] is True


def test_logging_out_does_not_end_it(browser, key, row):
    browser.post(reverse("iam:logout"))

    row.refresh_from_db()
    assert row.is_live()


# --- closing ------------------------------------------------------------------------------------------------------


def test_closing_ends_it_at_once_and_says_so_afterwards(browser, key, row):
    assert browser.post(url("revoke", key), fields(row)).status_code == 204

    row.refresh_from_db()
    assert (row.private_sealed, row.revocation) == (None, Revocation.CLOSED)


def test_closing_wants_the_csrf_token(key, row):
    strict = factories.sign_in(Client(enforce_csrf_checks=True), factories.alice())

    assert strict.post(url("revoke", key), fields(row)).status_code == 403

    row.refresh_from_db()
    assert row.is_live()


# --- which one is dead, and why -----------------------------------------------------------------------------------


def use(person, key, offer):
    perform(IMPORT_KEY_MATERIAL, person, stage.a_request(key, offer))
    stage.delete_material(person, key)


def close(person, key, offer):
    perform(REVOKE_IMPORT_OFFER, person, {"key_id": key.key_id, "offer_id": str(WrappingKey.objects.get().pk)})


def fail_too_often(person, key, offer):
    WrappingKey.objects.update(failed_unwraps=MAX_FAILED_UNWRAPS)


ENDS = {
    "was used by an import": use,
    "ended when its wizard was closed, left or reloaded": close,
    "was replaced by a newer one for the same key": stage.an_offer,
    "ended after 200 failed imports": fail_too_often,
}


@pytest.mark.parametrize("reason", ENDS)
@pytest.mark.parametrize("name", ["check", "finish", "wrapping_key", "import_material"])
def test_every_page_says_which_wrapping_key_is_dead_and_why(browser, person, key, offer, row, the_clock, reason, name):
    made = the_clock.at.strftime("%Y-%m-%d %H:%M:%S GMT+00:00")
    arguments = (person, key) if ENDS[reason] is stage.an_offer else (person, key, offer)
    ENDS[reason](*arguments)
    material = {"encrypted_key_material": stage.b64(bytes(256))}
    requested = {
        "check": lambda: browser.post(url("check", key), fields(row) | material, **JSON),
        "finish": lambda: browser.post(url("finish", key), fields(row) | material, **JSON),
        "wrapping_key": lambda: browser.get(url("wrapping_key", key, row.pk)),
        "import_material": lambda: browser.get(url("import_material", key), {"offer": str(row.pk)}),
    }

    response = requested[name]()

    text = response.json()["errors"][0]["hint"] if response["Content-Type"] == "application/json" else response.text
    assert f"The wrapping key obtained at {made} (SHA-256 {row.fingerprint}) {reason}." in text
    assert "data-holds-token" not in text


def test_a_program_learns_it_too(alice, key):
    first = stage.an_offer(alice, key)
    fingerprint = WrappingKey.objects.get().fingerprint
    for _ in range(10):
        stage.an_offer(alice, key)

    with refused(errors.IMPORT_TOKEN_EXPIRED, hint=f"(SHA-256 {fingerprint}) was replaced by a newer one"):
        perform(IMPORT_KEY_MATERIAL, alice, stage.a_request(key, first))


def test_a_stranger_learns_nothing_of_it(client, mallory, key, row):
    carol = factories.user("carol", policies=("KMS Administrator",))
    for stranger, status in ((carol, 422), (factories.mallory(), 404)):
        browser = factories.sign_in(client, stranger)
        response = browser.post(url("check", key), fields(row), **JSON)
        assert response.status_code == status
        assert row.fingerprint not in response.text
