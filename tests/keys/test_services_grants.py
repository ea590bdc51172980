"""create-grant, revoke-grant, retire-grant and the two lists. What a grant opens: tests/security/test_grants.py."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from keys.api.grants import (
    CREATE_GRANT,
    LIST_GRANTS,
    LIST_RETIRABLE_GRANTS,
    RETIRE_GRANT,
    REVOKE_GRANT,
    grantable,
)
from keys.api.lifecycle import DISABLE_KEY
from keys.api.listing import DESCRIBE_KEY, LIST_KEYS
from keys.models import Grant, Key
from keys.tasks import delete_due_keys
from operations import errors
from operations.caller import Rights, Statement
from operations.models import Trace
from operations.perform import perform
from projects.models import QuotaKind, QuotaOverride
from tests import factories
from tests.operations.stage import (
    GRANTEE,
    a_grant,
    a_key,
    an_empty_key,
    disable,
    refused,
    schedule_deletion,
)

UNKNOWN = "7c9a3286af4fcca5f0a385ad13e1d21a50e27b6dbcab50f37f30f93b8939827d"


@pytest.fixture
def nobody(strong_room):
    """A user of alice's account, without any policy."""
    return factories.caller(factories.user("nobody"))


def listed(caller, key, **paging):
    return LIST_GRANTS.respond(perform(LIST_GRANTS, caller, {"key_id": key.key_id, **paging}))


def retirable(caller, **paging):
    return LIST_RETIRABLE_GRANTS.respond(perform(LIST_RETIRABLE_GRANTS, caller, paging))


def ids(answer):
    return [grant["grant_id"] for grant in answer["grants"]]


def end(operation, caller, grant, *, key=None):
    return perform(operation, caller, {"key_id": (key or grant.key).key_id, "grant_id": grant.grant_id})


def revoke(caller, grant, **about):
    return end(REVOKE_GRANT, caller, grant, **about)


def retire(caller, grant, **about):
    return end(RETIRE_GRANT, caller, grant, **about)


def can_describe(caller, key):
    return perform(DESCRIBE_KEY, caller, {"key_id": key.key_id}).pk == key.pk


def rows(key, count, **fields):
    """Grants as create-grant makes them: for lists only the rows matter."""
    return Grant.objects.bulk_create(
        Grant(
            key=key,
            grantee=GRANTEE,
            grantee_kind="user",
            issued_by="x",
            operations=["describe-key"],
            created_at=key.created_at,
            **fields,
        )
        for _ in range(count)
    )


# --- create-grant -------------------------------------------------------------------------------------------------


def test_a_grant_lets_its_grantee_do_what_was_granted(alice, nobody):
    key = a_key(alice)

    grant = a_grant(alice, key, "describe-key", grantee=nobody)

    assert re.fullmatch("[0-9a-f]{64}", CREATE_GRANT.respond(grant)["grant_id"])
    assert can_describe(nobody, key)


def test_it_is_listed_as_it_was_made(alice, the_clock):
    key = a_key(alice)

    grant = a_grant(
        alice, key, "describe-key", "create-grant", "describe-key",
        name="my_grant", retiring_principal="e4hkeeea506ex3wgnzyhi656n8hx8xa3",
    )  # fmt: skip

    assert listed(alice, key)["grants"] == [
        {
            "key_id": key.key_id,
            "grant_id": grant.grant_id,
            "grantee_principal": GRANTEE,
            "grantee_principal_type": "user",
            "operations": ["describe-key", "create-grant"],
            "issuing_principal": alice.user_id,
            "creation_date": str(the_clock.seconds() * 1000),
            "name": "my_grant",
            "retiring_principal": "e4hkeeea506ex3wgnzyhi656n8hx8xa3",
        }
    ]


