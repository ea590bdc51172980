"""A project's key in the strong room is replaced in time, and the old one goes when nothing is under it (SEC-004)."""

from __future__ import annotations

import os
import re
from datetime import timedelta

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import models, transaction

from imports.models import WrappingKey
from keys import material
from keys.models import KeyVersion
from operations import errors
from operations.caller import system
from operations.models import Trace
from operations.perform import perform
from projects import tasks
from projects.project_keys import ERASE_PROJECT_KEY, REWRAP_PROJECT_VALUES, ROTATE_PROJECT_KEY
from tests import factories
from tests.operations import stage
from tests.operations.stage import refused
from vault import hierarchy, holdings, project_rotation, wraps
from vault.models import ProjectKey
from vault.project_rotation import Limits

pytestmark = pytest.mark.usefixtures("the_clock")

# Sealed under the service key `iam`, which the root key alone wraps.
UNDER_SERVICE_KEYS = {"iam.AccessKey.sk_sealed"}


@pytest.fixture
def the_system(alice):
    return system(account_id=alice.account_id, project_id=alice.project_id, region_id=alice.region_id)


@pytest.fixture
def limits(monkeypatch):
    def lower(**changes):
        monkeypatch.setattr(project_rotation, "LIMITS", Limits(**changes))

    return lower


@pytest.fixture
def one_by_one(monkeypatch):
    """Wraps are counted one at a time."""
    monkeypatch.setattr(wraps, "BLOCK", 1)


def versions():
    return [(key.version, key.retired_at is not None) for key in ProjectKey.objects.order_by("version")]


def sealed_under(version):
    """How many rows of each table, read from their headers."""
    key_id = ProjectKey.objects.get(version=version).id.bytes
    columns = ((KeyVersion, "material_sealed"), (WrappingKey, "private_sealed"))
    blobs = [model.objects.exclude(**{field: None}).values_list(field, flat=True) for model, field in columns]
    return [sum(bytes(blob)[4:20] == key_id for blob in held) for held in blobs]


def opens(key):
    material.forget_opened()
    hierarchy.forget()
    return material.open_version(key).usable is not None


def traces(name):
    return list(Trace.objects.filter(name=name, rating="normal"))


class TestWhenItIsDue:
    def test_after_a_year(self, alice, the_clock):
        stage.a_key(alice)
        the_clock.advance(days=364, hours=23)
        tasks.rotate_project_keys()
        assert versions() == [(1, False)]

        the_clock.advance(hours=1)
        tasks.rotate_project_keys()

        assert (2, False) in versions()

    def test_after_so_many_wraps(self, alice, limits, one_by_one):
        limits(wraps=3)
        for _ in range(2):
            stage.a_key(alice)
        tasks.rotate_project_keys()
        assert versions() == [(1, False)]

        stage.a_key(alice)
        tasks.rotate_project_keys()

        assert (2, False) in versions()

    def test_by_default_after_two_to_the_32_or_365_days(self):
        assert Limits() == Limits(wraps=4_294_967_296, age=timedelta(days=365))

    def test_and_a_new_project_has_all_its_time_before_it(self, alice, mallory, the_clock):
        stage.a_key(alice)
        the_clock.advance(days=365)
        stage.a_key(mallory)

        tasks.rotate_project_keys()

        assert ProjectKey.objects.filter(project=mallory.project_id).get().version == 1

    def test_it_is_not_replaced_twice(self, alice, the_system, the_clock):
        stage.a_key(alice)
        the_clock.advance(days=365)
        perform(ROTATE_PROJECT_KEY, the_system, {})

        with refused(errors.PARAMETER_INVALID, hint="not due"):
            perform(ROTATE_PROJECT_KEY, the_system, {})

        assert versions() == [(1, True), (2, False)]


