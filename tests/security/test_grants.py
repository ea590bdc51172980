"""What a grant opens: the granted operations on the one key, and nothing else, whoever the grantee is (SEC-052).

Made from the declarations: every operation that can be granted, against every operation there is.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import transaction

from keys.models import Grant, GranteeKind, Key
from kmsconsole.urls import OPERATIONS
from operations import errors
from operations.caller import Kind, Rights, Statement
from operations.errors import KmsError
from operations.fields import KeyId
from operations.perform import perform
from tests import factories
from tests.operations.stage import a_key, refused
from tests.security.requests import RIGHT

OPEN = [operation for operation in OPERATIONS if operation.action is not None]
GRANTABLE = [operation for operation in OPEN if operation.grantable]
ABOUT_A_KEY = [operation for operation in OPEN if any(isinstance(field, KeyId) for field in operation.request.fields)]

# What the original lets one grant, and signing, public keys and MACs, as far as they are declared (api.md 2).
MAY_BE_GRANTABLE = {
    "create-datakey", "create-datakey-without-plaintext", "encrypt-datakey", "decrypt-datakey", "describe-key",
    "create-grant", "retire-grant", "encrypt-data", "decrypt-data", "sign", "verify", "get-publickey", "generate-mac",
    "verify-mac",
}  # fmt: skip


def named(operations):
    return pytest.mark.parametrize("operation", operations, ids=lambda operation: operation.name)


@pytest.fixture
def nobody(strong_room):
    """A user of the key's account, without any policy."""
    return factories.caller(factories.user("nobody"))


@pytest.fixture(params=["a user of the account", "a user of another account", "the whole other account"])
def grantee(request, nobody, mallory):
    """A caller who may do nothing with the key, and how a grant names him. Mallory is an administrator, elsewhere."""
    return {
        "a user of the account": (nobody, GranteeKind.USER, nobody.user_id),
        "a user of another account": (mallory, GranteeKind.USER, mallory.user_id),
        "the whole other account": (mallory, GranteeKind.DOMAIN, mallory.account_id),
    }[request.param]


def grant(key, kind, principal, *operations):
    """A row, whatever state the key is in and whatever may be granted together."""
    return Grant.objects.create(
        key=key, grantee_kind=kind, grantee=principal, issued_by="x", operations=operations, created_at=key.created_at
    )


def test_what_can_be_granted_is_what_the_original_has_and_no_management():
    names = {operation.name for operation in GRANTABLE}

    assert {"describe-key", "create-grant", "retire-grant"} <= names <= MAY_BE_GRANTABLE


@named(ABOUT_A_KEY)
def test_a_grantee_may_do_exactly_what_was_granted(operation, alice, grantee):
    """With every other operation granted this one is closed, and with it alone it is open."""
    caller, kind, principal = grantee
    request = RIGHT[operation.name](alice)
    keys = list(Key.objects.filter(project_id=alice.project_id))
    others = [granted.name for granted in GRANTABLE if granted is not operation]

    def opens(*granted):
        own = [grant(key, kind, principal, *granted) for key in keys]
        is_retiring = operation.name == "retire-grant"
        mine = {"key_id": keys[0].key_id, "grant_id": own[0].grant_id} if is_retiring else request
        with transaction.atomic():
            answer = is_open(operation, caller, mine)
            transaction.set_rollback(True)
        Grant.objects.filter(pk__in=[each.pk for each in own]).delete()
        return answer

    assert not opens(*others)
    if operation.grantable:
        assert opens(operation.name)


def is_open(operation, caller, request) -> bool:
    try:
        perform(operation, caller, request)
    except KmsError as error:
        assert error.code in (errors.NO_KEY_PERMISSION, errors.KEY_NOT_FOUND)
        # He got in, and is told that he cannot pass on what he does not have.
        return operation.name == "create-grant" and error.field == "operations"
    return True


