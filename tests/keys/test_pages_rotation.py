"""The tab Rotation Policy and its three dialogs (console.md B6)."""

import pytest

from keys.api import rotation
from keys.models import Key
from keys.tasks import rotate_due_keys
from operations.models import Trace
from operations.perform import perform
from tests import factories
from tests.keys.console import address, read, signed_in, toasts
from tests.operations import stage

pytestmark = pytest.mark.usefixtures("the_clock")
DIALOGS = ("enable_rotation", "edit_rotation", "disable_rotation")
WRONG = ["", "29", "366", "0", "x", "-30", "30.5"]


@pytest.fixture
def browser(alice):
    return signed_in(factories.alice())


def turn_on(caller, key, days=90):
    return perform(rotation.ENABLE_KEY_ROTATION, caller, {"key_id": key.key_id, "rotation_interval": days})


def page_of(browser, key):
    return read(browser.get(address("rotation", key.key_id)))


def facts(page):
    return dict(zip(page.texts("dt"), page.texts("dd"), strict=True))


def switch(page):
    (found,) = page.all("button", role="switch")
    return found["attrs"]


def policy(key):
    return Key.objects.get(pk=key.pk).rotation_days


# --- the tab ------------------------------------------------------------------------------------------------------


def test_a_fresh_key_has_its_switch_off(alice, browser):
    page = page_of(browser, stage.a_key(alice))

    assert (switch(page)["aria-checked"], "disabled" in switch(page)) == ("false", False)
    assert facts(page) == {"Number of Rotations": "0", "Last Rotated": "--"}
    assert page.texts("th", scope="row") == ["1"]


def test_a_key_with_a_policy_tells_all_of_it(alice, the_clock):
    key = turn_on(alice, stage.a_key(alice))
    the_clock.advance(days=90)
    rotate_due_keys()

    page = page_of(signed_in(factories.alice()), key)

    assert switch(page)["aria-checked"] == "true"
    told = facts(page)
    assert (told["Rotation Period (Day)"], told["Number of Rotations"]) == ("90", "1")
    assert told["Last Rotated"].startswith("2026-05-30 12:00:00")
    assert told["Next Rotation"].startswith("2026-08-28 12:00:00")
    assert page.texts("th", scope="row") == ["2", "1"]


@pytest.mark.parametrize("rest", [stage.disable, stage.schedule_deletion])
def test_a_key_at_rest_says_why_its_switch_is_off(alice, browser, rest):
    key = turn_on(alice, stage.a_key(alice))
    rest(alice, key)

    page = page_of(browser, key)

    assert "disabled" in switch(page)
    assert "Only enabled keys are rotated." in page.text


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (stage.an_empty_key, "KMS.0312"),
        (lambda caller: stage.a_key(caller, "EC_P256"), "KMS.0324"),
        (lambda caller: stage.a_key(caller, "HMAC_256"), "KMS.0341"),
    ],
)
def test_keys_that_never_rotate_have_no_such_tab(alice, browser, make, code):
    key = make(alice)

    assert "Rotation Policy" not in read(browser.get(address("detail", key.key_id))).texts("a")
    answer = browser.get(address("rotation", key.key_id))
    assert answer.status_code == 400
    assert code in read(answer).text


def test_who_may_only_read_sees_the_policy_and_what_is_missing_to_change_it(alice):
    key = turn_on(alice, stage.a_key(alice))

    page = page_of(signed_in(factories.bob()), key)

    assert "kms:cmk:disableRotation" in switch(page)["title"]
    assert any("kms:cmk:updateRotation" in e["attrs"].get("title", "") for e in page.all("span", role="link"))


def test_who_may_not_read_policies_is_told_so(alice):
    key = stage.a_key(alice)
    factories.allow(carol := factories.user("carol"), factories.policy("looks", ("Allow", "kms:cmk:get")))

    answer = signed_in(carol).get(address("rotation", key.key_id))

    assert answer.status_code == 403
    assert "kms:cmk:getRotation" in read(answer).text


def test_the_tab_costs_few_queries_however_many_versions_there_are(alice, browser, django_assert_max_num_queries):
    key = stage.a_key(alice)
    for _ in range(5):
        perform(rotation.ROTATE_ON_DEMAND, alice, {"key_id": key.key_id})

    with django_assert_max_num_queries(17):
        page_of(browser, key)


# --- the dialogs --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dialog", "title"),
    [
        ("enable_rotation", "Enable Rotation Policy"),
        ("edit_rotation", "Change Rotation Period"),
        ("disable_rotation", "Disable Rotation Policy"),
    ],
)
def test_each_is_a_page_and_for_htmx_a_dialog(alice, browser, dialog, title):
    key = turn_on(alice, stage.a_key(alice))
    url = address(dialog, key.key_id)

    assert read(browser.get(url)).texts("h1") == [title]
    part = read(signed_in(factories.alice(), htmx="dialog-host").get(url))
    assert (part.texts("h2"), len(part.all("dialog"))) == ([title], 1)


def test_the_period_is_a_year_unless_another_is_typed(alice, browser):
    key = stage.a_key(alice)
    (field,) = read(browser.get(address("enable_rotation", key.key_id))).all("input", name="rotation_interval")
    assert field["attrs"]["value"] == "365"

    answer = browser.post(address("enable_rotation", key.key_id), {"rotation_interval": "30"}, follow=True)

    assert answer.redirect_chain == [(address("rotation", key.key_id), 302)]
    assert toasts(answer) == ["Key rotation enabled successfully"]
    assert policy(key) == 30


def test_a_period_is_changed_from_what_it_is(alice, browser):
    key = turn_on(alice, stage.a_key(alice))
    (field,) = read(browser.get(address("edit_rotation", key.key_id))).all("input", name="rotation_interval")
    assert field["attrs"]["value"] == "90"

    answer = browser.post(address("edit_rotation", key.key_id), {"rotation_interval": "120"}, follow=True)

    assert toasts(answer) == ["Rotation period changed successfully"]
    assert policy(key) == 120


def test_rotation_is_switched_off(alice, browser):
    key = turn_on(alice, stage.a_key(alice))

    answer = browser.post(address("disable_rotation", key.key_id), follow=True)

    assert toasts(answer) == ["Key rotation disabled successfully"]
    assert policy(key) is None
    assert Trace.objects.get(name="disableKeyRotation").user_name == "alice"


@pytest.mark.parametrize("typed", WRONG)
@pytest.mark.parametrize("dialog", ["enable_rotation", "edit_rotation"])
def test_a_wrong_period_comes_back_with_what_is_right(alice, browser, dialog, typed):
    key = stage.a_key(alice)
    if dialog == "edit_rotation":
        turn_on(alice, key)
    before = policy(key)

    answer = browser.post(address(dialog, key.key_id), {"rotation_interval": typed})

    assert answer.status_code == 422
    assert "Enter an integer between 30 and 365." in read(answer).text
    assert policy(key) == before


def test_what_meanwhile_changed_is_told_in_the_dialog(alice, browser):
    key = turn_on(alice, stage.a_key(alice))

    answer = browser.post(address("enable_rotation", key.key_id), {"rotation_interval": "30"})

    assert answer.status_code == 422
    assert "KMS.2901 Key rotation is not disabled." in read(answer).text


@pytest.mark.parametrize("dialog", DIALOGS)
def test_who_may_only_read_changes_nothing(alice, dialog):
    key = turn_on(alice, stage.a_key(alice))

    answer = signed_in(factories.bob()).post(address(dialog, key.key_id), {"rotation_interval": "30"})

    assert answer.status_code == 422
    assert "KMS.0306" in read(answer).text
    assert policy(key) == 90
