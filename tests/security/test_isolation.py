"""Every operation against everybody: made from the declarations, so a new operation is tested the day it is added."""

from __future__ import annotations

import base64
import uuid
from dataclasses import replace

import pytest

from keys.models import Key
from kmsconsole.urls import OPERATIONS
from operations import errors
from operations.caller import Rights, Statement
from operations.errors import KmsError
from operations.fields import KeyId
from operations.models import Trace
from operations.perform import perform
from tests import factories
from tests.operations.stage import refused
from tests.security.requests import RIGHT

OPEN = [operation for operation in OPERATIONS if operation.action is not None]
INTERNAL = [operation for operation in OPERATIONS if operation.action is None]
ABOUT_A_KEY = [operation for operation in OPEN if any(isinstance(field, KeyId) for field in operation.request.fields)]
# What a reader may do in the cloud: look, and nothing else.
READING = {
    "describe-key", "list-keys", "view-keys", "get-key-rotation-status", "list-grants", "list-retirable-grants",
    "list-tags", "list-project-tags", "list-instances",
    "list-aliases", "user-instances", "user-quotas",
}  # fmt: skip
CHANGES_OF_TAGS = {"create-tag", "edit-tags", "delete-tag"}


def named(operations):
    return pytest.mark.parametrize("operation", operations, ids=lambda operation: operation.name)


def strange(operation, request):
    """The same request about a key that does not exist anywhere."""
    if operation.name == "decrypt-data":
        raw = bytearray(base64.b64decode(request["cipher_text"]))
        raw[4:20] = uuid.uuid4().bytes
        return {**request, "cipher_text": base64.b64encode(bytes(raw)).decode()}
    named = next((name for name in ("destination_key_id", "target_key_id") if name in request), "key_id")
    return {**request, named: str(uuid.uuid4())}


def answer(operation, caller, request):
    """All that a refusal tells."""
    with pytest.raises(KmsError) as caught:
        perform(operation, caller, request)
    error = caught.value
    return error.code, error.field, str(error.hint), error.retry_after


# --- declarations -------------------------------------------------------------------------------------------------


@named(OPERATIONS)
def test_every_operation_asks_for_a_right_or_is_the_clocks_own(operation):
    if operation.action is None:
        assert operation.path is None
    else:
        service, *rest = operation.action.split(":")
        assert service == ("kms" if operation.in_project else "eps")
        assert len(rest) == 2


@named(OPERATIONS)
def test_every_operation_has_a_name_a_trace_and_a_summary_of_its_own(operation):
    assert operation.summary.endswith(".")
    assert [other.name for other in OPERATIONS].count(operation.name) == 1
    # What a person may do at once and the clock when it is due is one event of the trail, told apart by who did it.
    bearers = [other for other in OPERATIONS if other.trace == operation.trace]
    if operation.name in CHANGES_OF_TAGS:
        # The original records every change of tags under one name.
        assert {other.name for other in bearers} == CHANGES_OF_TAGS
    else:
        assert [other.action is None for other in bearers].count(operation.action is None) == 1
    below = "kms/" if operation.in_project else "enterprise-projects"
    assert operation.path is None or operation.path.startswith(below)


@named(OPEN)
def test_every_operation_has_a_sound_request_here(operation, alice):
    assert perform(operation, alice, RIGHT[operation.name](alice)) is not False


# --- strangers ----------------------------------------------------------------------------------------------------


@named(ABOUT_A_KEY)
def test_a_stranger_is_told_the_same_of_a_foreign_key_as_of_a_missing_one(operation, alice, mallory):
    request = RIGHT[operation.name](alice)

    foreign = answer(operation, mallory, request)
    missing = answer(operation, mallory, strange(operation, request))

    assert foreign == missing
    assert foreign[0] is errors.KEY_NOT_FOUND


@named(ABOUT_A_KEY)
def test_so_is_the_same_user_in_another_project(operation, alice):
    elsewhere = factories.caller(factories.alice(), project=factories.project("eu-nl", in_region="eu-nl"))
    request = RIGHT[operation.name](alice)

    assert answer(operation, elsewhere, request) == answer(operation, elsewhere, strange(operation, request))


