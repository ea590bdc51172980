"""An offer of the wizard lives while its page is heard of: 30 minutes of silence end it, whether or not a job runs."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from iam.models import ConsoleSession
from imports import tasks
from imports.api import EXPIRE_WRAPPING_KEY, IMPORT_KEY_MATERIAL
from imports.models import Carrier, WrappingKey
from imports.services import parameters
from keys.models import Key
from operations import errors
from operations.caller import Kind, system
from operations.models import Trace
from operations.perform import perform
from tests import factories
from tests.operations import stage
from tests.operations.stage import refused

pytestmark = pytest.mark.django_db
JSON = {"HTTP_ACCEPT": "application/json"}
SILENCE = "The service heard nothing of this wizard for 30 minutes"


@pytest.fixture
def key(alice, the_clock) -> Key:
    return stage.an_empty_key(alice)


@pytest.fixture
def offered(alice, key) -> WrappingKey:
    """The row of an offer of Alice's wizard, just made."""
    stage.an_offer(replace(alice, kind=Kind.CONSOLE), key)
    return WrappingKey.objects.select_related("key__project").get()


@pytest.fixture
def browser(client, alice, the_clock):
    """Alice's, signed in by the clock that stands still."""
    return factories.sign_in(client, factories.alice())


def url(name: str, key: Key, *more) -> str:
    return reverse(f"imports:{name}", args=[key.key_id, *more])


def fields(row: WrappingKey) -> dict[str, str]:
    return {"way": "download", "offer_id": str(row.pk)}


def contact(browser, row: WrappingKey):
    return browser.post(url("contact", row.key), fields(row), **JSON)


def reread(row: WrappingKey) -> WrappingKey:
    return WrappingKey.objects.select_related("key__project").get(pk=row.pk)


# --- how long it lives ------------------------------------------------------------------------------------------------


def test_an_offer_ends_after_30_minutes_of_silence_to_the_second(offered, the_clock):
    the_clock.advance(minutes=30, seconds=-1)
    assert offered.is_live()

    the_clock.advance(seconds=1)

    assert not offered.is_live()
    assert offered.private_sealed is not None, "no job has run"


def test_an_offer_lives_its_day_as_long_as_it_is_heard_of(offered, the_clock):
    for _ in range(49):
        the_clock.advance(minutes=29)
        assert parameters.keep(offered)
    assert offered.ends_at == offered.expires_at

    the_clock.advance(minutes=19)

    assert not parameters.keep(offered)
    assert not offered.is_abandoned(), "its day is over, that is all"


def test_offers_of_the_api_are_nobodys_open_page(alice, key, the_clock):
    offer = stage.an_offer(alice, key)
    row = WrappingKey.objects.get()
    assert (row.last_contact_at, row.ends_at) == (None, row.expires_at)
    the_clock.advance(hours=24, seconds=-1)

    assert tasks.expire_wrapping_keys() == 0
    perform(IMPORT_KEY_MATERIAL, alice, stage.a_request(key, offer))

    assert stage.state_of(alice, key) == "2"


def test_contact_is_noted_once_a_minute(offered, the_clock):
    began = the_clock.at
    for seconds, noted in ((59, 0), (1, 60), (59, 60), (61, 180)):
        the_clock.advance(seconds=seconds)
        assert parameters.keep(reread(offered))
        assert reread(offered).last_contact_at == began + timedelta(seconds=noted)


def test_nothing_revives_an_offer_that_has_ended(offered, the_clock):
    the_clock.advance(minutes=30)
    assert not parameters.keep(offered)
    assert not reread(offered).is_live()


def test_a_contact_that_comes_while_the_offer_is_ended_changes_nothing(offered, the_clock):
    """The page's request had read the row before the sweep took it."""
    read_before = reread(offered)
    the_clock.advance(minutes=2)
    parameters.end(offered, revoked=True)
    ended = WrappingKey.objects.values().get()

    parameters.keep(read_before)

    assert WrappingKey.objects.values().get() == ended


def test_the_database_wants_to_know_when_a_wizard_was_heard_of(offered):
    rows = WrappingKey.objects.filter(pk=offered.pk)
    for wrong in ({"last_contact_at": None}, {"carrier": Carrier.API}):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**wrong)


# --- use ----------------------------------------------------------------------------------------------------------


def test_an_abandoned_offer_takes_no_import_though_no_job_has_run(browser, offered, the_clock):
    the_clock.advance(minutes=30)
    factories.sign_in(browser, factories.alice())

    material = {"encrypted_key_material": stage.b64(bytes(256))}
    answer = browser.post(url("finish", offered.key), fields(offered) | material, **JSON)

    assert answer.status_code == 422
    [fault] = answer.json()["errors"]
    assert (answer.json()["step"], fault["code"]) == (1, "KMS.2601")
    assert fault["hint"].startswith(SILENCE)
    trace = Trace.objects.get(name="importKeyMaterial")
    assert (trace.rating, trace.code, trace.resource_id) == ("warning", "KMS.2601", offered.key.key_id)