@named([operation for operation in OPEN if operation not in ABOUT_A_KEY])
def test_no_grant_opens_what_is_about_no_key(operation, alice, nobody):
    key = a_key(alice)
    grant(key, GranteeKind.USER, nobody.user_id, *[granted.name for granted in GRANTABLE])

    with pytest.raises(KmsError) as caught:
        perform(operation, nobody, RIGHT[operation.name](alice))

    assert caught.value.code.status == 403


@named([operation for operation in ABOUT_A_KEY if not operation.grantable])
def test_no_grant_opens_management_whatever_its_row_says(operation, alice, nobody):
    """A row may be older than the rule, or come from another hand."""
    request = RIGHT[operation.name](alice)
    for key in Key.objects.filter(project_id=alice.project_id):
        grant(key, GranteeKind.USER, nobody.user_id, operation.name)

    with refused(errors.NO_KEY_PERMISSION):
        perform(operation, nobody, request)


@named(GRANTABLE)
def test_a_grant_reaches_no_other_key_of_the_project(operation, alice, grantee):
    caller, kind, principal = grantee
    request = RIGHT[operation.name](alice)
    other = a_key(alice)
    grant(other, kind, principal, *[granted.name for granted in GRANTABLE])

    expected = errors.KEY_NOT_FOUND if caller.project_id != alice.project_id else errors.NO_KEY_PERMISSION
    with refused(expected):
        perform(operation, caller, request)


@named(GRANTABLE)
def test_a_grant_to_somebody_else_opens_nothing(operation, alice, nobody, bob, mallory):
    """Neither does an id in the wrong role: a user's where an account's is meant, and the reverse."""
    request = RIGHT[operation.name](alice)
    for key in Key.objects.filter(project_id=alice.project_id):
        grant(key, GranteeKind.USER, bob.user_id, operation.name)
        grant(key, GranteeKind.USER, nobody.account_id, operation.name)
        grant(key, GranteeKind.DOMAIN, nobody.user_id, operation.name)
        grant(key, GranteeKind.USER, mallory.account_id, operation.name)
        grant(key, GranteeKind.DOMAIN, mallory.user_id, operation.name)

    with refused(errors.NO_KEY_PERMISSION):
        perform(operation, nobody, request)
    with refused(errors.KEY_NOT_FOUND):
        perform(operation, mallory, request)


@named(GRANTABLE)
def test_an_explicit_deny_beats_a_grant(operation, alice, grantee):
    caller, kind, principal = grantee
    request = RIGHT[operation.name](alice)
    for key in Key.objects.filter(project_id=alice.project_id):
        grant(key, kind, principal, operation.name)
    denied = replace(caller, rights=Rights((Statement(True, ("*",)), Statement(False, (operation.action,)))))

    with refused(errors.NO_KEY_PERMISSION, hint=operation.action):
        perform(operation, denied, request)


def test_a_deny_in_ones_own_enterprise_project_says_nothing_of_a_foreign_key(alice, mallory):
    """The default enterprise project of every account bears the same id on the wire."""
    key = a_key(alice)
    grant(key, GranteeKind.USER, mallory.user_id, "describe-key")
    denied = replace(mallory, rights=Rights((Statement(False, ("kms:cmk:get",), "0"),)))

    assert perform(RIGHT_OPERATION["describe-key"], denied, {"key_id": key.key_id}).pk == key.pk


@named(GRANTABLE)
def test_a_grant_is_used_through_the_api_alone(operation, alice, grantee):
    caller, kind, principal = grantee
    request = RIGHT[operation.name](alice)
    for key in Key.objects.filter(project_id=alice.project_id):
        grant(key, kind, principal, operation.name)

    expected = errors.KEY_NOT_FOUND if caller.project_id != alice.project_id else errors.NO_KEY_PERMISSION
    with refused(expected):
        perform(operation, replace(caller, kind=Kind.CONSOLE), request)


RIGHT_OPERATION = {operation.name: operation for operation in OPEN}