def test_the_trail_tells_who_was_granted_what_and_when_it_ended(alice):
    key = a_key(alice)
    grant = a_grant(alice, key)

    revoke(alice, grant)

    made, ended = Trace.objects.filter(name__endswith="Grant").order_by("time", "pk")
    assert made.request == {
        "key_id": key.key_id,
        "grant_id": grant.grant_id,
        "grantee_principal": GRANTEE,
        "grantee_principal_type": "user",
        "operations": ["describe-key"],
    }
    assert (ended.name, ended.request["grant_id"]) == ("revokeGrant", grant.grant_id)


def test_whatever_is_optional_may_be_empty(alice):
    key = a_key(alice)

    grant = a_grant(alice, key, name="", retiring_principal="", grantee_principal_type="")

    assert (grant.name, grant.retiring_principal, grant.grantee_kind) == ("", "", "user")


def test_the_same_call_twice_makes_two_grants(alice, nobody):
    """A user's grants on a key add up, and each of them is ended for itself."""
    key = a_key(alice)
    first, second = (a_grant(alice, key, grantee=nobody, name="my_grant") for _ in range(2))

    revoke(alice, first)

    assert first.grant_id != second.grant_id
    assert can_describe(nobody, key)
    revoke(alice, second)
    with refused(errors.NO_KEY_PERMISSION):
        can_describe(nobody, key)


def test_a_grant_to_an_account_is_one_to_each_of_its_users(alice, mallory):
    key = a_key(alice)
    colleague = factories.caller(factories.user("colleague of mallory", account_name="mallory-and-sons"))

    a_grant(alice, key, grantee=mallory.account_id, grantee_principal_type="domain")

    assert can_describe(mallory, key)
    assert can_describe(colleague, key)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"grantee_principal": "not-a-user"}, errors.PRINCIPAL_INVALID),
        ({"grantee_principal": "a" * 65}, errors.PRINCIPAL_INVALID),
        ({"grantee_principal": ""}, errors.PRINCIPAL_INVALID),
        ({"grantee_principal": 7}, errors.PRINCIPAL_INVALID),
        ({"grantee_principal": None}, errors.PARAMETER_MISSING),
        ({"retiring_principal": "üser"}, errors.PRINCIPAL_INVALID),
        ({"operations": []}, errors.PARAMETER_INVALID),
        ({"operations": "describe-key"}, errors.PARAMETER_INVALID),
        ({"operations": {"describe-key": True}}, errors.PARAMETER_INVALID),
        ({"operations": [["describe-key"]]}, errors.PARAMETER_INVALID),
        ({"operations": ["describe-key", "delete-key"]}, errors.PARAMETER_INVALID),
        ({"operations": ["schedule-key-deletion"]}, errors.PARAMETER_INVALID),
        ({"operations": ["Describe-Key"]}, errors.PARAMETER_INVALID),
        ({"operations": None}, errors.PARAMETER_MISSING),
        ({"operations": ["create-grant"]}, errors.CREATE_GRANT_ALONE),
        ({"operations": ["create-grant", "create-grant"]}, errors.CREATE_GRANT_ALONE),
        ({"name": "a name"}, errors.PARAMETER_INVALID),
        ({"name": "a" * 256}, errors.PARAMETER_INVALID),
        ({"grantee_principal_type": "group"}, errors.PARAMETER_INVALID),
    ],
)
def test_a_bad_grant_is_told_what_is_bad(alice, fields, code):
    key = a_key(alice)
    right = {"key_id": key.key_id, "grantee_principal": GRANTEE, "operations": ["describe-key"]}

    with refused(code, field=next(iter(fields))):
        perform(CREATE_GRANT, alice, {**right, **fields})

    assert not key.grants.exists()


def test_all_that_can_be_granted_can_be_granted_at_once(alice):
    key = a_key(alice)

    assert a_grant(alice, key, *grantable()).operations == list(grantable())