@named(ABOUT_A_KEY)
def test_a_stranger_changes_nothing_and_leaves_no_trace_in_the_owners_project(operation, alice, mallory):
    request = RIGHT[operation.name](alice)
    before = Trace.objects.filter(project_id=alice.project_id).count()

    answer(operation, mallory, request)

    assert Trace.objects.filter(project_id=alice.project_id).count() == before
    perform(operation, alice, request)


@named(OPEN)
def test_a_reader_may_read_and_nothing_else(operation, alice, bob):
    request = RIGHT[operation.name](alice)

    if operation.name in READING:
        perform(operation, bob, request)
    else:
        expected = errors.NO_KEY_PERMISSION if operation in ABOUT_A_KEY else errors.NO_PERMISSION
        assert answer(operation, bob, request)[0] is expected


@named(OPEN)
def test_who_has_no_policy_may_nothing(operation, alice):
    nobody = factories.caller(factories.user("nobody"))
    request = RIGHT[operation.name](alice)

    code, _field, hint, _after = answer(operation, nobody, request)

    assert code in (errors.NO_KEY_PERMISSION, errors.NO_PERMISSION)
    assert operation.action in hint


@named(OPEN)
def test_the_one_right_it_asks_for_is_enough_and_a_deny_of_it_wins(operation, alice):
    request = RIGHT[operation.name](alice)
    everything_but = Rights((Statement(True, ("*",)), Statement(False, (operation.action,))))
    only = Rights((Statement(True, (operation.action,)),))

    assert answer(operation, replace(alice, rights=everything_but), request)[0].status == 403
    perform(operation, replace(alice, rights=only), request)


@named(ABOUT_A_KEY)
def test_a_right_in_another_enterprise_project_does_not_reach_the_key(operation, alice):
    request = RIGHT[operation.name](alice)
    elsewhere = replace(alice, rights=Rights((Statement(True, ("*",), str(uuid.uuid4())),)))

    if operation.name == "retire-grant":
        # The grant names alice as its retiring principal, which no policy gives (tests/security/test_grants.py).
        assert perform(operation, elsewhere, request) is None
    else:
        assert answer(operation, elsewhere, request)[0] is errors.NO_KEY_PERMISSION


@named(INTERNAL)
def test_what_is_the_clocks_own_nobody_else_performs(operation, alice, the_clock):
    request = RIGHT["revoke-import-offer"](alice)
    the_clock.advance(days=3000)

    everything = replace(alice, rights=Rights((Statement(True, ("*",)),)))
    assert answer(operation, everything, request)[0] is errors.NO_PERMISSION


# --- requests -----------------------------------------------------------------------------------------------------

REQUIRED = [
    pytest.param(operation, field.name, id=f"{operation.name}-{field.name}")
    for operation in OPEN
    for field in operation.request.fields
    if field.required
]


@pytest.mark.parametrize(("operation", "field"), REQUIRED)
@pytest.mark.parametrize("absent", ["left out", None])
def test_a_required_member_that_is_missing_earns_0204(operation, field, absent, alice):
    request = RIGHT[operation.name](alice)
    request.pop(field)
    if absent is None:
        request[field] = None

    with refused(errors.PARAMETER_MISSING, field=field):
        perform(operation, alice, request)


@named(OPEN)
def test_a_request_without_anything_names_all_that_is_missing(operation, alice):
    wanted = [field.name for field in operation.request.fields if field.required]
    if not wanted:
        return

    with pytest.raises(KmsError) as caught:
        perform(operation, alice, {})

    assert [error.field for error in caught.value.errors] == wanted


@named(OPEN)
def test_members_that_are_the_servers_own_are_never_bound(operation, alice):
    """Mass assignment: state, owner, project and the like in a request change nothing (SEC-053)."""
    extra = {
        "state": 3, "key_state": "3", "project": "x", "project_id": "x", "domain_id": "x", "id": 1, "pk": 1,
        "is_default": True, "material_sealed": "AAAA", "material_fingerprint": "AAAA", "created_by_id": "x",
        "prepared": "AAAA",
    }  # fmt: skip
    request = RIGHT[operation.name](alice)
    taken = {field.name for field in operation.request.fields}

    perform(operation, alice, {**request, **{name: value for name, value in extra.items() if name not in taken}})

    assert set(Key.objects.values_list("project_id", "is_default")) <= {(alice.project_id, False)}
