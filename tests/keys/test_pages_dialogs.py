"""Enable, Disable, Delete and Cancel Deletion, for one key or many (console.md B7)."""

import uuid

import pytest

from keys.models import Key
from keys.states import State
from operations.models import Trace
from tests import factories
from tests.keys.console import address, read, signed_in, squeeze, toasts
from tests.operations import stage

LIST = address("list")
DIALOGS = ("enable", "disable", "delete", "cancel_deletion")
# What a person has to give in each, besides the keys.
GIVEN = {
    "enable": {},
    "disable": {"understood": "on"},
    "delete": {"pending_days": "7", "confirm": "DELETE"},
    "cancel_deletion": {},
}

pytestmark = pytest.mark.usefixtures("the_clock")


@pytest.fixture
def browser(alice):
    return signed_in(factories.alice())


def post(browser, dialog, *keys, follow=False, **given):
    data = {"key": [key.key_id for key in keys], **(given or GIVEN[dialog])}
    return browser.post(address(dialog), data, follow=follow)


def state(key):
    return Key.objects.get(pk=key.pk).state


# --- what is asked


@pytest.mark.parametrize(
    ("dialog", "title", "words"),
    [
        ("enable", "Enable Key", "can be used again at once"),
        ("disable", "Disable Key", "I understand the impact of disabling keys"),
        ("delete", "Delete Key", "Deleted keys cannot be restored."),
        ("cancel_deletion", "Cancel Deletion", "Pending import where there is no material"),
    ],
)
def test_a_dialog_is_a_page_and_for_htmx_a_dialog(alice, browser, dialog, title, words):
    key, other = stage.a_key(alice), stage.a_key(alice)

    page = read(browser.get(address(dialog, key=[key.key_id, other.key_id])))
    part = read(signed_in(factories.alice(), htmx="dialog-host").get(address(dialog, key=[key.key_id, other.key_id])))

    assert page.texts("h1") == [title]
    assert part.texts("h2") == [title]
    assert part.all("dialog")
    assert "<html" not in part.source
    for shown in (page, part):
        assert words in squeeze(shown.source)
        assert shown.fields()["key"] == [other.key_id, key.key_id]
        for text in (key.alias, other.alias, key.key_id, "Enabled"):
            assert text in shown.source
        assert "OK" in shown.texts("button")


def test_delete_asks_for_a_period_and_a_word(alice, browser):
    page = read(browser.get(address("delete", key=stage.a_key(alice).key_id)))

    days = page.all("input", name="pending_days")[0]["attrs"]
    assert (days["value"], days["min"], days["max"], days["type"]) == ("7", "7", "1096", "number")
    assert "Waiting Period (days) *" in page.texts("label")
    assert 'To confirm deletion, enter "DELETE" below.' in page.texts("label")
    assert page.texts("th", scope="col") == ["Name", "Status", "ID"]
    assert page.all("button", class_="btn danger")[0]["attrs"].keys() >= {"data-confirm-ok"}


def test_opening_the_deletion_of_keys_leaves_a_trace_of_each(alice, browser):
    keys = [stage.a_key(alice), stage.a_key(alice)]

    browser.get(address("delete", key=[key.key_id for key in keys]))
    browser.get(address("disable", key=keys[0].key_id))

    traces = Trace.objects.filter(name="deleteKeyRiskTips")
    assert {(trace.resource_type, trace.resource_id) for trace in traces} == {("cmk", key.key_id) for key in keys}
    assert {trace.user_name for trace in traces} == {"alice"}


def test_the_button_of_disable_waits_for_the_tick(alice, browser):
    page = read(browser.get(address("disable", key=stage.a_key(alice).key_id)))

    assert page.all("button", data_needs="#id_understood")
    assert page.all("input", id="id_understood", type="checkbox")


def test_looking_at_a_dialog_changes_nothing(alice, browser):
    key = stage.a_key(alice)

    for dialog in DIALOGS:
        browser.get(address(dialog, key=key.key_id))

    assert state(key) == State.ENABLED


