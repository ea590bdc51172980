"""The life of an access key after its making: listed, disabled, enabled, deleted, by owner or operator (SEC-045)."""

import csv
import io
import json
import logging

import pytest
from django.contrib.sessions.models import Session
from django.core.management import CommandError
from django.db import transaction
from django.test import Client

from iam.models import AccessKey, Assignment
from iam.services import access_keys
from operations.caller import Kind
from operations.models import Trace
from tests import factories
from tests.factories import PASSWORD
from tests.iam.signing import Pair, alice, by_sdk, own_memory, pair, pair_of, send
from tests.iam.test_commands import run
from tests.operations.stage import strong_room, the_clock
from vault import hierarchy
from vault.errors import Sealed

__all__ = ["alice", "own_memory", "pair", "send", "strong_room", "the_clock"]

pytestmark = pytest.mark.django_db

PAGE = "/console/credentials/access-keys"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def works(send, the_clock):
    """Whether a request that the pair signs is heard."""

    def works(pair) -> bool:
        the_clock.advance(seconds=1)
        target = f"/v1.0/{factories.project().pk}/kms/list-keys"
        signed = by_sdk(pair, "POST", target, at=the_clock.at, headers={"Content-Type": "application/json"}, body=b"{}")
        response = send("POST", target, signed.header_params, b"{}")
        assert response.status_code in (200, 401), response.content
        return response.status_code == 200

    return works


@pytest.fixture
def alice_in(client, alice):
    return factories.sign_in(client, alice)


def create(client, password=PASSWORD, **more):
    return client.post(f"{PAGE}/create", {"password": password, **more})


def change(client, act, pair, **data):
    return client.post(f"{PAGE}/{pair.ak}/{act}", data)


def rows(client):
    return [row.ak for row in client.get(PAGE).context["access_keys"]]


def traces():
    """Of access keys, apart from their making by `pair_of`."""
    told = Trace.objects.filter(name__endswith="Credential").exclude(name="createCredential", kind="SystemAction")
    return [(trace.name, trace.kind, trace.rating, trace.request) for trace in told.order_by("time")]


def told(client):
    return client.get(PAGE).content.decode()


# --- the services -------------------------------------------------------------------------------------------------


def each_change_is_felt_at_once(pair, works, alice):
    row, by = AccessKey.objects.get(), factories.caller(alice)
    assert works(pair)

    access_keys.disable(row, by=by)
    assert not works(pair)
    access_keys.enable(row, by=by)
    assert works(pair)
    access_keys.delete(row, by=by)
    assert not works(pair)
    return True


def test_a_disabled_pair_signs_nothing_and_an_enabled_one_does_again(pair, works, alice):
    assert each_change_is_felt_at_once(pair, works, alice)


def test_every_change_leaves_a_trace_about_its_owner(strong_room, alice):
    by = factories.caller(alice, kind=Kind.CONSOLE)
    row = access_keys.create(alice, by=by).access_key

    access_keys.disable(row, by=by)
    access_keys.enable(row, by=by)
    access_keys.delete(row, by=by)

    assert traces() == [
        ("createCredential", "ConsoleAction", "normal", {"access_key": row.ak}),
        ("updateCredential", "ConsoleAction", "normal", {"access_key": row.ak, "status": "inactive"}),
        ("updateCredential", "ConsoleAction", "normal", {"access_key": row.ak, "status": "active"}),
        ("deleteCredential", "ConsoleAction", "normal", {"access_key": row.ak}),
    ]
    assert set(Trace.objects.values_list("resource_type", "resource_id", "user_name")) == {("user", alice.pk, "alice")}


def test_what_changes_nothing_leaves_no_trace(pair, alice):
    access_keys.enable(AccessKey.objects.get(), by=factories.caller(alice))

    assert traces() == []


@pytest.mark.parametrize("act", ["create", "disable", "delete"])
@pytest.mark.django_db(transaction=True)
def test_a_change_that_cannot_be_traced_is_not_made(pair, alice, monkeypatch, act):
    def fails(*args, **details):
        raise OSError("no room for traces")

    monkeypatch.setattr(access_keys, "record_event", fails)
    row, by = AccessKey.objects.get(), factories.caller(alice)

    with pytest.raises(OSError, match="no room"):
        getattr(access_keys, act)(alice if act == "create" else row, by=by)

    assert list(AccessKey.objects.values_list("ak", "status")) == [(pair.ak, "active")]


