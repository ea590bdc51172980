"""The tab Alias: what it shows, and its two dialogs (console.md B6)."""

import pytest

from keys.api.aliases import CREATE_ALIAS
from keys.models import Alias
from keys.services.aliases import MOST_ALIASES
from operations.perform import perform
from tests import factories
from tests.keys.console import address, read, signed_in, toasts
from tests.operations import stage

pytestmark = pytest.mark.usefixtures("the_clock")


@pytest.fixture
def browser(alice):
    return signed_in(factories.alice())


def add(caller, key, *names):
    for name in names:
        perform(CREATE_ALIAS, caller, {"key_id": key.key_id, "alias": name})


def page_of(browser, key):
    return read(browser.get(address("aliases", key.key_id)))


def names(key):
    return list(Alias.objects.filter(key=key).order_by("pk").values_list("name", flat=True))


def test_every_name_is_listed_with_its_urn_and_the_primary_one_stays(alice, browser):
    key = stage.a_key(alice, alias="orders")
    add(alice, key, "orders-blue")

    page = page_of(browser, key)

    assert page.texts("th", scope="row") == ["orders Primary", "orders-blue"]
    assert f"kms:eu-de:{alice.account_id}:alias:orders-blue" in page.text
    assert "1 of 50 beside the primary one" in page.text
    assert page.texts("a", class_="linkbtn") == ["Delete"]


def test_a_name_is_added(alice, browser):
    key = stage.a_key(alice, alias="orders")

    answer = browser.post(address("create_alias", key.key_id), {"alias": "alias/orders-blue"}, follow=True)

    assert answer.redirect_chain == [(address("aliases", key.key_id), 302)]
    assert toasts(answer) == ["Alias created successfully"]
    assert names(key) == ["orders", "orders-blue"]


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "Enter an alias."),
        ("a b", "Only digits, letters, underscores (_), hyphens (-), colons (:), and slashes (/) are allowed."),
        ("obs/default", "The alias cannot end with /default."),
        ("taken", "KMS.1104 Duplicate key aliases."),
    ],
)
def test_a_wrong_name_comes_back_with_what_is_wrong(alice, browser, typed, message):
    key = stage.a_key(alice, alias="taken")

    answer = browser.post(address("create_alias", key.key_id), {"alias": typed})

    assert answer.status_code == 422
    assert message in read(answer).text
    assert names(key) == ["taken"]


def test_a_name_is_deleted_after_asking(alice, browser):
    key = stage.a_key(alice, alias="orders")
    add(alice, key, "orders/blue:2")
    url = address("delete_alias", key.key_id, alias="orders/blue:2")

    asked = read(browser.get(url))
    assert asked.fields()["alias"] == ["orders/blue:2"]
    answer = browser.post(address("delete_alias", key.key_id), {"alias": "orders/blue:2"}, follow=True)

    assert toasts(answer) == ["Alias deleted successfully"]
    assert names(key) == ["orders"]


@pytest.mark.parametrize("name", ["orders", "unknown", "of-another", "", "\x00"])
def test_no_other_name_can_be_deleted_here(alice, browser, name):
    key = stage.a_key(alice, alias="orders")
    add(alice, stage.a_key(alice), "of-another")

    asked = browser.get(address("delete_alias", key.key_id, alias=name), follow=True)
    assert toasts(asked) == ["The alias does not exist."]
    answer = browser.post(address("delete_alias", key.key_id), {"alias": name})

    assert answer.status_code == 422
    assert Alias.objects.filter(name__in=["orders", "of-another"]).count() == 2


def test_a_full_key_and_one_that_leaves_say_why_nothing_can_be_added(alice, browser):
    full, leaving = stage.a_key(alice), stage.a_key(alice)
    add(alice, full, *(f"extra-{number}" for number in range(MOST_ALIASES)))
    add(alice, leaving, "last")
    stage.schedule_deletion(alice, leaving)

    assert "The key has the maximum number of aliases." in page_of(browser, full).text
    assert page_of(browser, leaving).text.count("The aliases of a key that is pending deletion cannot be changed.") == 2


def test_who_may_only_read_sees_the_names_and_changes_none(alice):
    key = stage.a_key(alice, alias="orders")
    add(alice, key, "extra")
    bob = signed_in(factories.bob())

    page = page_of(bob, key)
    assert "kms:alias:create" in page.text
    assert "kms:alias:delete" in page.text
    for dialog in ("create_alias", "delete_alias"):
        assert bob.post(address(dialog, key.key_id), {"alias": "extra"}).status_code == 422
    assert names(key) == ["orders", "extra"]


def test_who_may_not_list_them_is_told_which_permission_is_missing(alice):
    key = stage.a_key(alice)
    factories.allow(carol := factories.user("carol"), factories.policy("looks", ("Allow", "kms:cmk:get")))

    assert "kms:alias:list" in page_of(signed_in(carol), key).text


def test_a_default_key_has_no_such_tab(alice, browser):
    key = stage.a_key(alice)
    assert "Alias" in read(browser.get(address("detail", key.key_id))).texts("a")

    type(key).objects.filter(pk=key.pk).update(is_default=True)

    assert "Alias" not in read(browser.get(address("detail", key.key_id))).texts("a")


def test_the_tab_costs_few_queries_however_many_names_there_are(alice, browser, django_assert_max_num_queries):
    key = stage.a_key(alice)
    add(alice, key, *(f"extra-{number}" for number in range(10)))

    with django_assert_max_num_queries(17):
        page_of(browser, key)