@pytest.mark.parametrize(
    ("prepare", "code"),
    [
        (disable, errors.KEY_DISABLED),
        (schedule_deletion, errors.KEY_PENDING_DELETION),
    ],
)
def test_only_an_enabled_key_takes_grants(alice, prepare, code):
    key = a_key(alice)
    prepare(alice, key)

    with refused(code):
        a_grant(alice, key)


def test_an_empty_key_takes_none_either(alice):
    key = an_empty_key(alice)

    with refused(errors.NOT_ENABLED):
        a_grant(alice, key)


def test_a_default_key_is_never_granted(alice):
    key = a_key(alice)
    Key.objects.filter(pk=key.pk).update(is_default=True)

    with refused(errors.DEFAULT_KEY):
        a_grant(alice, key)
    for operation in (REVOKE_GRANT, RETIRE_GRANT):
        with refused(errors.DEFAULT_KEY):
            perform(operation, alice, {"key_id": key.key_id, "grant_id": UNKNOWN})
    assert listed(alice, key)["total"] == 0


def test_a_key_takes_a_hundred_grants(alice):
    key = a_key(alice)
    rows(key, 99)

    a_grant(alice, key)
    with refused(errors.TOO_MANY_GRANTS):
        a_grant(alice, key)

    revoke(alice, key.grants.first())
    a_grant(alice, key)


def test_or_as_many_as_the_quota_says(alice):
    key = a_key(alice)
    QuotaOverride.objects.create(account_id=alice.account_id, kind=QuotaKind.GRANTS_PER_KEY, limit=1)

    a_grant(alice, key)
    with refused(errors.TOO_MANY_GRANTS):
        a_grant(alice, key)


# --- passing on ---------------------------------------------------------------------------------------------------


def test_who_was_granted_create_grant_passes_on_what_he_has_and_no_more(alice, nobody, mallory):
    key = a_key(alice)
    a_grant(alice, key, "describe-key", "create-grant", grantee=nobody)

    a_grant(nobody, key, "describe-key", grantee=mallory)

    assert can_describe(mallory, key)
    with refused(errors.NO_KEY_PERMISSION, field="operations", hint="retire-grant"):
        a_grant(nobody, key, "describe-key", "retire-grant", grantee=mallory)
    with refused(errors.CREATE_GRANT_ALONE):
        a_grant(nobody, key, "create-grant", grantee=mallory)


def test_what_he_has_is_the_sum_of_his_grants(alice, nobody):
    key = a_key(alice)
    a_grant(alice, key, "create-grant", "retire-grant", grantee=nobody)
    a_grant(alice, key, "describe-key", grantee=nobody.account_id, grantee_principal_type="domain")

    assert a_grant(nobody, key, "describe-key", "retire-grant").issued_by == nobody.user_id


def test_a_chain_of_grants_never_widens(alice, nobody, bob, mallory):
    key = a_key(alice)
    a_grant(alice, key, "describe-key", "retire-grant", "create-grant", grantee=nobody)
    a_grant(nobody, key, "describe-key", "create-grant", grantee=mallory)

    with refused(errors.NO_KEY_PERMISSION, hint="retire-grant"):
        a_grant(mallory, key, "describe-key", "retire-grant", grantee=mallory)
    assert a_grant(mallory, key, "describe-key", grantee=bob)


def test_a_policy_of_ones_own_is_not_passed_on(alice, nobody):
    """It is his administrator's to give, and his grants' to pass on."""
    key = a_key(alice)
    a_grant(alice, key, "create-grant", "retire-grant", grantee=nobody)
    reader = replace(nobody, rights=Rights((Statement(True, ("kms:cmk:get",)),)))

    with refused(errors.NO_KEY_PERMISSION, field="operations", hint="describe-key"):
        a_grant(reader, key, "describe-key")


def test_what_was_passed_on_outlives_the_grant_it_came_from(alice, nobody, mallory):
    key = a_key(alice)
    source = a_grant(alice, key, "describe-key", "create-grant", grantee=nobody)
    a_grant(nobody, key, "describe-key", grantee=mallory)

    revoke(alice, source)

    assert can_describe(mallory, key)
    with refused(errors.NO_KEY_PERMISSION):
        a_grant(nobody, key, "describe-key")