@pytest.mark.parametrize("act", ["enable", "disable", "delete"])
def test_a_pair_that_was_deleted_meanwhile_cannot_be_changed(pair, alice, act):
    row = AccessKey.objects.get()
    AccessKey.objects.all().delete()

    with pytest.raises(access_keys.UnknownAccessKey):
        getattr(access_keys, act)(row, by=factories.caller(alice))
    assert traces() == []


def test_a_list_reads_no_secret(pair, alice, django_assert_num_queries):
    pair_of(alice)

    with django_assert_num_queries(1):
        listed = list(access_keys.listed(alice.pk))
        assert [row.user.account.name for row in listed] == ["acme", "acme"]

    assert all("sk_sealed" in row.get_deferred_fields() for row in listed)


def test_a_deleted_pair_leaves_room_for_another(pair, alice, the_clock):
    the_clock.advance(days=1)
    other = pair_of(alice)
    the_clock.advance(days=1)
    by = factories.caller(alice)
    with pytest.raises(access_keys.TooManyAccessKeys), transaction.atomic():
        access_keys.create(alice, by=by)

    access_keys.delete(access_keys.named(pair.ak), by=by)

    new = access_keys.create(alice, by=by).access_key
    assert [row.ak for row in access_keys.listed(alice.pk)] == [other.ak, new.ak]


@pytest.mark.django_db(transaction=True)
def test_a_process_that_remembers_the_pair_feels_each_change_at_its_next_request(pair, works, alice):
    Assignment.objects.get(user=alice).save()  # before a first change nothing is remembered
    assert works(pair)  # and is remembered

    assert each_change_is_felt_at_once(pair, works, alice)


# --- the page -----------------------------------------------------------------------------------------------------


def test_who_has_no_access_key_is_told_what_they_are_for(alice_in):
    page = told(alice_in)

    assert "No access keys." in page
    assert f'hx-get="{PAGE}/create"' in page


def test_one_s_own_pairs_are_listed_with_status_and_last_use(alice_in, pair, alice, works, the_clock):
    the_clock.advance(minutes=5)
    works(pair)
    access_keys.write_uses()
    other = pair_of(alice)
    pair_of(factories.bob())
    access_keys.disable(access_keys.named(other.ak), by=factories.caller(alice))

    page = told(alice_in)

    assert rows(alice_in) == [pair.ak, other.ak]
    assert f'datetime="{the_clock.at:%Y-%m-%dT%H:%M:%S}' in page
    assert f'aria-label="Disable {pair.ak}"' in page
    assert f'aria-label="Enable {other.ak}"' in page
    assert page.count('class="status enabled"') == page.count('class="status disabled"') == 1


def test_both_tabs_lead_to_each_other(alice_in):
    assert f'href="{PAGE}"' in alice_in.get("/console/credentials").content.decode()
    assert 'href="/console/credentials"' in told(alice_in)
    assert f'<a href="{PAGE}" aria-current="page">' in told(alice_in)


def test_the_page_costs_a_bounded_number_of_queries(alice_in, alice, django_assert_max_num_queries):
    pair_of(alice), pair_of(alice)

    # session, user, rights, access keys, projects of selector, enterprise projects
    with django_assert_max_num_queries(8):
        alice_in.get(PAGE)


def test_nobody_sees_it_without_signing_in(client, pair):
    for address in (PAGE, f"{PAGE}/create", f"{PAGE}/{pair.ak}/disable"):
        assert client.get(address)["Location"].startswith("/console/login")
        assert client.post(address)["Location"].startswith("/console/login")
    assert AccessKey.objects.get().status == "active"


# --- creating -----------------------------------------------------------------------------------------------------


def test_the_password_makes_a_pair_that_works(alice_in, works):
    response = create(alice_in)

    created = response.context["created"]
    page = response.content.decode()
    assert response.status_code == 200
    assert created.access_key.ak in page
    assert created.secret_key in page
    assert works(Pair(created.access_key.ak, created.secret_key))


def test_the_file_is_the_one_that_the_cloud_s_console_gives(alice_in):
    response = create(alice_in)

    created = response.context["created"]
    read = list(csv.reader(io.StringIO(response.context["file"])))
    assert read == [
        ["User Name", "Access Key Id", "Secret Access Key"],
        ["alice", created.access_key.ak, created.secret_key],
    ]
    assert 'data-save-as="credentials.csv"' in response.content.decode()


