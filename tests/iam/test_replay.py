"""The memory of seen signatures: shared by threads and processes, bounded, and never wrong about an old one."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iam import replay
from iam.replay import ENTRIES_PER_BUCKET, REPEATS_SECONDS, SeenSignatures
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


@settings(max_examples=50)
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
import sys
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