def test_a_grantee_neither_lists_keys_nor_manages_one(alice, nobody):
    key = a_key(alice)
    a_grant(alice, key, *grantable(), grantee=nobody)

    with refused(errors.NO_PERMISSION):
        perform(LIST_KEYS, nobody, {})
    for operation in (DISABLE_KEY, LIST_GRANTS):
        with refused(errors.NO_KEY_PERMISSION):
            perform(operation, nobody, {"key_id": key.key_id})


# --- keys of other accounts ---------------------------------------------------------------------------------------


def test_a_foreign_key_opens_to_its_id_and_not_to_its_alias(alice, mallory):
    key = a_key(alice, alias="shared")
    a_grant(alice, key, grantee=mallory)

    assert can_describe(mallory, key)
    for reference in ("alias/shared", f"kms:eu-de:{alice.account_id}:alias:shared"):
        with refused(errors.KEY_NOT_FOUND):
            perform(DESCRIBE_KEY, mallory, {"key_id": reference})


def test_a_foreign_key_opens_in_its_region_only(alice, mallory):
    key = a_key(alice)
    a_grant(alice, key, grantee=mallory)
    elsewhere = factories.caller(
        factories.mallory(),
        project=factories.project("eu-nl", account_name="mallory-and-sons", in_region="eu-nl"),
    )

    with refused(errors.KEY_NOT_FOUND):
        can_describe(elsewhere, key)


def test_a_foreign_key_shows_in_no_list(alice, mallory):
    key = a_key(alice)
    a_grant(alice, key, *grantable(), grantee=mallory)

    assert LIST_KEYS.respond(perform(LIST_KEYS, mallory, {}))["keys"] == []


def test_a_key_past_its_end_opens_to_nobody(alice, mallory, the_clock):
    key = a_key(alice)
    a_grant(alice, key, grantee=mallory, retiring_principal=mallory.user_id)
    schedule_deletion(alice, key)
    assert can_describe(mallory, key)

    the_clock.advance(days=8)

    with refused(errors.KEY_NOT_FOUND):
        can_describe(mallory, key)
    assert retirable(mallory)["total"] == 0


def test_grants_die_with_their_key(alice, nobody, the_clock):
    key = a_key(alice)
    a_grant(alice, key, grantee=nobody)
    schedule_deletion(alice, key)
    the_clock.advance(days=8)

    delete_due_keys()

    assert not Key.objects.filter(pk=key.pk).exists()
    assert not Grant.objects.exists()


def test_nothing_is_looked_up_for_who_has_a_policy(alice, nobody):
    key = a_key(alice)
    a_grant(alice, key, grantee=nobody)

    with CaptureQueriesContext(
        connection,
    ) as by_policy:
        can_describe(alice, key)
    with CaptureQueriesContext(connection) as by_grant:
        can_describe(nobody, key)

    assert not [query for query in by_policy if "keys_grant" in query["sql"]]
    assert len(by_grant) == len(by_policy) + 1


# --- revoke-grant and retire-grant --------------------------------------------------------------------------------


def test_a_revoked_grant_opens_nothing_at_once(alice, nobody):
    key = a_key(alice)
    grant = a_grant(alice, key, grantee=nobody)
    assert can_describe(nobody, key)

    assert REVOKE_GRANT.respond(revoke(alice, grant)) == {}

    with refused(errors.NO_KEY_PERMISSION):
        can_describe(nobody, key)


def test_a_revoked_grant_closes_the_door_to_a_foreign_key(alice, mallory):
    key = a_key(alice)
    grant = a_grant(alice, key, grantee=mallory)
    assert can_describe(mallory, key)

    revoke(alice, grant)

    with refused(errors.KEY_NOT_FOUND):
        can_describe(mallory, key)