class TestTheCount:
    def test_is_never_less_than_the_wraps(self, alice):
        key = ProjectKey.objects.filter(project=alice.project_id)
        for number in range(5):
            stage.a_key(alice)
            assert key.get().wraps > number

    def test_costs_a_write_for_a_block_only(self, lasting_strong_room, django_assert_num_queries):
        stage.a_key(factories.caller(factories.alice()))
        row = ProjectKey.objects.get()
        assert row.wraps == wraps.BLOCK

        with django_assert_num_queries(0):
            for _ in range(wraps.BLOCK - 1):
                wraps.count(row.id)
        with django_assert_num_queries(1):
            wraps.count(row.id)

        row.refresh_from_db()
        assert row.wraps == 2 * wraps.BLOCK

    def test_of_a_block_that_was_rolled_back_is_taken_again(self, lasting_strong_room):
        caller = factories.caller(factories.alice())
        stage.a_key(caller)
        wraps.forget()
        row = ProjectKey.objects.get()
        with transaction.atomic():
            wraps.count(row.id)
            transaction.set_rollback(True)

        wraps.count(row.id)

        row.refresh_from_db()
        assert row.wraps == 2 * wraps.BLOCK

    def test_is_not_shared_with_a_forked_process(self, alice, monkeypatch):
        stage.a_key(alice)
        row = ProjectKey.objects.get()

        monkeypatch.setattr(os, "getpid", lambda: 1)
        wraps.count(row.id)

        row.refresh_from_db()
        assert row.wraps == 2 * wraps.BLOCK


class TestOneSweep:
    @pytest.fixture
    def kept(self, alice, the_clock):
        """Keys and an offer sealed a year ago."""
        keys = [stage.a_key(alice, spec) for spec in ("AES_256", "EC_P256", "HMAC_256")]
        stage.an_offer(alice, stage.an_empty_key(alice))
        the_clock.advance(hours=1)
        WrappingKey.objects.update(expires_at=the_clock.at + timedelta(days=400))
        the_clock.advance(days=365)
        return keys

    def test_seals_all_anew_and_everything_opens(self, alice, kept):
        tasks.rotate_project_keys()

        assert sealed_under(1) == [0, 0]
        assert sealed_under(2) == [3, 1]
        assert all(opens(key) for key in kept)

    def test_an_import_goes_on_with_an_offer_from_before_it(self, alice, the_clock, limits):
        key = stage.an_empty_key(alice)
        request = stage.a_request(key, stage.an_offer(alice, key))
        limits(age=timedelta(0))

        tasks.rotate_project_keys()

        assert opens(perform(stage.imports.IMPORT_KEY_MATERIAL, alice, request))

    def test_seals_what_comes_with_the_new_version(self, alice, kept):
        tasks.rotate_project_keys()
        stage.a_key(alice)

        assert sealed_under(2) == [4, 1]

    def test_leaves_the_old_version_for_who_is_still_reading_and_the_next_one_erases_it(self, alice, kept, the_clock):
        tasks.rotate_project_keys()
        assert versions() == [(1, True), (2, False)]

        the_clock.advance(hours=1)
        tasks.rotate_project_keys()

        assert versions() == [(2, False)]
        assert all(opens(key) for key in kept)

    def test_goes_batch_by_batch_each_with_its_trace(self, alice, kept, monkeypatch):
        monkeypatch.setattr(project_rotation, "BATCH", 2)

        tasks.rotate_project_keys()

        assert sealed_under(1) == [0, 0]
        assert len(traces("rewrapProjectValues")) == 2

    def test_leaves_traces_by_the_system(self, alice, kept, the_clock):
        tasks.rotate_project_keys()
        the_clock.advance(hours=1)
        tasks.rotate_project_keys()

        for name, request in (
            ("rotateProjectKey", {}),
            ("rewrapProjectValues", {"version": 1}),
            ("eraseProjectKey", {"version": 1}),
        ):
            (trace,) = traces(name)
            assert (trace.kind, trace.user_name, trace.request) == ("SystemAction", "system", request)
            assert (trace.account_id, trace.project_id) == (alice.account_id, alice.project_id)
            assert (trace.resource_type, trace.resource_id) == ("project", alice.project_id)

    def test_does_not_touch_other_projects(self, alice, mallory, kept):
        foreign = stage.a_key(mallory)
        before = bytes(foreign.versions.get().material_sealed)

        tasks.rotate_project_keys()

        assert bytes(foreign.versions.get().material_sealed) == before

    def test_steps_over_what_does_not_open_and_keeps_the_version_that_it_names(self, alice, kept, the_clock, caplog):
        bad, good = kept[0].versions.get(), kept[1].versions.get()
        KeyVersion.objects.filter(pk=bad.pk).update(material_sealed=good.material_sealed)

        tasks.rotate_project_keys()
        the_clock.advance(hours=1)
        tasks.rotate_project_keys()

        assert sealed_under(1) == [1, 0]
        assert versions() == [(1, True), (2, False)]
        assert "a sealed value does not open" in caplog.text
        assert opens(kept[1])

    def test_again_does_nothing(self, alice, kept, the_clock):
        tasks.rotate_project_keys()
        the_clock.advance(hours=1)
        tasks.rotate_project_keys()
        before = Trace.objects.count()

        assert tasks.rotate_project_keys() == 0
        assert Trace.objects.count() == before

    def test_is_told_by_check_vault(self, alice, kept, capsys, monkeypatch):
        call_command("check_vault")
        assert "v1 has served its time: the next sweep replaces it." in capsys.readouterr().out

        monkeypatch.setattr(project_rotation, "rewrap", lambda key: 0)
        tasks.rotate_project_keys()

        call_command("check_vault")
        assert re.search(r"project key \S+ v1 was replaced; 4 values are still under it", capsys.readouterr().out)


