"""The strong room's guards where they can fail: many at once, kill -9, SQLite and PostgreSQL (SEC-003, SEC-004)."""

from __future__ import annotations

import pytest

from tests.services.installation import installations

pytestmark = pytest.mark.system

installation = installations("tests.vault.races")


def test_first_use_of_a_project_by_many_makes_one_key(installation):
    assert installation.run("first_use", 5) == [[1, 8]] * 5


def test_what_is_sealed_while_the_root_key_is_replaced_opens_afterwards(installation):
    race = installation.run("seal_while_the_root_rotates", 10)

    assert race["answers"] == ["done"] * 4
    assert race["closed"] == []
    assert race["roots"] == 1
    assert race["made"] == 30


def test_a_version_is_not_replaced_while_a_transaction_seals_with_it(installation):
    installation.run("grow", 1)
    race = installation.run("seal_and_be_slow")

    assert (race["answers"], race["closed"]) == (["done"] * 2, [])
    assert race["replaced"] == 0, "the sweep waited, and then found all that was under the old version"


def test_what_is_sealed_while_a_project_key_is_replaced_opens_afterwards(installation):
    race = installation.run("seal_while_rotating", 4)

    assert race["answers"] == ["done"] * 4
    assert race["closed"] == []
    assert race["version"] > 1
    assert race["erasures"] > 0, "old versions went while others were sealing"
    done = installation.run("finish")
    assert (done["closed"], done["current"], done["replaced"]) == ([], 1, 0)


def test_material_that_is_erased_while_it_is_rewrapped_stays_erased(installation):
    for erased, _rewrapped, state, has_material in installation.run("delete_material_while_rotating", 5):
        assert (erased, state, has_material) == ("done", 5, False)


def test_sweeps_at_once_replace_a_key_once(installation):
    installation.run("grow", 5)
    before = installation.run("finish")

    assert installation.run("sweep_together", 4) == ["done"] * 4

    done = installation.run("finish")
    assert (done["closed"], done["current"], done["replaced"]) == ([], 1, 0)
    # Each runner may find the version of another one due already, so there is more than one; but no number is twice.
    assert done["version"] - before["version"] == done["rotations"] - before["rotations"]


def test_a_sweep_that_is_killed_loses_nothing_and_the_next_one_goes_on(installation):
    installation.run("grow", 10)
    before = installation.run("finish")

    moments = [0.01, 0.02, 0.04, 0.06, 0.1, 0.15, 0.2, 0.3]
    found = installation.run("kill_sweeps", moments)

    assert sum(each["killed"] for each in found) > 3
    assert [(each["closed"], each["current"]) for each in found] == [([], 1)] * len(moments)
    done = installation.run("finish")
    assert (done["closed"], done["current"], done["replaced"]) == ([], 1, 0)
    rotations = done["version"] - before["version"]
    assert rotations > 0
    assert done["rotations"] - before["rotations"] == done["erasures"] - before["erasures"] == rotations
