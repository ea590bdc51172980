"""Many at once, in threads and processes, on SQLite and on PostgreSQL: one wins, and nothing is left half done."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.services.installation import installations

pytestmark = pytest.mark.system

installation = installations("tests.imports.races")


@pytest.mark.parametrize("spec", ["AES_256", "EC_P256"])
def test_of_a_hundred_imports_of_one_key_exactly_one_wins(installation, spec):
    race = installation.run("import_race", spec, 2, 50)

    answers = Counter(race["answers"])
    assert answers == {"done": 1, "KMS.0310": 99}
    assert race["winners"] == [race["stored"]]
    if spec == "EC_P256":
        assert race["stored_public"] == race["stored"]
    assert (race["state"], race["used_offers"]) == (2, 1)
    # Each of the hundred calls has left its trace.
    assert (race["traces"], race["refusals"]) == (1, 99)


def test_an_import_and_the_keys_deletion_at_once_leave_one_truth(installation):
    for outcome in installation.run("import_and_schedule", 12):
        won = outcome["imported"] == "done"
        assert outcome["imported"] in ("done", "KMS.0310")
        assert (outcome["scheduled"], outcome["state"]) == ("done", 4)
        assert outcome["has_material"] is outcome["has_fingerprint"] is won
        assert outcome["used_offers"] == int(won)


def test_cancelling_and_deleting_at_once_leave_a_whole_key_or_none(installation):
    outcomes = installation.run("cancel_and_delete", 20)

    for outcome in outcomes:
        if outcome["cancelled"] == "done":
            assert outcome == {"cancelled": "done", "state": 3, "has_material": True, "deletions": 0}
        else:
            assert outcome == {"cancelled": "KMS.0207", "state": None, "has_material": False, "deletions": 1}


def test_of_two_keys_of_one_alias_at_once_one_is_made(installation):
    assert installation.run("duplicate_aliases", 10) == [["KMS.1104", "done"]] * 10


def test_a_name_that_three_keys_want_at_once_is_given_once(installation):
    assert installation.run("one_name", 5) == [["KMS.1104", "KMS.1104", "done"]] * 5


def test_many_first_uses_of_a_default_key_at_once_make_one(installation):
    assert installation.run("first_use", 8) == [["done"] * 8, 1]


def test_the_last_place_of_a_quota_is_given_once(installation):
    assert installation.run("last_place", 2) == [["KMS.1105"] * 19 + ["done"]] * 2


def test_the_last_places_for_grants_and_tags_of_a_key_are_given_once(installation):
    outcomes = installation.run("last_places_on_a_key", 3)

    assert outcomes == [[["KMS.2404"] * 3 + ["done"], 100, ["KMS.0409"] * 3 + ["done"], 20]] * 3


def test_a_grant_ends_once(installation):
    assert installation.run("end_a_grant_twice", 5) == [["KMS.2501", "done"]] * 5


def test_no_use_that_begins_after_a_change_was_answered_succeeds(installation):
    assert installation.run("zero_grace", 10) == []


# --- jobs ---------------------------------------------------------------------------------------------------------

# Of each kind eight are due.
ENDED = {"expireKeyMaterial": 8, "expireWrappingKey": 8, "deleteKey": 8, "rotateKey": 8}
NOTHING = {"material": 0, "offers": 0, "deletions": 0, "rotations": 0}


def test_sweeps_at_once_do_everything_once(installation):
    before = installation.run("inspect")["traces"]
    installation.run("grow", 8)

    installation.run("sweep_together", 4)

    found = installation.run("inspect")
    assert found["due"] == NOTHING
    assert (found["twice"], found["half_done"]) == (0, [])
    assert {name: found["traces"][name] - count for name, count in before.items()} == ENDED


def test_a_sweep_that_is_killed_leaves_nothing_half_done_and_the_next_one_goes_on(installation):
    before = installation.run("inspect")["traces"]
    installation.run("grow", 8)

    for moment in (0.0, 0.02, 0.05):
        installation.kill_a_sweep(after=moment)
        found = installation.run("inspect")
        assert (found["twice"], found["half_done"]) == (0, [])
        done, due = sum(found["traces"].values()) - sum(before.values()), sum(found["due"].values())
        assert done + due == sum(ENDED.values()), "what is not due any more has left its trace"

    installation.run("sweep")

    found = installation.run("inspect")
    assert (found["due"], found["twice"], found["half_done"]) == (NOTHING, 0, [])
    assert {name: found["traces"][name] - count for name, count in before.items()} == ENDED