class TestErasing:
    def test_is_refused_while_something_is_under_the_version(self, alice, the_system, the_clock):
        key = stage.a_key(alice)
        the_clock.advance(days=365)
        perform(ROTATE_PROJECT_KEY, the_system, {})
        the_clock.advance(hours=2)

        with refused(errors.PARAMETER_INVALID):
            perform(ERASE_PROJECT_KEY, the_system, {"version": 1})

        assert opens(key)

    def test_is_refused_for_the_current_version_and_for_one_that_is_not(self, alice, the_system, the_clock):
        stage.a_key(alice).delete()

        for version in (1, 7):
            with refused(errors.PARAMETER_INVALID):
                perform(ERASE_PROJECT_KEY, the_system, {"version": version})
            with refused(errors.PARAMETER_INVALID):
                perform(REWRAP_PROJECT_VALUES, the_system, {"version": version})

        assert versions() == [(1, False)]

    def test_leaves_nothing_of_the_key(self, lasting_strong_room, the_clock):
        caller = factories.caller(factories.alice())
        key = stage.a_key(caller)
        wrapped = bytes(ProjectKey.objects.get().wrapped)
        assert wrapped in stage.database_bytes()
        the_clock.advance(days=365)
        tasks.rotate_project_keys()
        the_clock.advance(hours=1)

        tasks.rotate_project_keys()

        assert versions() == [(2, False)]
        material._empty_the_journal()
        assert wrapped not in stage.database_bytes()
        assert opens(key)


@pytest.mark.parametrize("operation", [ROTATE_PROJECT_KEY, REWRAP_PROJECT_VALUES, ERASE_PROJECT_KEY])
def test_nobody_but_the_system_may_do_it(alice, operation):
    stage.a_key(alice)

    with refused(errors.NO_PERMISSION):
        perform(operation, stage.everybody(alice), {"version": 1})


def test_every_sealed_column_is_known_to_the_strong_room():
    sealed = {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if isinstance(field, models.BinaryField) and field.name.endswith("_sealed")
    }
    known = {f"{column.model._meta.label}.{column.field}" for column in holdings.columns()}

    assert known == sealed - UNDER_SERVICE_KEYS
    assert sealed >= UNDER_SERVICE_KEYS