@pytest.mark.parametrize("operation", [REVOKE_GRANT, RETIRE_GRANT], ids=lambda operation: operation.name)
def test_an_unknown_grant_and_one_of_another_key(alice, mallory, operation):
    key, other = a_key(alice), a_key(alice)
    grant = a_grant(alice, other, retiring_principal=alice.user_id)
    foreign = a_grant(mallory, a_key(mallory), retiring_principal=alice.user_id)

    with refused(errors.GRANT_OF_ANOTHER_KEY, field="grant_id"):
        end(operation, alice, grant, key=key)
    with refused(errors.GRANT_ID_INVALID, field="grant_id"):
        end(operation, alice, foreign, key=key)
    for malformed in (UNKNOWN, "x" * 64, UNKNOWN[:-1], 7, ""):
        with refused(errors.GRANT_ID_INVALID, field="grant_id"):
            perform(operation, alice, {"key_id": key.key_id, "grant_id": malformed})


def test_a_grant_is_known_by_its_digits_in_either_case(alice):
    grant = a_grant(alice, a_key(alice))

    perform(REVOKE_GRANT, alice, {"key_id": grant.key.key_id, "grant_id": grant.grant_id.upper()})

    assert not Grant.objects.exists()


@pytest.mark.parametrize("prepare", [disable, schedule_deletion])
def test_a_grant_can_be_ended_in_every_state(alice, prepare):
    key = a_key(alice)
    first, second = a_grant(alice, key), a_grant(alice, key, retiring_principal=alice.user_id)
    prepare(alice, key)

    revoke(alice, first)
    retire(alice, second)

    assert listed(alice, key)["total"] == 0


def test_the_retiring_principal_retires_a_grant(alice, nobody, mallory):
    """Without any policy, and from another account."""
    key = a_key(alice)
    for retirer in (nobody, mallory):
        grant = a_grant(alice, key, retiring_principal=retirer.user_id)

        assert RETIRE_GRANT.respond(retire(retirer, grant)) == {}

        assert not Grant.objects.filter(pk=grant.pk).exists()


def test_to_be_a_retiring_principal_opens_nothing_else(alice, nobody):
    key = a_key(alice)
    grant = a_grant(alice, key, retiring_principal=nobody.user_id)

    with refused(errors.NO_KEY_PERMISSION):
        can_describe(nobody, key)
    with refused(errors.NO_KEY_PERMISSION):
        revoke(nobody, grant)


def test_a_grantee_gives_back_his_own_grant_where_he_may_retire_it(alice, nobody):
    key = a_key(alice)
    kept = a_grant(alice, key, "describe-key", grantee=nobody)
    own = a_grant(alice, key, "describe-key", "retire-grant", grantee=nobody)
    others = a_grant(alice, key, "describe-key", "retire-grant")

    for grant in (kept, others):
        with refused(errors.NO_KEY_PERMISSION, field="grant_id"):
            retire(nobody, grant)
    retire(nobody, own)

    assert set(ids(listed(alice, key))) == {kept.grant_id, others.grant_id}


def test_the_issuer_retires_a_grant(alice, nobody, mallory):
    """Without any policy, and on a foreign key also after the grant that let them pass it on has ended."""
    key = a_key(alice)
    own = a_grant(alice, key)
    passing_on = a_grant(alice, key, "describe-key", "create-grant", grantee=mallory)
    passed_on = a_grant(mallory, key, "describe-key", grantee=nobody)
    revoke(alice, passing_on)

    assert RETIRE_GRANT.respond(retire(replace(alice, rights=nobody.rights), own)) == {}
    with refused(errors.NO_KEY_PERMISSION):
        can_describe(mallory, key)
    retire(mallory, passed_on)

    assert not Grant.objects.exists()


