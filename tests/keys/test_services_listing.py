"""describe-key and list-keys: who sees which keys, filters, and pages that hold while keys come and go."""

from __future__ import annotations

import pytest

from keys.api.listing import DESCRIBE_KEY, LIST_KEYS
from keys.models import Key
from operations import errors
from operations.perform import perform
from tests import factories
from tests.operations.stage import (
    a_key,
    an_empty_key,
    an_imported_key,
    describe,
    disable,
    refused,
    schedule_deletion,
)


def page(caller, **filters):
    return LIST_KEYS.respond(perform(LIST_KEYS, caller, filters))


def ids(caller, **filters):
    return page(caller, **filters)["keys"]


def many_keys(caller, count, *, start=0):
    """Rows as create-key makes them, without its work: for lists only the rows matter."""
    project = factories.project()
    return Key.objects.bulk_create(
        Key(
            project=project,
            alias=f"row-{start + number}",
            spec_name="AES_256",
            usage="ENCRYPT_DECRYPT",
            origin="kms",
            state=2,
            created_at=project.created_at,
        )
        for number in range(count)
    )


def test_a_list_shows_the_newest_key_first(alice):
    keys = [a_key(alice) for _ in range(3)]

    answer = page(alice)

    assert answer["keys"] == [key.key_id for key in reversed(keys)]
    assert [details["key_id"] for details in answer["key_details"]] == answer["keys"]
    assert (answer["total"], answer["truncated"], answer["next_marker"]) == (3, "false", "")


def test_a_list_without_keys_is_an_answer(alice):
    assert page(alice) == {"keys": [], "key_details": [], "next_marker": "", "truncated": "false", "total": 0}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 10, 11])
