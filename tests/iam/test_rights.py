"""From policies to what a user may do."""

import pytest
from django.db import IntegrityError, transaction

from iam import rights
from iam.models import Assignment, Group, Membership
from tests import factories

pytestmark = pytest.mark.django_db

DEFAULT = "0"


def may(user, action, *, project=None, enterprise_project=DEFAULT):
    return rights.rights_in(user.pk, project or factories.project()).allow(action, enterprise_project)


def test_the_owner_may_do_everything_with_keys():
    alice = factories.alice()

    assert all(may(alice, action) for action in rights.EVERY_KEY_ACTION)


def test_the_reader_may_list_and_get_and_nothing_else():
    bob = factories.bob()

    allowed = {action for action in rights.EVERY_KEY_ACTION if may(bob, action)}

    assert allowed == {*rights.READING, *rights.LISTING_GRANTS}


def test_nothing_is_allowed_by_default():
    nobody = factories.user("nobody")

    assert not any(may(nobody, action) for action in rights.EVERY_KEY_ACTION)


def test_a_stranger_may_do_nothing_in_anothers_project():
    mallory = factories.mallory()

    assert not any(may(mallory, action, project=factories.project()) for action in rights.EVERY_KEY_ACTION)


def test_who_administers_identities_cannot_use_keys():
    admin = factories.user("iam-admin", policies=("Security Administrator",))

    assert may(admin, "iam:users:create")
    assert not any(may(admin, action) for action in rights.EVERY_KEY_ACTION)


def test_an_auditor_reads_traces_only():
    auditor = factories.user("auditor", policies=("CTS Auditor",))

    assert may(auditor, "cts:trace:list")
    assert not any(may(auditor, action) for action in rights.EVERY_KEY_ACTION)


def test_who_uses_keys_cannot_administer_or_import_them():
    crypto = factories.user("crypto", policies=("KMS CMK Crypto User",))

    assert all(may(crypto, action) for action in rights.USE)
    assert not any(may(crypto, action) for action in (*rights.KEYS, *rights.MATERIAL, *rights.GRANTS))


def test_a_group_passes_its_policies_to_its_members():
    carol = factories.user("carol")
    group = Group.objects.create(account=carol.account, name="custodians")
    Assignment.objects.create(group=group, policy=rights.install_built_in()["KMS Administrator"], account=carol.account)
    assert not may(carol, "kms:cmk:create")

    Membership.objects.create(user=carol, group=group)

    assert may(carol, "kms:cmk:create")


def test_an_assignment_for_one_project_holds_in_no_other():
    carol = factories.user("carol")
    here, elsewhere = factories.project("eu-de_here"), factories.project("eu-de_elsewhere")

    factories.allow(carol, "KMS Administrator", in_project=here)

    assert may(carol, "kms:cmk:create", project=here)
    assert not may(carol, "kms:cmk:create", project=elsewhere)


def test_an_assignment_for_one_enterprise_project_holds_for_its_keys_only():
    carol = factories.user("carol")
    payments = factories.enterprise_project("payments")

    factories.allow(carol, "KMS Administrator", in_enterprise_project=payments)

    assert may(carol, "kms:cmk:create", enterprise_project=payments.wire_id)
    assert not may(carol, "kms:cmk:create", enterprise_project=DEFAULT)


def test_the_default_enterprise_project_goes_by_its_wire_id():
    carol = factories.user("carol")
    default = factories.account().enterprise_projects.get(name="default")

    factories.allow(carol, "KMS Administrator", in_enterprise_project=default)

    assert default.wire_id == DEFAULT
    assert may(carol, "kms:cmk:create", enterprise_project=DEFAULT)
    assert not may(carol, "kms:cmk:create", enterprise_project=factories.enterprise_project().wire_id)


def test_an_explicit_deny_wins_over_every_allow():
    carol = factories.user("carol", policies=("KMS Administrator",))

    factories.allow(carol, factories.policy("no disabling", ("Allow", "kms:*"), ("Deny", "kms:cmk:disable")))

    assert may(carol, "kms:cmk:enable")
    assert not may(carol, "kms:cmk:disable")


def test_a_deny_in_one_enterprise_project_leaves_the_others_alone():
    carol = factories.user("carol", policies=("KMS Administrator",))
    payments = factories.enterprise_project("payments")

    deny = factories.policy("hands off", ("Deny", "kms:*:*"))
    factories.allow(carol, deny, in_enterprise_project=payments)

    assert not may(carol, "kms:cmk:get", enterprise_project=payments.wire_id)
    assert may(carol, "kms:cmk:get", enterprise_project=DEFAULT)


def test_a_built_in_policy_that_this_version_does_not_know_allows_nothing():
    carol = factories.user("carol")
    from iam.models import Policy

    factories.allow(carol, Policy.objects.create(name="KMS Of The Future", document={}))

    assert rights.rights_in(carol.pk, factories.project()).statements == ()


def test_rights_cost_one_query_however_many_policies(django_assert_num_queries):
    carol = factories.user("carol", policies=tuple(rights.BUILT_IN))
    for number in range(5):
        group = Group.objects.create(account=carol.account, name=f"group {number}")
        Membership.objects.create(user=carol, group=group)
        Assignment.objects.create(
            group=group, policy=rights.install_built_in()["KMS CMKReadOnlyAccess"], account=carol.account
        )
    project = factories.project()

    with django_assert_num_queries(1):
        rights.rights_in(carol.pk, project)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"user": True},
        {"user": True, "account": True, "project": True},
        {"user": True, "group": True, "account": True},
        {"account": True},
    ],
    ids=lambda fields: "+".join(fields) or "nothing",
)
def test_the_database_refuses_an_assignment_without_one_holder_and_one_scope(fields):
    carol = factories.user("carol")
    things = {
        "user": carol,
        "group": Group.objects.create(account=carol.account, name="some"),
        "account": carol.account,
        "project": factories.project(),
    }
    policy = rights.install_built_in()["KMS Administrator"]

    with pytest.raises(IntegrityError), transaction.atomic():
        Assignment.objects.create(policy=policy, **{name: things[name] for name in fields})


def test_every_action_that_an_operation_asks_for_belongs_to_the_owner():
    from kmsconsole.urls import OPERATIONS

    asked_for = {operation.action for operation in OPERATIONS if operation.action is not None}
    of_keys = {action for action in asked_for if action.startswith("kms:")}

    assert of_keys
    assert of_keys <= set(rights.BUILT_IN["KMS Administrator"])
    assert {action.partition(":")[0] for action in asked_for - of_keys} == {"eps"}
    assert "eps:*:*" in rights.BUILT_IN["Security Administrator"]


def test_installing_the_built_in_policies_twice_adds_none():
    first = rights.install_built_in()

    assert rights.install_built_in() == first