def test_nobody_else_retires_a_grant_whatever_his_policies_say(alice):
    grant = a_grant(alice, a_key(alice))
    another = replace(alice, user_id="f" * 32)

    with refused(errors.NO_KEY_PERMISSION, field="grant_id"):
        retire(another, grant)


# --- lists --------------------------------------------------------------------------------------------------------


def test_a_list_of_grants_pages_newest_first(alice):
    key = a_key(alice)
    grants = rows(key, 5)
    rows(a_key(alice), 1)

    first = listed(alice, key, limit="2")
    rows(key, 1)
    second = listed(alice, key, limit=2, marker=first["next_marker"])
    last = listed(alice, key, limit=2, marker=second["next_marker"])

    assert ids(first) + ids(second) + ids(last) == [grant.grant_id for grant in reversed(grants)]
    assert [page["truncated"] for page in (first, second, last)] == ["true", "true", "false"]
    assert [page["total"] for page in (first, second, last)] == [5, 6, 6]
    assert last["next_marker"] == ""


@pytest.mark.parametrize("operation", [LIST_GRANTS, LIST_RETIRABLE_GRANTS], ids=lambda operation: operation.name)
@pytest.mark.parametrize(
    ("paging", "code"),
    [
        ({"limit": 0}, errors.LIMIT_INVALID),
        ({"limit": 1001}, errors.LIMIT_INVALID),
        ({"limit": "many"}, errors.LIMIT_INVALID),
        ({"marker": -1}, errors.MARKER_INVALID),
        ({"marker": "x"}, errors.MARKER_INVALID),
    ],
)
def test_bad_paging_is_told(alice, operation, paging, code):
    with refused(code):
        perform(operation, alice, {"key_id": a_key(alice).key_id, **paging})


def test_the_manuals_own_example_of_paging_is_taken(alice):
    key = a_key(alice)
    grants = rows(key, 3)

    assert ids(listed(alice, key, limit="", marker="")) == [grant.grant_id for grant in reversed(grants)]
    assert ids(listed(alice, key, marker="2")) == [grants[0].grant_id]


def test_a_list_takes_the_same_few_queries_however_many_grants_there_are(alice):
    key = a_key(alice)
    counts = []
    for more in (1, 40):
        rows(key, more, retiring_principal=alice.user_id)
        with CaptureQueriesContext(connection) as queries:
            listed(alice, key)
            retirable(alice)
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_the_retirable_grants_are_those_that_name_the_caller(alice, bob, mallory):
    key, other, foreign = a_key(alice), a_key(alice), a_key(mallory)
    a_grant(alice, key, retiring_principal=alice.user_id)
    mine = [a_grant(alice, each, retiring_principal=bob.user_id) for each in (key, other)]
    mine.append(a_grant(mallory, foreign, retiring_principal=bob.user_id))

    assert ids(retirable(bob)) == [grant.grant_id for grant in reversed(mine)]
    first = retirable(bob, limit=2)
    assert (first["truncated"], first["total"]) == ("true", 3)
    assert ids(retirable(bob, limit=2, marker=first["next_marker"])) == [mine[0].grant_id]


def test_who_may_not_list_grants_is_not_told_of_any(nobody, alice):
    a_grant(alice, a_key(alice), retiring_principal=nobody.user_id)

    with refused(errors.NO_PERMISSION):
        retirable(nobody)


def test_a_deleted_user_has_no_grants_left_to_use(alice, nobody, client):
    key = a_key(alice)
    a_grant(alice, key, grantee=nobody)
    user = factories.user("nobody")
    headers = factories.headers(user)
    url = f"/v1.0/{alice.project_id}/kms/describe-key"
    ask = lambda: client.post(url, {"key_id": key.key_id}, content_type="application/json", headers=headers)  # noqa: E731
    assert ask().status_code == 200

    user.delete()

    assert ask().status_code == 401
    again = factories.caller(factories.user("nobody"))
    with refused(errors.NO_KEY_PERMISSION):
        can_describe(again, key)