# --- what is done


@pytest.mark.parametrize(
    ("dialog", "prepare", "after", "toast"),
    [
        ("enable", stage.disable, State.ENABLED, "Key enabled successfully"),
        ("disable", lambda caller, key: key, State.DISABLED, "Key disabled successfully"),
        ("delete", lambda caller, key: key, State.PENDING_DELETION, "Key deletion scheduled"),
        ("cancel_deletion", stage.schedule_deletion, State.DISABLED, "Key deletion cancelled"),
    ],
)
def test_one_key_is_changed_and_a_toast_says_so(alice, browser, dialog, prepare, after, toast):
    key = prepare(alice, stage.a_key(alice))

    answer = post(browser, dialog, key, follow=True)

    assert answer.redirect_chain == [(LIST, 302)]
    assert toasts(answer) == [toast]
    assert state(key) == after


def test_each_key_of_many_is_an_operation_with_its_trace(alice, browser):
    keys = [stage.a_key(alice) for _ in range(3)]

    answer = post(browser, "disable", *keys, follow=True)

    assert toasts(answer) == ["3 keys disabled successfully"]
    assert {state(key) for key in keys} == {State.DISABLED}
    traced = Trace.objects.filter(name="disableKey", kind="ConsoleAction", rating="normal")
    assert {trace.resource_id for trace in traced} == {key.key_id for key in keys}


def test_a_dialog_returns_to_where_it_was_opened(alice):
    key = stage.a_key(alice)
    back = f"{LIST}?status=enabled&sort=alias"
    browser = signed_in(factories.alice(), htmx="dialog-host")

    shown = read(browser.get(address("disable", key=key.key_id, next=back)))
    answer = post(browser, "disable", key, understood="on", next=shown.fields()["next"][0])

    assert answer.headers["HX-Redirect"] == back


def test_the_period_is_what_was_given(alice, browser, the_clock):
    key = stage.a_key(alice)

    post(browser, "delete", key, pending_days="1096", confirm="DELETE")

    left = Key.objects.get().scheduled_deletion_at - the_clock.at
    assert left.days == 1096


def test_canceling_the_deletion_of_an_empty_key_leaves_it_pending_import(alice, browser):
    key = stage.schedule_deletion(alice, stage.an_empty_key(alice))

    post(browser, "cancel_deletion", key)

    assert state(key) == State.PENDING_IMPORT


# --- what is refused


def test_without_the_tick_nothing_is_disabled(alice, browser):
    key = stage.a_key(alice)

    answer = browser.post(address("disable"), {"key": key.key_id})

    assert answer.status_code == 422
    assert "Confirm the impact first." in read(answer).texts("div", class_="err")
    assert state(key) == State.ENABLED


@pytest.mark.parametrize("days", ["6", "1097", "", "x", "7.5", "-7", "٧", "9" * 30])
def test_another_period_than_7_to_1096_is_refused(alice, browser, days):
    key = stage.a_key(alice)

    answer = browser.post(address("delete"), {"key": key.key_id, "pending_days": days, "confirm": "DELETE"})

    assert answer.status_code == 422
    assert "Enter an integer between 7 and 1,096." in read(answer).texts("div", class_="err")
    assert state(key) == State.ENABLED


@pytest.mark.parametrize("word", ["", "delete", "DELETE ", " DELETE", "DELETED"])
def test_another_word_than_delete_is_refused(alice, browser, word):
    key = stage.a_key(alice)

    answer = browser.post(address("delete"), {"key": key.key_id, "pending_days": "7", "confirm": word})

    assert answer.status_code == 422
    assert 'Enter "DELETE" in capitals.' in read(answer).texts("p", class_="err")
    assert state(key) == State.ENABLED


