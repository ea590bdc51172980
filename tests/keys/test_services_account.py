"""The number of keys and the quotas of a project, and who changes them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from keys.api.account import USER_INSTANCES, USER_QUOTAS
from keys.api.creation import CREATE_KEY
from keys.services import creation
from operations import errors
from operations.caller import Rights, Statement
from operations.models import Trace
from operations.perform import perform
from tests import factories
from tests.operations.stage import a_key, an_empty_key, disable, refused, schedule_deletion


def instances(caller):
    return USER_INSTANCES.respond(perform(USER_INSTANCES, caller, {}))["instance_num"]


def quotas(caller):
    resources = USER_QUOTAS.respond(perform(USER_QUOTAS, caller, {}))["quotas"]["resources"]
    return {resource["type"]: (resource["used"], resource["quota"]) for resource in resources}


def set_quota(limit, **options):
    call_command("set_quota", str(limit), **options)


# --- reading ------------------------------------------------------------------------------------------------------


def test_a_fresh_project_has_nothing_and_the_documented_limits(alice):
    assert instances(alice) == 0
    assert quotas(alice) == {"CMK": (0, 100), "grant_per_CMK": (0, 100)}


def test_keys_in_every_state_count_until_they_are_gone(alice, the_clock):
    a_key(alice)
    disable(alice, a_key(alice))
    an_empty_key(alice)
    schedule_deletion(alice, a_key(alice), days=7)

    assert (instances(alice), quotas(alice)["CMK"]) == (4, (4, 100))
    the_clock.advance(days=7)
    assert (instances(alice), quotas(alice)["CMK"]) == (3, (3, 100))


def test_who_sees_only_some_keys_counts_only_those(alice):
    wire_id = factories.enterprise_project().wire_id
    narrow = replace(alice, rights=Rights((Statement(True, ("*",), wire_id),)))
    a_key(alice)
    a_key(alice, enterprise_project_id=wire_id)

    assert (instances(narrow), instances(alice)) == (1, 2)


@pytest.mark.parametrize("ask", [instances, quotas])
def test_asking_takes_the_same_queries_however_many_keys_there_are(alice, ask):
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            ask(alice)
        counts.append(len(queries))
        for _ in range(5):
            a_key(alice)

    assert counts[0] == counts[1] <= 7


# --- changing -----------------------------------------------------------------------------------------------------


def test_an_administrator_raises_and_lowers_the_quota_of_a_project(alice, settings, capsys):
    settings.KMS_QUOTA_KEYS = 1
    a_key(alice)

    set_quota(2, project="eu-de")
    a_key(alice)
    with refused(errors.TOO_MANY_KEYS):
        a_key(alice)
    set_quota(0, project=alice.project_id)
    with refused(errors.TOO_MANY_KEYS):
        a_key(alice)

    assert quotas(alice)["CMK"] == (2, 0)
    assert capsys.readouterr().out.splitlines() == ["CMK of project eu-de: 2", "CMK of project eu-de: 0"]


def test_an_accounts_quota_holds_where_a_project_has_none_of_its_own(alice, mallory):
    set_quota(7, account="acme")
    assert (quotas(alice)["CMK"], quotas(mallory)["CMK"]) == ((0, 7), (0, 100))

    set_quota(3, project="eu-de", account="acme")
    assert quotas(alice)["CMK"] == (0, 3)

    set_quota("default", project="eu-de", account="acme")
    assert quotas(alice)["CMK"] == (0, 7)
    set_quota("default", account="acme")
    assert quotas(alice)["CMK"] == (0, 100)


def test_so_do_grants_of_a_key(alice):
    set_quota(5, project="eu-de", kind="grant_per_CMK")

    assert quotas(alice) == {"CMK": (0, 100), "grant_per_CMK": (0, 5)}


def test_a_change_leaves_a_trace(alice):
    set_quota(5, project="eu-de")

    trace = Trace.objects.get(name="setQuota")
    assert (trace.kind, trace.project_id, trace.request) == ("SystemAction", alice.project_id, {"limit": 5})


@pytest.mark.parametrize(
    ("limit", "options", "told"),
    [
        ("-1", {"project": "eu-de"}, "whole number"),
        ("many", {"project": "eu-de"}, "whole number"),
        ("10000001", {"project": "eu-de"}, "10,000,000"),
        (5, {}, "for whom"),
        (5, {"project": "eu-xx"}, "no project"),
        (5, {"account": "nobody"}, "no account"),
    ],
)
def test_the_command_says_what_is_wrong(alice, limit, options, told):
    with pytest.raises(CommandError, match=told):
        set_quota(limit, **options)


# --- keys that take their time ------------------------------------------------------------------------------------


@pytest.fixture
def no_generation(monkeypatch):
    """Whatever is refused must be refused before material is made."""

    def generate(spec):
        raise AssertionError(f"made material for {spec.name}")

    monkeypatch.setattr(creation.mathematics, "generate", generate)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"key_alias": "taken"}, errors.ALIAS_DUPLICATE),
        ({"key_usage": "GENERATE_VERIFY_MAC"}, errors.PARAMETER_INVALID),
        ({"enterprise_project_id": "11111111-1111-4111-8111-111111111111"}, errors.PARAMETER_INVALID),
    ],
)
def test_an_rsa_key_that_will_be_refused_is_not_made(alice, request, fields, told):
    a_key(alice, alias="taken")
    request.getfixturevalue("no_generation")

    with refused(told):
        perform(CREATE_KEY, alice, {"key_alias": "new", "key_spec": "RSA_4096", **fields})


def test_nor_is_one_above_the_quota_or_of_one_who_may_not_make_it_there(alice, no_generation):
    set_quota(0, project="eu-de")
    with refused(errors.TOO_MANY_KEYS):
        a_key(alice, "RSA_4096")
    elsewhere = Rights((Statement(True, ("*",), factories.enterprise_project().wire_id),))
    with refused(errors.NO_PERMISSION):
        a_key(replace(alice, rights=elsewhere), "RSA_4096")


def test_who_makes_many_rsa_keys_is_slowed_down_and_others_are_not(alice, monkeypatch, the_clock):
    monkeypatch.setattr(creation, "RSA_RATE", replace(creation.RSA_RATE, calls=1))
    a_key(alice, "RSA_2048")

    with refused(errors.TOO_MANY_REQUESTS) as caught:
        a_key(alice, "RSA_2048")

    assert 0 < caught.value.retry_after <= 60
    a_key(alice)
    the_clock.advance(minutes=1)
    a_key(alice, "RSA_2048")