def test_pages_show_every_key_once(alice, size):
    expected = [key.key_id for key in reversed(many_keys(alice, 10))]

    seen, marker, pages = [], "", 0
    while True:
        answer = page(alice, limit=str(size), marker=marker)
        assert answer["total"] == 10
        seen += answer["keys"]
        pages += 1
        marker = answer["next_marker"]
        assert answer["truncated"] == ("true" if marker else "false")
        if not marker:
            break

    assert seen == expected
    assert pages == -(-10 // size)


def test_a_key_made_meanwhile_neither_repeats_nor_hides_another(alice):
    old = [key.key_id for key in reversed(many_keys(alice, 10))]
    first = page(alice, limit=4)

    many_keys(alice, 5, start=10)
    second = page(alice, limit=4, marker=first["next_marker"])
    many_keys(alice, 5, start=15)
    third = page(alice, limit=4, marker=second["next_marker"])

    assert first["keys"] + second["keys"] + third["keys"] == old


def test_a_key_deleted_meanwhile_hides_no_other(alice):
    rows = list(reversed(many_keys(alice, 10)))
    first = page(alice, limit=4)

    rows[3].delete()
    rows[1].delete()
    rest = page(alice, limit=10, marker=first["next_marker"])

    assert first["keys"] + rest["keys"] == [row.key_id for row in rows]


def test_a_thousand_keys_are_the_default_page(alice):
    many_keys(alice, 1001)

    answer = page(alice)

    assert len(answer["keys"]) == 1000
    assert answer["truncated"] == "true"
    assert len(page(alice, marker=answer["next_marker"])["keys"]) == 1


@pytest.mark.parametrize("empty", [{"limit": ""}, {"marker": ""}, {"limit": None}, {"marker": "0"}, {"marker": 0}])
def test_an_empty_limit_or_marker_counts_as_absent(alice, empty):
    a_key(alice)

    assert len(ids(alice, **empty)) == 1


@pytest.mark.parametrize("limit", [0, "0", 1001, -1, "ten", 1.5, True, [1], "1 "])
def test_a_limit_is_1_to_1000(alice, limit):
    with refused(errors.LIMIT_INVALID, field="limit"):
        page(alice, limit=limit)


@pytest.mark.parametrize("marker", [-1, "-1", "ten", 1.5, True, "9" * 30, {}])
def test_a_marker_is_a_number(alice, marker):
    with refused(errors.MARKER_INVALID, field="marker"):
        page(alice, marker=marker)


@pytest.mark.parametrize("marker", [7, "7", str(10**12 - 1), str(10**12), str(2**53)])
def test_a_marker_that_was_never_given_is_no_error(alice, marker):
    a_key(alice)

    assert page(alice, marker=marker)["total"] == 1


def test_a_small_marker_is_an_offset_as_in_the_original(alice):
    rows = [row.key_id for row in reversed(many_keys(alice, 4))]

    answer = page(alice, limit="2", marker="1")

    assert answer["keys"] == rows[1:3]
    assert page(alice, limit="2", marker=answer["next_marker"])["keys"] == rows[3:]


# --- filters ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_number", [str, int])
def test_keys_are_filtered_by_state_as_text_or_number(alice, as_number):
    enabled, disabled, waiting, leaving = a_key(alice), a_key(alice), an_empty_key(alice), a_key(alice)
    disable(alice, disabled)
    schedule_deletion(alice, leaving)

    found = {state: ids(alice, key_state=as_number(state)) for state in range(1, 6)}

    assert found == {
        1: [],
        2: [enabled.key_id],
        3: [disabled.key_id],
        4: [leaving.key_id],
        5: [waiting.key_id],
    }


@pytest.mark.parametrize("state", ["0", "6", 0, 6, "enabled", True, 2.0, [2]])
def test_a_state_that_is_none_is_refused(alice, state):
    with refused(errors.PARAMETER_INVALID, field="key_state"):
        page(alice, key_state=state)


def test_keys_are_filtered_by_spec(alice):
    aes, ec = a_key(alice), a_key(alice, "EC_P256")

    assert ids(alice, key_spec="EC_P256") == [ec.key_id]
    assert ids(alice, key_spec="ALL") == [ec.key_id, aes.key_id]
    assert ids(alice, key_spec="") == [ec.key_id, aes.key_id]
    with refused(errors.PARAMETER_INVALID, field="key_spec"):
        page(alice, key_spec="SM4")


def test_keys_are_filtered_by_enterprise_project(alice):
    payments = factories.enterprise_project("payments")
    here, there = a_key(alice), a_key(alice, enterprise_project_id=payments.pk)

    assert ids(alice, enterprise_project_id=payments.pk) == [there.key_id]
    assert ids(alice, enterprise_project_id="0") == [here.key_id]
    for everything in ("all", "", None):
        assert len(ids(alice, enterprise_project_id=everything)) == 2


# --- who sees what ------------------------------------------------------------------------------------------------


def test_nobody_sees_keys_of_another_account(alice, mallory):
    key = a_key(alice)

    assert ids(mallory) == []
    with refused(errors.KEY_NOT_FOUND):
        describe(mallory, key)


def test_who_may_list_in_one_enterprise_project_sees_its_keys_only(alice):
    payments = factories.enterprise_project("payments")
    a_key(alice)
    theirs = a_key(alice, enterprise_project_id=payments.pk)
    user = factories.user("erin")
    factories.allow(user, "KMS CMKReadOnlyAccess", in_enterprise_project=payments)
    erin = factories.caller(user)

    answer = page(erin)

    assert (answer["keys"], answer["total"]) == ([theirs.key_id], 1)


def test_a_deny_in_one_enterprise_project_hides_its_keys(alice):
    payments = factories.enterprise_project("payments")
    seen, hidden = a_key(alice), a_key(alice, enterprise_project_id=payments.pk)
    user = factories.user("frank")
    factories.allow(user, "KMS CMKReadOnlyAccess")
    factories.allow(user, factories.policy("hide", ("Deny", "kms:cmk:*")), in_enterprise_project=payments)
    frank = factories.caller(user)

    assert ids(frank) == [seen.key_id]
    with refused(errors.NO_KEY_PERMISSION):
        describe(frank, hidden)


def test_who_may_not_list_at_all_is_refused(strong_room):
    nobody = factories.caller(factories.user("grace"))

    with refused(errors.NO_PERMISSION, hint="kms:cmk:list"):
        page(nobody)


# --- details ------------------------------------------------------------------------------------------------------

MEMBERS = {
    "key_id", "domain_id", "key_alias", "realm", "key_description", "key_spec", "key_usage", "creation_date",
    "scheduled_deletion_date", "key_state", "default_key_flag", "key_type", "expiration_time", "origin",
    "key_rotation_enabled", "sys_enterprise_project_id", "keystore_id",
}  # fmt: skip


def test_details_hold_every_member_and_every_member_is_a_string(alice, the_clock):
    keys = [
        a_key(alice),
        an_empty_key(alice, "EC_P384"),
        an_imported_key(alice, expiration_time=the_clock.seconds() + 60),
        a_key(alice, "HMAC_512"),
    ]
    schedule_deletion(alice, keys[0])

    for details in page(alice)["key_details"]:
        assert details.keys() == MEMBERS
        assert all(type(value) is str for value in details.values())


def test_details_say_where_and_whose_the_key_is(alice):
    told = describe(alice, a_key(alice))

    assert (told["domain_id"], told["realm"], told["default_key_flag"]) == (alice.account_id, "eu-de", "0")
    assert (told["key_type"], told["keystore_id"], told["key_rotation_enabled"]) == ("1", "0", "false")


def test_dates_are_whole_milliseconds(alice, the_clock):
    # One of the moments whose float in milliseconds comes out one too small.
    the_clock.advance(microseconds=1_001_000)

    told = describe(alice, a_key(alice))

    assert told["creation_date"] == str(the_clock.seconds() * 1000 + 1)


def test_a_key_is_described_by_id_alias_and_urn(alice):
    key = a_key(alice, alias="orders/2026")

    for reference in (key.key_id, "alias/orders/2026", f"kms:eu-de:{alice.account_id}:alias:orders/2026"):
        assert (
            DESCRIBE_KEY.respond(perform(DESCRIBE_KEY, alice, {"key_id": reference}))["key_info"]["key_id"]
            == key.key_id
        )


@pytest.mark.parametrize("reference", ["orders", "", "x" * 36, "a" * 401, "ALIAS/orders", 7, None, ["a"], "alias/\n"])
def test_what_cannot_be_a_reference_is_refused(alice, reference):
    a_key(alice, alias="orders")

    with refused(errors.PARAMETER_MISSING if reference is None else errors.KEY_ID_INVALID, field="key_id"):
        perform(DESCRIBE_KEY, alice, {"key_id": reference})


# --- cost ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 50])
def test_a_list_costs_four_queries_however_long(alice, count, django_assert_num_queries):
    many_keys(alice, count)

    with django_assert_num_queries(4):  # the page, its project, the total, the trace
        page(alice)


def test_describing_costs_two_queries(alice, django_assert_num_queries):
    key = a_key(alice)

    with django_assert_num_queries(2):  # the key with its project, the trace
        perform(DESCRIBE_KEY, alice, {"key_id": key.key_id})