@pytest.mark.parametrize(
    ("name", "cell"), [("=1+1", "'=1+1"), ("@sum", "'@sum"), ('o"neill, j.', 'o"neill, j.'), ("Jürgen", "Jürgen")]
)
def test_a_name_is_no_formula_in_the_file(client, strong_room, name, cell):
    response = create(factories.sign_in(client, factories.user(name)))

    assert list(csv.reader(io.StringIO(response.context["file"])))[1][0] == cell


def test_the_secret_is_told_once_and_kept_nowhere_it_could_be_read(alice_in, caplog, tmp_path):
    caplog.set_level(logging.DEBUG)
    response = create(alice_in)
    secret = response.context["created"].secret_key

    assert response["Cache-Control"] == "no-store"
    assert "Location" not in response
    left = [told(alice_in), alice_in.get(f"{PAGE}/create").content.decode(), str(response.headers)]
    left += [json.dumps(dict(alice_in.session)), str(alice_in.cookies)]
    left += [str(row) for model in (Trace, AccessKey, Session) for row in model.objects.values()]
    left += [f"{record.getMessage()} {record.__dict__}" for record in caplog.records]
    left += [path.read_bytes().decode("latin-1") for path in tmp_path.iterdir() if path.is_file()]
    assert not any(secret in text or secret.encode().hex() in text for text in left)
    assert not any(PASSWORD in text for text in left)


@pytest.mark.parametrize("password", ["wrong harbour altogether", "", "x" * 5000])
def test_without_the_password_there_is_no_pair(alice_in, password):
    response = create(alice_in, password)

    assert response.status_code == 422
    assert response.context["form"].errors["password"]
    assert not AccessKey.objects.exists()
    assert password == "" or password not in response.content.decode()


def test_a_wrong_password_leaves_a_trace_and_no_secret(alice_in):
    create(alice_in, "wrong harbour altogether")

    assert [trace[:3] for trace in traces()] == [("createCredential", "ConsoleAction", "warning")]
    assert "wrong harbour" not in str(Trace.objects.values())


def test_guessing_at_the_password_is_slowed_down_as_at_the_sign_in_page(alice_in, client):
    for _ in range(5):
        create(alice_in, "wrong harbour altogether")

    response = create(alice_in)

    assert response.status_code == 422
    assert "Try again in" in response.content.decode()
    assert not AccessKey.objects.exists()


def test_there_is_no_third_pair(alice_in, alice, pair):
    pair_of(alice)

    response = create(alice_in)

    assert response.status_code == 422
    assert response.context["form"].non_field_errors() == ["You have two access keys already. Delete one first."]
    assert AccessKey.objects.count() == 2
    assert alice_in.get(f"{PAGE}/create")["Location"] == PAGE
    assert 'aria-disabled="true"' in told(alice_in)


def test_no_pair_is_made_while_the_vault_is_sealed(alice_in, monkeypatch):
    def sealed(*args):
        raise Sealed("no root key")

    monkeypatch.setattr(hierarchy, "opened_service_key", sealed)

    assert create(alice_in).status_code == 503
    assert not AccessKey.objects.exists()


def test_a_dialog_for_htmx_and_a_page_for_everybody_else(alice_in):
    dialog = alice_in.get(f"{PAGE}/create", headers=HTMX).content.decode()
    page = alice_in.get(f"{PAGE}/create").content.decode()

    assert dialog.lstrip().startswith("<dialog")
    assert page.lstrip().startswith("<!doctype html>")
    made = alice_in.post(f"{PAGE}/create", {"password": PASSWORD}, headers=HTMX).content.decode()
    assert f'hx-get="{PAGE}" hx-trigger="load" hx-target="#access-keys"' in made


def test_the_list_alone_comes_to_who_swaps_it(alice_in, pair):
    part = alice_in.get(PAGE, headers={**HTMX, "HX-Target": "access-keys"}).content.decode()

    assert part.lstrip().startswith("<section")
    assert pair.ak in part


# --- changing -----------------------------------------------------------------------------------------------------


def test_a_leaked_pair_is_switched_off_on_the_page_and_on_again(alice_in, pair, works):
    assert works(pair)

    assert change(alice_in, "disable", pair)["Location"] == PAGE
    assert not works(pair)
    assert "Access key disabled successfully" in told(alice_in)
    assert change(alice_in, "enable", pair, next=PAGE)["Location"] == PAGE
    assert works(pair)
    assert [trace[:2] for trace in traces()] == [("updateCredential", "ConsoleAction")] * 2


