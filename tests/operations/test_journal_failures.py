"""When the journal cannot be written everybody who waits for the same sync is told so, and the next one may succeed."""

from __future__ import annotations

import threading

import pytest

from operations.journal import Journal


def append_together(journal, count):
    answers, start = [], threading.Barrier(count)

    def append():
        start.wait()
        try:
            journal.append(b"{}\n")
        except OSError as failure:
            answers.append(failure)
        else:
            answers.append("written")

    threads = [threading.Thread(target=append) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_nobody_is_told_that_a_line_is_safe_which_is_not(tmp_path):
    folder = tmp_path / "journal"
    folder.write_text("a file where the folder should be")
    journal = Journal(folder)

    for _ in range(20):
        assert all(isinstance(answer, OSError) for answer in append_together(journal, 8))


def test_a_failure_that_is_over_is_forgotten(tmp_path):
    folder = tmp_path / "journal"
    folder.write_text("in the way")
    journal = Journal(folder)
    with pytest.raises(OSError, match="exists"):
        journal.append(b"{}\n")

    folder.unlink()

    assert append_together(journal, 8) == ["written"] * 8
    assert b"".join(path.read_bytes() for path in folder.glob("*.jsonl")) == b"{}\n" * 8


def test_failures_and_successes_side_by_side_are_told_to_the_right_ones(tmp_path, monkeypatch):
    """Every other sync fails: what was written is exactly what was said to be."""
    journal = Journal(tmp_path / "journal")
    honest, calls = journal._write, []

    def flaky(data, **how):
        calls.append(data)
        return OSError("no room") if len(calls) % 2 else honest(data, **how)

    monkeypatch.setattr(journal, "_write", flaky)

    answers = [answer for _ in range(25) for answer in append_together(journal, 6)]

    written = b"".join(path.read_bytes() for path in (tmp_path / "journal").glob("*.jsonl"))
    assert answers.count("written") == written.count(b"\n")
