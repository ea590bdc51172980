"""Aliases: every name of a project once, wherever a key may be named, whether it is the primary one or one more."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from keys.api import aliases, lifecycle, listing
from keys.api.encryption import DECRYPT_DATA, ENCRYPT_DATA
from keys.models import Alias
from keys.services.aliases import MOST_ALIASES
from keys.tasks import delete_due_keys
from operations import changes, clock, errors
from operations.caller import Rights, Statement
from operations.perform import perform
from tests import factories
from tests.operations.stage import (
    a_key,
    an_empty_key,
    cancel_deletion,
    describe,
    disable,
    refused,
    schedule_deletion,
)


def create(caller, key, name):
    return perform(aliases.CREATE_ALIAS, caller, {"key_id": key.key_id, "alias": name})


def delete(caller, key, *names):
    return perform(aliases.DELETE_ALIASES, caller, {"key_id": key.key_id, "aliases": list(names)})


def associate(caller, name, key):
    return perform(aliases.ASSOCIATE_ALIAS, caller, {"alias": name, "target_key_id": key.key_id})


def rename(caller, key, name):
    return perform(lifecycle.UPDATE_KEY_ALIAS, caller, {"key_id": key.key_id, "key_alias": name})


def page(caller, key=None, **fields):
    asked = {"key_id": key.key_id, **fields} if key else fields
    (only,) = aliases.LIST_ALIASES.respond(perform(aliases.LIST_ALIASES, caller, asked))
    return only


def names(caller, key=None):
    return [alias["alias"] for alias in page(caller, key)["aliases"]]


def found(caller, reference):
    return perform(listing.DESCRIBE_KEY, caller, {"key_id": reference}).key_id


def in_payments(caller):
    """Alice may do everything, but only in one enterprise project."""
    wire_id = factories.enterprise_project().wire_id
    return wire_id, replace(caller, rights=Rights((Statement(True, ("*",), wire_id),)))


# --- one more name ------------------------------------------------------------------------------------------------


def test_a_key_gets_one_more_name(alice, the_clock):
    key = a_key(alice, alias="orders")
    the_clock.advance(seconds=5)

    made = aliases.CREATE_ALIAS.respond(create(alice, key, "orders-blue"))

    now = str(the_clock.seconds() * 1000)
    assert made == {
        "domain_id": alice.account_id,
        "key_id": key.key_id,
        "alias": "orders-blue",
        "alias_urn": f"kms:eu-de:{alice.account_id}:alias:orders-blue",
        "create_time": now,
        "update_time": now,
    }
    assert names(alice, key) == ["orders", "orders-blue"]


def test_the_prefix_is_no_part_of_the_name(alice):
    key = a_key(alice)

    create(alice, key, "alias/blue")

    assert names(alice, key)[1:] == ["blue"]
    with refused(errors.ALIAS_DUPLICATE):
        create(alice, key, "blue")


@pytest.mark.parametrize(
    "name", ["a b", "ü", "alias/", "alias/a b", "alias/alias/blue", "x" * 256, "obs/default", "alias/obs/default", 7]
)
def test_a_bad_name_is_refused(alice, name):
    with refused(errors.ALIAS_INVALID, field="alias"):
        create(alice, a_key(alice), name)


def test_the_longest_name_is_taken_with_its_prefix(alice):
    key = a_key(alice)

    create(alice, key, "alias/" + "x" * 255)

    assert found(alice, "alias/" + "x" * 255) == key.key_id


def test_fifty_more_are_the_most(alice):
    key = a_key(alice)
    for number in range(MOST_ALIASES):
        create(alice, key, f"extra-{number}")

    with refused(errors.PARAMETER_INVALID):
        create(alice, key, "one-too-many")
    with refused(errors.PARAMETER_INVALID):
        other = a_key(alice)
        create(alice, other, "from-another")
        associate(alice, "from-another", key)
    delete(alice, key, "extra-0")
    create(alice, key, "in-its-place")


def test_a_key_that_waits_for_material_or_is_disabled_takes_names_and_one_that_leaves_does_not(alice):
    for key in (an_empty_key(alice), disable(alice, a_key(alice))):
        create(alice, key, f"of-{key.key_id}")
    leaving = a_key(alice)
    create(alice, leaving, "last")
    schedule_deletion(alice, leaving)

    for act in (
        lambda: create(alice, leaving, "too-late"),
        lambda: delete(alice, leaving, "last"),
        lambda: associate(alice, "last", a_key(alice)),
        lambda: associate(alice, f"of-{key.key_id}", leaving),
    ):
        with refused(errors.KEY_PENDING_DELETION):
            act()
    assert len(names(alice, leaving)) == 2


# --- once in a project --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("leave", [None, disable, schedule_deletion])
def test_a_name_is_taken_whatever_the_state_of_its_key_and_whichever_kind_of_name_it_is(alice, leave):
    holder, other = a_key(alice, alias="primary"), a_key(alice)
    create(alice, holder, "extra")
    if leave:
        leave(alice, holder)

    for name in ("primary", "extra"):
        with refused(errors.ALIAS_DUPLICATE, field="key_alias"):
            a_key(alice, alias=name)
        with refused(errors.ALIAS_DUPLICATE, field="key_alias"):
            rename(alice, other, name)
        with refused(errors.ALIAS_DUPLICATE, field="alias"):
            create(alice, other, name)


def test_the_key_itself_does_not_have_a_name_twice(alice):
    key = a_key(alice, alias="primary")
    create(alice, key, "extra")

    with refused(errors.ALIAS_DUPLICATE):
        create(alice, key, "primary")
    with refused(errors.ALIAS_DUPLICATE):
        rename(alice, key, "extra")


def test_other_projects_and_accounts_have_names_of_their_own(alice, mallory):
    elsewhere = factories.caller(factories.alice(), project=factories.project("eu-nl", in_region="eu-nl"))
    create(alice, a_key(alice), "same")

    for caller in (elsewhere, mallory):
        create(caller, a_key(caller), "same")


def test_the_database_itself_holds_a_name_once_and_one_primary_name_a_key(alice):
    key = a_key(alice, alias="primary")
    times = {"created_at": clock.now(), "updated_at": clock.now()}

    for fields in ({"name": "primary"}, {"name": "another", "is_primary": True}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Alias.objects.create(project=key.project, key=key, **fields, **times)


def test_a_renamed_key_frees_its_old_name(alice):
    key = a_key(alice, alias="old")

    rename(alice, key, "new")

    assert names(alice, key) == ["new"]
    assert describe(alice, key)["key_alias"] == "new"
    a_key(alice, alias="old")
    rename(alice, key, "new")


def test_a_name_is_free_at_the_second_its_key_is_gone_whether_or_not_the_job_ran(alice, the_clock):
    key = a_key(alice, alias="primary")
    create(alice, key, "extra")
    schedule_deletion(alice, key, days=7)
    the_clock.advance(days=7, seconds=-1)
    with refused(errors.ALIAS_DUPLICATE):
        a_key(alice, alias="primary")
    the_clock.advance(seconds=1)

    new = a_key(alice, alias="primary")
    create(alice, new, "extra")

    assert names(alice, new) == ["primary", "extra"]
    assert found(alice, "alias/primary") == new.key_id
    with refused(errors.KEY_NOT_FOUND):
        cancel_deletion(alice, key)
    assert delete_due_keys() == 1
    assert names(alice) == ["primary", "extra"]


@pytest.mark.django_db(transaction=True)
def test_a_name_that_was_remembered_leads_where_it_belongs_now(lasting_strong_room):
    """Committed, as in the product: what a process has found by a name before."""
    user = factories.alice()
    alice = factories.caller(user)
    old, new = a_key(alice), a_key(alice)
    create(alice, old, "current")

    def now_found():
        return found(factories.caller(user, memory=changes.memories(alice.project_id)[0]), "alias/current")

    assert now_found() == old.key_id
    associate(alice, "current", new)
    assert now_found() == new.key_id
    delete(alice, new, "current")
    with refused(errors.KEY_NOT_FOUND):
        now_found()


# --- wherever a key may be named ----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["alias/{}", "kms:eu-de:{account}:alias:{}"])
@pytest.mark.parametrize("name", ["primary", "extra", "with/slash:and-colon"])
def test_every_name_and_its_urn_lead_to_the_key(alice, form, name):
    key = a_key(alice, alias="primary")
    for each in ("extra", "with/slash:and-colon"):
        create(alice, key, each)
    reference = form.format(name, account=alice.account_id)

    sealed = ENCRYPT_DATA.respond(perform(ENCRYPT_DATA, alice, {"key_id": reference, "plain_text": "a text"}))

    assert sealed["key_id"] == key.key_id == found(alice, reference)
    opened = perform(DECRYPT_DATA, alice, {"key_id": reference, "cipher_text": sealed["cipher_text"]})
    assert opened.plain_text == b"a text"


def test_a_bare_text_is_never_an_alias_even_where_it_looks_like_an_id(alice):
    first = a_key(alice, alias="first")
    second = a_key(alice, alias=first.key_id)
    create(alice, second, "bare")

    assert found(alice, first.key_id) == first.key_id
    assert found(alice, f"alias/{first.key_id}") == second.key_id
    with refused(errors.KEY_ID_INVALID):
        found(alice, "bare")


@pytest.mark.parametrize(
    "reference", ["alias/unknown", "kms:eu-nl:{account}:alias:extra", "kms:eu-de:{other}:alias:extra", "kms:eu-de:x"]
)
def test_another_regions_or_accounts_urn_leads_nowhere(alice, mallory, reference):
    create(alice, a_key(alice), "extra")

    with refused(errors.KEY_NOT_FOUND):
        found(alice, reference.format(account=alice.account_id, other=mallory.account_id))


def test_management_takes_the_id_alone(alice):
    create(alice, a_key(alice), "extra")

    for operation, request in (
        (lifecycle.DISABLE_KEY, {}),
        (aliases.CREATE_ALIAS, {"alias": "x"}),
        (aliases.LIST_ALIASES, {}),
    ):
        with refused(errors.KEY_ID_INVALID):
            perform(operation, alice, {"key_id": "alias/extra", **request})


def test_finding_a_key_by_a_name_is_one_query(alice):
    create(alice, a_key(alice), "extra")
    found(alice, "alias/extra")

    with CaptureQueriesContext(connection) as queries:
        found(alice, "alias/extra")

    assert sum("keys_key" in query["sql"] for query in queries) == 1


# --- deleting -----------------------------------------------------------------------------------------------------


def test_deleted_names_are_gone_and_free(alice):
    key = a_key(alice, alias="primary")
    for name in ("a", "b", "c"):
        create(alice, key, name)

    delete(alice, key, "alias/a", "b")

    assert names(alice, key) == ["primary", "c"]
    create(alice, a_key(alice), "a")


@pytest.mark.parametrize("strange", ["primary", "alias/primary", "of-another", "unknown"])
def test_deleting_is_all_or_nothing(alice, strange):
    key, other = a_key(alice, alias="primary"), a_key(alice)
    create(alice, key, "extra")
    create(alice, other, "of-another")

    with refused(errors.ALIAS_INVALID, field="aliases"):
        delete(alice, key, "extra", strange)

    assert names(alice, key) == ["primary", "extra"]


@pytest.mark.parametrize("value", [[], "extra", {}, 7, ["x"] * 51])
def test_a_list_that_is_none_is_refused(alice, value):
    with refused(errors.PARAMETER_INVALID, field="aliases"):
        perform(aliases.DELETE_ALIASES, alice, {"key_id": a_key(alice).key_id, "aliases": value})


# --- moving -------------------------------------------------------------------------------------------------------


def test_a_name_moves_to_another_key(alice, the_clock):
    old, new = a_key(alice), a_key(alice)
    create(alice, old, "current")
    the_clock.advance(seconds=5)

    moved = aliases.ASSOCIATE_ALIAS.respond(associate(alice, "alias/current", new))

    assert (moved["key_id"], int(moved["update_time"]) - int(moved["create_time"])) == (new.key_id, 5000)
    assert found(alice, "alias/current") == new.key_id
    assert len(names(alice, old)) == 1


def test_moving_a_name_to_where_it_is_changes_nothing(alice):
    key = a_key(alice)
    create(alice, key, "current")

    assert associate(alice, "current", key).key_id == key.pk


@pytest.mark.parametrize("name", ["primary", "unknown", "of-mallory"])
def test_a_primary_name_does_not_move_and_no_other_is_there(alice, mallory, name):
    a_key(alice, alias="primary")
    create(mallory, a_key(mallory), "of-mallory")

    with refused(errors.ALIAS_INVALID, field="alias"):
        associate(alice, name, a_key(alice))


def test_who_may_nothing_with_a_key_takes_no_name_from_it(alice):
    wire_id, narrow = in_payments(alice)
    key, own = a_key(alice), a_key(alice, enterprise_project_id=wire_id)
    create(alice, key, "current")

    with refused(errors.NO_KEY_PERMISSION):
        associate(narrow, "current", own)

    assert found(alice, "alias/current") == key.key_id


# --- listing ------------------------------------------------------------------------------------------------------


def test_pages_follow_each_other_and_what_is_made_meanwhile_neither_repeats_nor_hides(alice):
    key = a_key(alice, alias="primary")
    for number in range(6):
        create(alice, key, f"extra-{number}")

    first = page(alice, key, limit="3")
    delete(alice, key, "extra-0", "extra-3")
    create(alice, key, "new")
    second = page(alice, key, limit=3, marker=first["page_info"]["next_marker"])
    third = page(alice, key, limit=3, marker=second["page_info"]["next_marker"])

    shown = [alias["alias"] for each in (first, second, third) for alias in each["aliases"]]
    assert shown == ["primary", "extra-0", "extra-1", "extra-2", "extra-4", "extra-5", "new"]
    assert [each["page_info"]["current_count"] for each in (first, second, third)] == [3, 3, 1]
    assert third["page_info"]["next_marker"] == ""


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"limit": 0}, errors.LIMIT_INVALID),
        ({"limit": "1001"}, errors.LIMIT_INVALID),
        ({"limit": "x"}, errors.LIMIT_INVALID),
        ({"marker": "-1"}, errors.MARKER_INVALID),
        ({"marker": "x"}, errors.MARKER_INVALID),
    ],
)
def test_a_bad_page_is_refused(alice, fields, told):
    with refused(told):
        page(alice, a_key(alice), **fields)


def test_without_a_key_every_name_that_the_caller_may_see_is_listed(alice, mallory):
    wire_id, narrow = in_payments(alice)
    create(alice, a_key(alice, alias="open"), "open-too")
    create(alice, a_key(alice, alias="hidden", enterprise_project_id=wire_id), "hidden-too")
    a_key(mallory, alias="foreign")

    assert names(alice) == ["open", "open-too", "hidden", "hidden-too"]
    assert names(narrow) == ["hidden", "hidden-too"]


def test_a_page_takes_the_same_queries_however_long_it_is(alice):
    key = a_key(alice)
    counts = []
    for number in range(3):
        with CaptureQueriesContext(connection) as queries:
            names(alice, key)
        counts.append(len(queries))
        create(alice, key, f"extra-{number}")

    assert len(set(counts)) == 1
    with CaptureQueriesContext(connection) as queries:
        names(alice)
    assert sum("keys_alias" in query["sql"] for query in queries) == 1