def test_what_failed_is_listed_with_its_reason_and_the_rest_is_done(alice, browser):
    on, off, going = stage.a_key(alice), stage.disable(alice, stage.a_key(alice)), stage.a_key(alice)
    stage.schedule_deletion(alice, going)

    answer = post(browser, "disable", on, off, going)

    page = read(answer)
    assert answer.status_code == 422
    assert "2 of 3 failed." in page.texts("strong")
    reasons = dict(zip(page.texts("th", scope="row"), page.texts("td"), strict=True))
    assert reasons[f"{off.alias}{off.key_id}"].startswith("KMS.1301 The key is not enabled.")
    assert reasons[f"{going.alias}{going.key_id}"].startswith("KMS.0210")
    assert toasts(answer) == ["Key disabled successfully"]
    assert state(on) == State.DISABLED
    assert page.link("Close") == LIST


@pytest.mark.parametrize(
    "back", ["/console/kms/keys?q=\xe9y", "/console/kms/keys\r\nX-Evil: 1", "/console/k\u2028\xe9y"]
)
def test_a_way_back_that_no_header_takes_does_not_lose_what_was_done(alice, browser, back):
    key = stage.a_key(alice)

    answer = browser.post(
        address("disable"), {"key": key.key_id, "understood": "on", "next": back}, HTTP_HX_REQUEST="true"
    )

    assert answer["HX-Redirect"] in (LIST, f"{LIST}?q=%C3%A9y")
    assert state(key) == State.DISABLED


def test_a_key_that_went_before_the_dialog_was_confirmed_is_told_of(alice, browser):
    on, gone = stage.a_key(alice, alias="orders"), stage.a_key(alice, alias="old")
    Key.objects.filter(pk=gone.pk).delete()

    answer = post(browser, "disable", on, gone)

    page = read(answer)
    assert "1 of 2 failed." in page.texts("strong")
    assert page.texts("th", scope="row") == [gone.key_id]
    assert page.texts("td")[0].startswith("KMS.0207 The key does not exist.")
    assert toasts(answer) == ["Key disabled successfully"]
    assert state(on) == State.DISABLED


@pytest.mark.parametrize("dialog", DIALOGS)
def test_who_may_only_read_is_refused_key_by_key(alice, dialog):
    key = stage.a_key(alice)

    answer = post(signed_in(factories.bob()), dialog, key)

    assert answer.status_code == 422
    assert "KMS.0306" in read(answer).text
    assert "Nothing was changed." in read(answer).text
    assert state(key) == State.ENABLED


@pytest.mark.parametrize("dialog", DIALOGS)
def test_the_keys_of_another_account_are_as_if_they_were_not_there(alice, mallory, dialog):
    key = stage.a_key(alice)
    browser = signed_in(factories.mallory())

    for answer in (
        browser.get(address(dialog, key=key.key_id), follow=True),
        post(browser, dialog, key, follow=True),
        browser.get(address(dialog, key=str(uuid.uuid4())), follow=True),
    ):
        assert answer.redirect_chain == [(LIST, 302)]
        assert toasts(answer) == ["The key does not exist."]
    assert state(key) == State.ENABLED


@pytest.mark.parametrize("dialog", DIALOGS)
@pytest.mark.parametrize("chosen", [{}, {"key": "no key"}, {"key": "\0"}])
def test_without_a_key_there_is_nothing_to_do(browser, dialog, chosen):
    answer = browser.get(address(dialog, **chosen), follow=True)

    assert toasts(answer) == ["Select a key first."]


def test_a_default_key_is_not_touched_by_a_forged_form(alice, browser):
    key = stage.a_key(alice)
    Key.objects.filter(pk=key.pk).update(is_default=True)

    answer = post(browser, "disable", key, follow=True)

    assert toasts(answer) == ["The key does not exist."]
    assert state(key) == State.ENABLED


def test_a_form_from_another_site_is_refused(alice):
    key = stage.a_key(alice)
    browser = signed_in(factories.alice())
    browser.handler.enforce_csrf_checks = True

    answer = post(browser, "disable", key)

    assert answer.status_code == 403
    assert state(key) == State.ENABLED
