"""What an operator types: the first start, users, passwords, access keys."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from iam import rights
from iam.models import AccessKey, Assignment, Token, User
from iam.services import access_keys, users
from operations.models import Trace
from projects.models import Account, EnterpriseProject, Project, Region
from tests import factories
from vault import initialisation, sealing
from vault.errors import OpenFailed

pytestmark = pytest.mark.django_db


def run(*arguments, **options):
    out = StringIO()
    call_command(*arguments, stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def first_start(settings):
    settings.KMS_REGION, settings.KMS_ACCOUNT, settings.KMS_ADMIN_USER = "eu-de", "acme", "admin"
    settings.KMS_ADMIN_PASSWORD = None
    return settings


@pytest.fixture
def vault(db):
    initialisation.initialise(use_existing_root=True)


def told(text):
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


def test_the_first_start_makes_somewhere_for_keys_to_be_and_somebody_who_may_make_them(first_start):
    lines = told(run("bootstrap"))

    account = Account.objects.get()
    project = Project.objects.get()
    assert (account.name, project.name, project.region_id) == ("acme", "eu-de", "eu-de")
    default = EnterpriseProject.objects.get()
    assert (default.name, default.wire_id, default.account) == ("default", "0", account)
    admin = User.objects.get()
    assert lines["Account"].strip() == "acme"
    assert lines["User"].strip() == "admin"
    assert lines["Address"].strip().startswith("http://127.0.0.1:")
    assert admin.check_password(lines["One-time password"].strip())
    assert admin.must_change_password
    may = rights.rights_in(admin.pk, project).allow
    assert may("kms:cmk:importMaterial", "0")
    assert may("iam:users:create", "0")


def test_a_second_start_changes_and_tells_nothing(first_start):
    run("bootstrap")
    before = User.objects.get().password

    assert run("bootstrap") == ""

    assert User.objects.get().password == before
    assert Project.objects.count() == EnterpriseProject.objects.count() == Region.objects.count() == 1


def test_an_operators_own_password_is_not_repeated_and_need_not_be_changed(first_start):
    first_start.KMS_ADMIN_PASSWORD = "chosen by the operator"

    text = run("bootstrap")

    admin = User.objects.get()
    assert admin.check_password("chosen by the operator")
    assert not admin.must_change_password
    assert "chosen by" not in text


def test_a_weak_password_of_an_operator_stops_the_first_start_whole(first_start):
    first_start.KMS_ADMIN_PASSWORD = "admin"

    with pytest.raises(CommandError, match=r"KMS_ADMIN_PASSWORD.*too short"):
        run("bootstrap")

    assert not User.objects.exists()
    assert not Account.objects.exists()


def test_without_a_first_start_nobody_can_sign_in(client, db):
    response = client.post("/console/login", {"account": "acme", "name": "admin", "password": "admin"})

    assert response.status_code == 422


def test_two_first_starts_have_two_passwords(first_start):
    passwords = set()
    for _ in range(2):
        with transaction.atomic():
            passwords.add(told(run("bootstrap"))["One-time password"].strip())
            transaction.set_rollback(True)

    assert len(passwords) == 2


def test_an_access_key_is_told_once_as_json(vault, cast):
    made = json.loads(run("create_access_key", "alice", "--format", "json"))

    assert set(made) == {"ak", "sk", "user", "domain", "project_id", "region", "endpoint"}
    assert (made["user"], made["domain"], made["region"]) == ("alice", "acme", "eu-de")
    assert made["project_id"] == factories.project().pk
    assert len(made["sk"]) == 40
    assert access_keys.secret_key(AccessKey.objects.get(ak=made["ak"])) == made["sk"].encode()


def test_the_secret_key_is_not_in_the_database(vault, cast):
    made = json.loads(run("create_access_key", "alice", "--format", "json"))

    assert made["sk"].encode() not in bytes(AccessKey.objects.get().sk_sealed)


def test_a_sealed_secret_key_does_not_open_under_another_access_key(vault, cast):
    for _ in range(2):
        run("create_access_key", "alice")
    one, two = AccessKey.objects.all()

    with pytest.raises(OpenFailed):
        sealing.open(access_keys._binding(one.ak), bytes(two.sk_sealed))


def test_a_user_has_two_access_keys_at_most(vault, cast):
    run("create_access_key", "alice")
    run("create_access_key", "alice")

    with pytest.raises(CommandError, match="two access keys already"):
        run("create_access_key", "alice")
    with pytest.raises(IntegrityError), transaction.atomic():
        AccessKey.objects.create(ak="THIRD", user=cast.alice, slot=3, sk_sealed=b"")


def test_the_project_of_an_access_key_can_be_chosen(vault, cast):
    staging = factories.project("eu-de_staging")

    made = json.loads(run("create_access_key", "alice", "--project", "eu-de_staging", "--format", "json"))

    assert made["project_id"] == staging.pk
    with pytest.raises(CommandError, match="has no project nowhere"):
        run("create_access_key", "alice", "--project", "nowhere")


def test_a_name_that_several_accounts_have_needs_its_account(vault, cast):
    factories.user("alice", account_name="mallory-and-sons")

    with pytest.raises(CommandError, match="Several accounts"):
        run("create_access_key", "alice")
    made = json.loads(run("create_access_key", "alice", "--account", "acme", "--format", "json"))
    assert made["domain"] == "acme"


def test_an_unknown_user_has_no_access_key(vault):
    with pytest.raises(CommandError, match="There is no user nobody"):
        run("create_access_key", "nobody")


def test_a_new_user_gets_a_one_time_password_and_policies(cast):
    lines = told(run("create_user", "carol", "--account", "acme", "--policy", "KMS CMKReadOnlyAccess"))

    carol = users.find("carol")
    assert carol.check_password(lines["One-time password"].strip())
    assert carol.must_change_password
    assert rights.rights_in(carol.pk, factories.project()).allow("kms:cmk:list", "0")


def test_a_name_is_taken_once_an_account(cast):
    with pytest.raises(CommandError, match="already exists"):
        run("create_user", "alice", "--account", "acme")


def test_where_there_are_several_accounts_one_must_be_named(cast):
    with pytest.raises(CommandError, match="--account"):
        run("create_user", "carol")


def test_a_lost_password_is_replaced_and_tokens_die_with_it(cast):
    factories.token(cast.bob)

    lines = told(run("reset_password", "bob"))

    bob = User.objects.get(pk=cast.bob.pk)
    assert bob.check_password(lines["One-time password"].strip())
    assert bob.must_change_password
    assert Token.objects.get().password_epoch != bob.password_epoch


def the_trace(name):
    """The one trace of that name; whose it is, about whom, and all that it says."""
    trace = Trace.objects.get(name=name)
    said = " ".join(str(value) for value in Trace.objects.filter(pk=trace.pk).values().get().values())
    return trace, said


def test_making_a_user_leaves_a_trace_of_the_system_without_the_password(cast):
    lines = told(run("create_user", "carol", "--account", "acme", "--policy", "KMS CMKReadOnlyAccess"))

    trace, said = the_trace("createUser")
    carol = users.find("carol")
    assert (trace.kind, trace.user_name, trace.rating) == ("SystemAction", "system", "normal")
    assert (trace.account_id, trace.resource_type, trace.resource_id, trace.resource_name) == (
        carol.account_id,
        "user",
        carol.pk,
        "carol",
    )
    assert trace.request == {"policies": ["KMS CMKReadOnlyAccess"]}
    assert lines["One-time password"].strip() not in said
    assert carol.password not in said


def test_giving_a_new_password_leaves_a_trace_of_the_system_without_it(cast):
    lines = told(run("reset_password", "bob"))

    trace, said = the_trace("resetPassword")
    bob = User.objects.get(pk=cast.bob.pk)
    assert (trace.kind, trace.user_name, trace.rating) == ("SystemAction", "system", "normal")
    assert (trace.account_id, trace.resource_type, trace.resource_id) == (bob.account_id, "user", bob.pk)
    assert lines["One-time password"].strip() not in said
    assert bob.password not in said


def test_the_first_administrator_is_made_with_a_trace(first_start):
    first_start.KMS_ADMIN_PASSWORD = "chosen by the operator"

    run("bootstrap")

    trace, said = the_trace("createUser")
    assert (trace.kind, trace.resource_id) == ("SystemAction", User.objects.get().pk)
    assert trace.request == {"policies": list(rights.FIRST_ADMINISTRATOR)}
    assert "chosen by" not in said


@pytest.mark.parametrize("command", [("create_user", "carol", "--account", "acme"), ("reset_password", "bob")])
def test_identities_do_not_change_without_a_trace(cast, monkeypatch, command):
    def fails(*args, **members):
        raise RuntimeError("the trail cannot be written")

    monkeypatch.setattr(users, "record_event", fails)
    before = User.objects.get(pk=cast.bob.pk).password, Assignment.objects.count()

    with pytest.raises(RuntimeError):
        run(*command)

    assert (User.objects.get(pk=cast.bob.pk).password, Assignment.objects.count()) == before
    assert not User.objects.filter(name="carol").exists()


def test_a_user_that_could_not_be_made_leaves_nothing(cast):
    with pytest.raises(CommandError):
        run("create_user", "alice", "--account", "acme")

    assert not Trace.objects.filter(name="createUser").exists()
