"""The memory of seen signatures: shared by threads and processes, bounded, and never wrong about an old one."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from iam import replay
from iam.replay import ENTRIES_PER_BUCKET, REPEATS_SECONDS, SeenSignatures
from tests.clock import FrozenClock
from tests.services.product import ROOT

NOON, LATER = 1_800_000_000, 1_800_000_900


@pytest.fixture
def table(tmp_path):
    table = SeenSignatures(tmp_path / "seen")
    yield table
    table.close()


def test_a_signature_is_new_once(table):
    assert not table.is_replay("a" * 64, at=NOON, until=LATER)
    assert not table.is_replay("a" * 64, at=NOON + REPEATS_SECONDS, until=LATER)
    assert table.is_replay("a" * 64, at=NOON + REPEATS_SECONDS + 1, until=LATER)


def test_repeating_does_not_prolong_the_time_in_which_it_may_be_repeated(table):
    times = range(NOON, NOON + 9, 3)

    assert [table.is_replay("a" * 64, at=at, until=LATER) for at in times] == [False, False, True]


def test_a_clock_that_steps_back_does_not_refuse_the_honest(table):
    assert not table.is_replay("a" * 64, at=NOON, until=LATER)
    assert not table.is_replay("a" * 64, at=NOON - 2, until=LATER)


@pytest.mark.parametrize("at", [-(10**9), 0, 2**32, 10**11])
def test_any_time_to_which_a_clock_was_moved_can_be_remembered(table, at):
    assert not table.is_replay("a" * 64, at=at, until=at + 900)
    assert table.is_replay("a" * 64, at=at + 60, until=at + 900)


def test_a_clock_that_is_set_back_makes_no_old_signature_new(table):
    assert not table.is_replay("a" * 64, at=NOON, until=LATER)
    assert table.is_replay("a" * 64, at=NOON - 600, until=LATER)


def whole_size(table):
    return os.fstat(table._descriptor).st_size


@pytest.mark.parametrize("size", [0, 1, replay._SALT_BYTES, replay._HEADER.size, 4096, -1])
def test_a_file_of_the_wrong_size_is_replaced_and_signatures_from_before_are_refused(table, tmp_path, caplog, size):
    file = tmp_path / "seen"
    os.truncate(file, size % whole_size(table))

    with FrozenClock(datetime.fromtimestamp(NOON, UTC)):
        again = SeenSignatures(file)

    assert file.stat().st_size == whole_size(again)
    assert "damaged" in caplog.text
    assert again.is_replay("a" * 64, at=NOON + 5, until=NOON + replay.SKEW_SECONDS - 1), "signed before"
    assert not again.is_replay("b" * 64, at=NOON + 5, until=NOON + replay.SKEW_SECONDS)
    again.close()


def test_a_file_of_zeros_is_replaced(table, tmp_path):
    """Its buckets would be the same for every installation."""
    (tmp_path / "zeros").touch()
    os.truncate(tmp_path / "zeros", whole_size(table))

    again = SeenSignatures(tmp_path / "zeros")

    assert any(again._salt)
    again.close()


def test_processes_that_find_a_damaged_file_at_once_agree_on_one(tmp_path, monkeypatch):
    (tmp_path / "seen").touch()
    at = int(time.time()) + 60
    arguments = [sys.executable, "-c", WORKER, tmp_path / "seen"]
    workers = [subprocess.Popen([*arguments, f"process {number}", "5", str(at)], cwd=ROOT) for number in range(3)]
    assert [worker.wait() for worker in workers] == [0, 0, 0]

    monkeypatch.setattr(replay, "BUCKETS", 4)
    table = SeenSignatures(tmp_path / "seen")
    assert all(
        table.is_replay(f"process {process}-{number}", at=at + 60, until=at + 900)
        for process in range(3)
        for number in range(5)
    )
    table.close()


def test_a_file_cut_short_while_it_is_used_is_replaced_by_the_next_request(tmp_path, settings):
    settings.KMS_HOME = tmp_path
    at = int(time.time()) + 60
    assert not replay.is_replay("a" * 64, at=at, until=at + 900)
    os.truncate(tmp_path / "seen-signatures", 100)

    assert not replay.is_replay("b" * 64, at=at, until=at + 900)
    assert replay.is_replay("b" * 64, at=at + 60, until=at + 900)


def test_it_outlives_the_process_that_wrote_it(table, tmp_path):
    table.is_replay("a" * 64, at=NOON, until=LATER)

    again = SeenSignatures(tmp_path / "seen")

    assert again.is_replay("a" * 64, at=NOON + 60, until=LATER)
    again.close()


def test_a_file_of_one_size_that_nobody_else_may_read(table, tmp_path):
    file = tmp_path / "seen"
    size = file.stat().st_size

    for number in range(500):
        table.is_replay(f"{number:064}", at=NOON, until=LATER)

    assert file.stat().st_size == size <= 49 * 2**20
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.stat().st_blocks * 512 < 4 * 2**20, "only what is used takes room"


def test_no_signature_stands_in_the_file(table, tmp_path):
    signature = "0123456789abcdef" * 4
    table.is_replay(signature, at=NOON, until=LATER)

    content = (tmp_path / "seen").read_bytes()

    assert signature.encode() not in content
    assert bytes.fromhex(signature[:16]) not in content


def test_in_a_full_bucket_what_stops_to_count_first_makes_room(table, monkeypatch):
    monkeypatch.setattr(replay, "BUCKETS", 1)
    for number in range(ENTRIES_PER_BUCKET):
        table.is_replay(f"{number:064}", at=NOON, until=LATER + number)

    table.is_replay("f" * 64, at=NOON, until=LATER + 99)

    at = NOON + 60
    assert table.is_replay("f" * 64, at=at, until=LATER)
    assert all(table.is_replay(f"{number:064}", at=at, until=LATER) for number in range(1, ENTRIES_PER_BUCKET))
    assert not table.is_replay(f"{0:064}", at=at, until=LATER)


def test_a_time_that_reads_like_a_name_is_none(table, monkeypatch):
    monkeypatch.setattr(table, "_place_of", lambda signature: (signature.encode(), replay._SALT_BYTES))
    table.is_replay("a" * 8, at=int.from_bytes(b"b" * 8, "little"), until=0)

    assert not table.is_replay("b" * 8, at=NOON, until=LATER)
    assert table.is_replay("b" * 8, at=NOON + 60, until=LATER)


def test_two_installations_put_one_signature_into_different_buckets(tmp_path):
    """Nobody can choose signatures of his own that fall where another's stands."""
    tables = [SeenSignatures(tmp_path / str(number)) for number in range(8)]

    assert len({table._place_of("a" * 64) for table in tables}) == 8
    for table in tables:
        table.close()