def test_deleting_wants_the_word(alice_in, pair):
    refused = change(alice_in, "delete", pair, confirm="delete")

    assert refused.status_code == 422
    assert AccessKey.objects.exists()
    assert change(alice_in, "delete", pair, confirm="DELETE")["Location"] == PAGE
    assert "Access key deleted successfully" in told(alice_in)
    assert rows(alice_in) == []


@pytest.mark.parametrize("act", ["enable", "disable", "delete"])
def test_a_dialog_says_which_pair_it_is_about(alice_in, pair, act):
    assert pair.ak in alice_in.get(f"{PAGE}/{pair.ak}/{act}").content.decode()


@pytest.mark.parametrize("act", ["enable", "disable", "delete"])
@pytest.mark.parametrize("whose", ["another's", "nobody's"])
def test_another_s_pair_is_as_if_it_were_not_there(alice_in, strong_room, act, whose):
    other = pair_of(factories.bob())
    ak = other.ak if whose == "another's" else "A" * 20
    before = list(AccessKey.objects.values())

    for method in (alice_in.get, alice_in.post):
        response = method(f"{PAGE}/{ak}/{act}", {"confirm": "DELETE"})
        assert (response.status_code, response["Location"]) == (302, PAGE)
        assert "The access key does not exist." in told(alice_in)

    assert list(AccessKey.objects.values()) == before
    assert traces() == []


def test_a_change_is_no_link(alice_in, pair):
    for act in ("disable", "delete"):
        alice_in.get(f"{PAGE}/{pair.ak}/{act}")

    assert AccessKey.objects.get().status == "active"


def test_another_site_cannot_change_anything(pair, alice):
    strict = factories.sign_in(Client(enforce_csrf_checks=True), alice)

    assert change(strict, "disable", pair).status_code == 403
    assert create(strict).status_code == 403
    assert AccessKey.objects.get().status == "active"


# --- what an operator types ---------------------------------------------------------------------------------------


def test_an_operator_sees_whose_pairs_there_are(pair, alice, works):
    works(pair)
    bobs = pair_of(factories.bob())
    pair_of(factories.mallory())

    lines = run("list_access_keys").splitlines()

    assert lines[0].split() == ["AK", "STATUS", "CREATED", "LAST", "USED", "ACCOUNT", "USER"]
    assert [line.split()[-1] for line in lines[1:]] == ["alice", "bob", "mallory"]
    assert lines[2].split()[:2] == [bobs.ak, "active"]
    assert lines[2].split()[3] == "--"
    assert len(run("list_access_keys", "bob").splitlines()) == 2
    assert len(run("list_access_keys", "--account", "acme").splitlines()) == 3


def test_the_list_as_json_has_no_secret(pair, alice):
    (row,) = json.loads(run("list_access_keys", "alice", "--format", "json"))

    assert set(row) == {"ak", "status", "created", "last_used", "account", "user"}
    assert (row["ak"], row["status"], row["last_used"]) == (pair.ak, "active", None)
    assert row["created"].endswith("Z")


def test_an_operator_switches_a_pair_off_and_on_and_deletes_it(pair, works):
    assert run("disable_access_key", pair.ak) == f"Access key {pair.ak} of alice (acme) is disabled.\n"
    assert not works(pair)
    assert "is enabled." in run("enable_access_key", pair.ak)
    assert works(pair)
    assert "is deleted." in run("delete_access_key", pair.ak)
    assert not works(pair)

    assert [trace[:2] for trace in traces()] == [
        ("updateCredential", "SystemAction"),
        ("updateCredential", "SystemAction"),
        ("deleteCredential", "SystemAction"),
    ]


@pytest.mark.parametrize("command", ["enable_access_key", "disable_access_key", "delete_access_key"])
def test_an_operator_who_mistypes_is_told_so(pair, command):
    with pytest.raises(CommandError, match="There is no access key AKNONE"):
        run(command, "AKNONE")


def test_an_unknown_user_or_account_has_no_list(pair):
    with pytest.raises(CommandError, match="There is no user nobody"):
        run("list_access_keys", "nobody")
    with pytest.raises(CommandError, match="There is no account nowhere"):
        run("list_access_keys", "--account", "nowhere")