@pytest.mark.parametrize("swept", [False, True], ids=["before the sweep", "after the sweep"])
@pytest.mark.parametrize("name", ["check", "contact", "wrapping_key", "import_material"])
def test_every_page_says_what_has_happened(browser, offered, the_clock, name, swept):
    the_clock.advance(minutes=30)
    if swept:
        assert tasks.expire_wrapping_keys() == 1
    factories.sign_in(browser, factories.alice())
    asked = {
        "check": lambda: browser.post(url("check", offered.key), fields(offered), **JSON),
        "contact": lambda: contact(browser, offered),
        "wrapping_key": lambda: browser.get(url("wrapping_key", offered.key, offered.pk)),
        "import_material": lambda: browser.get(url("import_material", offered.key), {"offer": str(offered.pk)}),
    }

    text = asked[name]().content.decode()

    assert "KMS.2601" in text
    assert SILENCE in text
    assert "data-holds-token" not in text


def test_what_ended_otherwise_is_not_called_silence(browser, offered, the_clock):
    browser.post(url("revoke", offered.key), fields(offered))
    the_clock.advance(minutes=31)
    factories.sign_in(browser, factories.alice())

    [told] = contact(browser, offered).json()["errors"]

    assert told["code"] == "KMS.2601"
    assert "revoked" in told["hint"]


# --- what counts as contact ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["contact", "check", "finish", "wrapping_key", "import_material"])
def test_every_request_about_an_offer_is_contact(browser, offered, the_clock, name):
    """So a browser without script keeps its offer by being used."""
    the_clock.advance(minutes=29)
    if name == "wrapping_key":
        browser.get(url(name, offered.key, offered.pk))
    elif name == "import_material":
        browser.get(url(name, offered.key), {"offer": str(offered.pk)})
    else:
        browser.post(url(name, offered.key), fields(offered))

    assert reread(offered).last_contact_at == the_clock.at


def test_the_download_is_the_first_contact_and_tells_when_the_offer_would_end(browser, key, the_clock):
    data = {"way": "download", "wrapping_algorithm": "RSAES_OAEP_SHA_256"}

    answer = browser.post(url("download", key), data, **JSON).json()

    assert answer["ends_at"] == (the_clock.at + timedelta(minutes=30)).isoformat()
    row = WrappingKey.objects.get()
    the_clock.advance(minutes=10)
    assert contact(browser, row).json() == {"ok": True, "ends_at": (the_clock.at + timedelta(minutes=30)).isoformat()}


def test_an_hour_of_contact_leaves_no_trace_and_one_write_a_minute(browser, offered, the_clock):
    before = Trace.objects.count()
    for _ in range(2):
        the_clock.advance(minutes=2)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert contact(browser, offered).json()["ok"]
        writes = [query["sql"] for query in queries if query["sql"].startswith(("UPDATE", "INSERT", "DELETE"))]
        assert len(writes) == 1
        assert writes[0].startswith('UPDATE "imports_wrappingkey" SET "last_contact_at"')
        with CaptureQueriesContext(connection) as queries:
            assert contact(browser, offered).json()["ok"]
        assert not [query for query in queries if query["sql"].startswith(("UPDATE", "INSERT", "DELETE"))]

    assert Trace.objects.count() == before


# --- who ----------------------------------------------------------------------------------------------------------


def test_contact_keeps_nobody_signed_in(browser, offered, the_clock):
    """An unattended machine is signed out after its 30 minutes, however often its page speaks (SEC-043)."""
    seen = ConsoleSession.objects.get().seen_at
    for _ in range(14):
        the_clock.advance(minutes=2)
        assert contact(browser, offered).status_code == 200
    assert ConsoleSession.objects.get().seen_at == seen
    the_clock.advance(minutes=2)

    answer = contact(browser, offered)

    assert answer.status_code == 401
    assert answer.json() == {"ok": False, "signin": reverse("iam:login")}
    assert reread(offered).last_contact_at == the_clock.at - timedelta(minutes=2)
    assert reread(offered).is_live(), "for 28 minutes more: time to sign in again and to go on"
    factories.sign_in(browser, factories.alice())
    assert contact(browser, offered).status_code == 200


def test_using_the_wizard_is_activity(browser, offered, the_clock):
    the_clock.advance(minutes=29)
    browser.post(url("check", offered.key), fields(offered), **JSON)
    the_clock.advance(minutes=29)

    assert contact(browser, offered).status_code == 200


