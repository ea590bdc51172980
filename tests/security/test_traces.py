"""Every call leaves its trace, or fails (SEC-060)."""

from __future__ import annotations

import json

import pytest
from django.db import connection, transaction

from iam.rights import LISTING_GRANTS, READING
from keys.models import Key
from kmsconsole.urls import OPERATIONS
from operations import errors, journal
from operations.errors import KmsError
from operations.models import Trace
from operations.perform import perform
from tests import factories
from tests.operations.stage import a_key, refused
from tests.security.requests import RIGHT

OPEN = [operation for operation in OPERATIONS if operation.action is not None]


def named(operations):
    return pytest.mark.parametrize("operation", operations, ids=lambda operation: operation.name)


def traces_of(operation):
    return Trace.objects.filter(name=operation.trace)


@pytest.fixture
def no_room_for_traces():
    """From when it is called, no trace can be written."""

    def break_the_table():
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TRIGGER full BEFORE INSERT ON operations_trace BEGIN SELECT RAISE(ABORT, 'no room'); END"
            )

    return break_the_table


@named(OPEN)
def test_a_success_leaves_one_trace_of_who_did_what_and_when(operation, alice, the_clock):
    request = RIGHT[operation.name](alice)
    before = traces_of(operation).count()

    perform(operation, alice, request)

    assert traces_of(operation).count() == before + 1
    trace = traces_of(operation).order_by("time").last()
    assert (trace.rating, trace.response_code, trace.code) == ("normal", operation.status, "")
    assert (trace.user_id, trace.user_name, trace.kind) == (alice.user_id, "alice", "ApiCall")
    assert (trace.source_ip, trace.agent, trace.request_id) == ("192.0.2.7", "tests", "0" * 32)
    assert (trace.account_id, trace.project_id, trace.region_id) == (alice.account_id, alice.project_id, "eu-de")
    assert trace.time == the_clock.at
    assert trace.resource_type in ("cmk", "rng", "project", "enterpriseProject")


@named(OPEN)
def test_a_refusal_for_want_of_rights_leaves_one_too(operation, alice):
    nobody = factories.caller(factories.user("nobody"))
    request = RIGHT[operation.name](alice)

    with pytest.raises(KmsError) as caught:
        perform(operation, nobody, request)

    trace = traces_of(operation).get(user_name="nobody")
    assert (trace.rating, trace.response_code, trace.code) == ("warning", 403, caught.value.code.code)


@named(OPEN)
def test_a_call_whose_trace_cannot_be_written_fails_and_changes_nothing(operation, alice, no_room_for_traces):
    request = RIGHT[operation.name](alice)
    before = list(Key.objects.values())
    no_room_for_traces()

    # A savepoint: what changes no row opens no transaction of its own, and would spoil the test's.
    with refused(errors.INTERNAL), transaction.atomic():
        perform(operation, alice, request)

    assert list(Key.objects.values()) == before


@named(OPEN)
def test_a_refusal_that_cannot_be_recorded_fails_as_well(operation, no_room_for_traces, strong_room):
    nobody = factories.caller(factories.user("nobody"))
    no_room_for_traces()

    with refused(errors.INTERNAL):
        perform(operation, nobody, {"sequence": "malformed"})


def test_a_journal_that_cannot_be_written_fails_the_call(alice, settings, tmp_path):
    """What changes nothing leaves its trace in the journal; a file stands where its folder should be."""
    settings.KMS_TRACE_JOURNAL = True
    settings.KMS_HOME = tmp_path
    key = a_key(alice)
    encrypt = next(operation for operation in OPEN if operation.name == "encrypt-data")
    journal._journals.clear()
    (tmp_path / "journal").write_text("in the way")

    with refused(errors.INTERNAL):
        perform(encrypt, alice, {"key_id": key.key_id, "plain_text": "a text"})

    journal._journals.clear()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"not json", "KMS.0202"),
        (b"{" + b" " * 65536 + b"}", "KMS.0203"),
        (b"{}", "KMS.0204"),
        (b'{"key_id":"x"}', "KMS.0205"),
    ],
)
def test_a_malformed_call_leaves_its_trace(alice, client, body, code):
    headers = factories.headers(factories.alice())

    client.post(f"/v1.0/{alice.project_id}/kms/describe-key", body, content_type="application/json", headers=headers)

    assert traces_of_name("describeKey") == [(code, "warning")]


def test_a_call_into_another_project_leaves_its_trace_with_the_caller(alice, mallory, client):
    headers = factories.headers(factories.mallory())

    client.post(f"/v1.0/{alice.project_id}/kms/list-keys", "{}", content_type="application/json", headers=headers)

    trace = Trace.objects.get(name="listKeys")
    assert (trace.project_id, trace.code) == (mallory.project_id, "KMS.0321")


def traces_of_name(name):
    return list(Trace.objects.filter(name=name).values_list("code", "rating"))


def test_a_trace_holds_only_members_that_are_declared_for_it(alice):
    for operation in OPEN:
        request = RIGHT[operation.name](alice)
        perform(operation, alice, {**request, "sequence": "919c82d4-8046-4722-9094-35c3c6524cff"})
        kept = traces_of(operation).order_by("time").last().request
        assert kept.keys() <= operation.request.traced | FOUND_OUT.get(operation.name, set())
        assert json.dumps(kept)
        if "sequence" not in request:
            assert kept.get("sequence") or operation.name == "create-key"
        Key.objects.filter(alias__endswith="by-a-test").delete()


# Beside what a request says: what only performing it found out.
FOUND_OUT = {"create-grant": {"grant_id"}}
TRACED = {
    "key_id", "key_alias", "key_spec", "key_usage", "origin", "enterprise_project_id", "pending_days", "sequence",
    "encryption_algorithm", "signing_algorithm", "message_type", "wrapping_algorithm", "expiration_time",
    "grant_id", "grantee_principal", "grantee_principal_type", "retiring_principal", "operations",
    "random_data_length", "mac_algorithm", "with_plain_text", "source_key_id", "destination_key_id",
    "source_encryption_algorithm", "destination_encryption_algorithm", "action",
    "rotation_interval", "datakey_length", "datakey_plain_length", "datakey_cipher_length", "alias", "aliases",
    "target_key_id",
    # of enterprise projects
    "name", "type",
}  # fmt: skip


def test_what_may_be_traced_is_a_short_list():
    """To trace another member is a decision: it must never hold a secret (SEC-063)."""
    assert {name for operation in OPERATIONS for name in operation.request.traced} <= TRACED


@named(OPERATIONS)
def test_only_plain_reading_is_traced_without_waiting_for_the_disk(operation):
    reads = operation.action in {*READING, *LISTING_GRANTS} or (operation.action or "").startswith("eps:")

    assert operation.durable or (reads and not operation.writes), "a use of a key must not be lost with the power"