@hypothesis_settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), max_size=60))
def test_it_says_what_a_dictionary_would_say(tmp_path_factory, steps):
    table, first, now = SeenSignatures(tmp_path_factory.mktemp("model") / "seen"), {}, NOON

    for which, passed in steps:
        now += passed
        expected = now - first.setdefault(which, now) > REPEATS_SECONDS
        assert table.is_replay(f"{which:064}", at=now, until=LATER) is expected

    table.close()


def test_threads_at_once_lose_nothing(table):
    def remember(part):
        for number in range(100):
            table.is_replay(f"{part}-{number}", at=NOON, until=LATER)

    threads = [threading.Thread(target=remember, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    at = NOON + 60
    assert all(table.is_replay(f"{part}-{number}", at=at, until=LATER) for part in range(4) for number in range(100))


WORKER = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "kmsconsole.settings"
from pathlib import Path
from iam import replay
replay.BUCKETS = 4
table = replay.SeenSignatures(Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    table.is_replay(f"{sys.argv[2]}-{number}", at=int(sys.argv[4]), until=int(sys.argv[4]) + 900)
"""


def test_processes_at_once_lose_nothing(tmp_path, monkeypatch):
    """In a table so small that they meet in every bucket."""
    monkeypatch.setattr(replay, "BUCKETS", 4)
    each, file = 20, tmp_path / "seen"
    command = [sys.executable, "-c", WORKER, str(file)]

    running = [subprocess.Popen([*command, name, str(each), str(NOON)], cwd=ROOT) for name in "abc"]
    assert [process.wait() for process in running] == [0, 0, 0]

    table = SeenSignatures(file)
    seen = [table.is_replay(f"{name}-{number}", at=NOON + 60, until=LATER) for name in "abc" for number in range(each)]
    assert seen == [True] * (3 * each)
    table.close()


def test_a_memory_that_cannot_be_kept_lets_nobody_in(tmp_path):
    with pytest.raises(OSError, match="seen"):
        SeenSignatures(tmp_path / "nowhere" / "seen")