def test_contact_wants_the_csrf_token(alice, offered, the_clock):
    strict = factories.sign_in(Client(enforce_csrf_checks=True), factories.alice())
    the_clock.advance(minutes=5)

    assert contact(strict, offered).status_code == 403
    assert reread(offered).last_contact_at == offered.last_contact_at


def test_a_withdrawn_right_keeps_no_offer(client, alice, the_clock, strong_room):
    carol = factories.user("carol", policies=("KMS Administrator",))
    browser = factories.sign_in(client, carol)
    key = stage.an_empty_key(alice)
    stage.an_offer(factories.caller(carol, kind=Kind.CONSOLE), key)
    row = WrappingKey.objects.get()
    the_clock.advance(minutes=5)
    assert contact(browser, row).status_code == 200
    factories.allow(carol, factories.policy("no more", ("Deny", "kms:cmk:getMaterial")))
    the_clock.advance(minutes=5)

    answer = contact(browser, row)

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, "KMS.0306")
    assert reread(row).last_contact_at == the_clock.at - timedelta(minutes=5)


def test_nobody_keeps_the_offer_of_another(client, mallory, offered, the_clock):
    carol = factories.user("carol", policies=("KMS Administrator",))
    the_clock.advance(minutes=5)
    for stranger, status in ((carol, 400), (factories.mallory(), 404)):
        answer = contact(factories.sign_in(client, stranger), offered)
        assert answer.status_code == status
        assert SILENCE not in answer.content.decode()

    assert reread(offered).last_contact_at == offered.last_contact_at


# --- the sweep ----------------------------------------------------------------------------------------------------


def the_system(caller):
    return system(account_id=caller.account_id, project_id=caller.project_id, region_id=caller.region_id)


def test_the_sweep_erases_an_abandoned_offer_and_leaves_the_systems_trace(alice, offered, the_clock):
    the_clock.advance(minutes=30, seconds=-1)
    assert tasks.expire_wrapping_keys() == 0
    the_clock.advance(seconds=1)

    assert tasks.expire_wrapping_keys() == 1

    row = reread(offered)
    assert (row.private_sealed, row.used_at, row.revoked_at) == (None, None, None)
    trace = Trace.objects.get(name="expireWrappingKey")
    assert (trace.kind, trace.user_name, trace.rating) == ("SystemAction", "system", "normal")
    assert (trace.resource_id, trace.time) == (offered.key.key_id, the_clock.at)
    assert trace.request["reason"] == "no contact for 30 minutes"


def test_the_trace_tells_age_from_silence(alice, key, offered, the_clock):
    stage.an_offer(alice, stage.an_empty_key(alice))
    the_clock.advance(hours=24)

    assert tasks.expire_wrapping_keys() == 2

    reasons = {trace.resource_id: trace.request["reason"] for trace in Trace.objects.filter(name="expireWrappingKey")}
    assert reasons.pop(key.key_id) == "no contact for 30 minutes"
    assert list(reasons.values()) == ["older than 24 hours"]


def test_a_sweep_leaves_alone_what_was_heard_of_meanwhile(alice, offered, the_clock):
    the_clock.advance(minutes=29)
    parameters.keep(offered)
    the_clock.advance(minutes=1)

    with refused(errors.PARAMETER_INVALID, hint="not due"):
        perform(EXPIRE_WRAPPING_KEY, the_system(alice), {"key_id": offered.key.key_id, "offer_id": str(offered.pk)})

    assert tasks.expire_wrapping_keys() == 0
    assert reread(offered).is_live()


def test_sweeps_and_messages_repeated_and_shuffled_change_nothing_more(alice, offered, the_clock):
    person = replace(alice, kind=Kind.CONSOLE)
    left = [stage.an_empty_key(alice) for _ in range(3)]
    for each in left:
        stage.an_offer(person, each)
    the_clock.advance(minutes=20)
    for each in left[:2]:
        parameters.keep(WrappingKey.objects.get(key=each))
    the_clock.advance(minutes=10)
    assert tasks.expire_wrapping_keys() == 2
    settled = list(WrappingKey.objects.order_by("pk").values())

    messages = [tasks.expire_wrapping_keys] * 10
    for key_id, pk in WrappingKey.objects.values_list("key__key_id", "pk"):
        data = {"key_id": key_id, "offer_id": str(pk)}

        def message(data=data):
            with refused(errors.PARAMETER_INVALID):
                perform(EXPIRE_WRAPPING_KEY, the_system(alice), data)

        messages += [message] * 10
    random.Random(7).shuffle(messages)  # noqa: S311  (an order, no secret)
    for message in messages:
        message()

    assert list(WrappingKey.objects.order_by("pk").values()) == settled
    assert Trace.objects.filter(name="expireWrappingKey", rating="normal").count() == 2
