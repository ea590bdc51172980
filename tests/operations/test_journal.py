"""The durable journal: what was acknowledged reaches the trace table, once, whatever happens in between."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import uuid

import pytest

from operations import clock, journal
from operations.journal import Journal
from operations.models import JournalPosition, Rating, Trace

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, settings):
    settings.KMS_HOME = str(tmp_path)
    journal._journals.clear()
    yield
    journal._journals.clear()


def a_trace(name="encryptData"):
    return {
        "id": uuid.uuid4(),
        "time": clock.now(),
        "name": name,
        "kind": "ApiCall",
        "rating": Rating.NORMAL.value,
        "response_code": 200,
        "request": {"a": 1},
    }


def test_a_journaled_trace_reaches_the_table_as_it_was():
    trace = a_trace()

    journal.append(trace)
    assert Trace.objects.count() == 0
    assert journal.drain() == 1

    found = Trace.objects.get()
    assert (found.pk, found.time, found.name, found.request) == (trace["id"], trace["time"], "encryptData", {"a": 1})


def test_a_trace_of_reading_is_written_before_the_answer_and_not_forced_to_disk(tmp_path, monkeypatch):
    syncs = []
    monkeypatch.setattr(os, "fdatasync", syncs.append)

    journal.append(a_trace("listKeys"), durable=False)

    assert syncs == []
    assert b"listKeys" in b"".join(path.read_bytes() for path in (tmp_path / "journal").glob("*.jsonl"))
    journal.append(a_trace(), durable=True)
    assert len(syncs) == 1


def test_draining_again_adds_nothing():
    journal.append(a_trace())
    journal.drain()

    assert journal.drain() == 0
    assert Trace.objects.count() == 1


def test_a_drain_whose_position_was_lost_adds_nothing_twice():
    journal.append(a_trace())
    journal.drain()
    JournalPosition.objects.all().delete()

    journal.drain()

    assert Trace.objects.count() == 1


def test_many_threads_at_once_lose_nothing_and_share_their_syncs(monkeypatch):
    syncs = []
    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda descriptor: (syncs.append(1), real(descriptor)))

    threads = [threading.Thread(target=lambda: [journal.append(a_trace()) for _ in range(25)]) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert journal.drain() == 400
    assert Trace.objects.count() == 400
    assert len(syncs) < 400


def test_what_cannot_be_written_is_an_error_for_everyone_who_waited(monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fdatasync", full)

    with pytest.raises(OSError, match="No space"):
        journal.append(a_trace())

    monkeypatch.undo()
    journal.append(a_trace("decryptData"))
    journal.drain()
    assert Trace.objects.filter(name="decryptData").count() == 1


def test_a_line_torn_by_a_crash_is_not_taken_for_a_trace(tmp_path):
    journal.append(a_trace())
    (file,) = (tmp_path / "journal").glob("*.jsonl")
    with file.open("ab") as out:
        out.write(b'{"id": "half')

    assert journal.drain() == 1


def test_a_killed_process_loses_nothing_it_acknowledged_and_its_file_goes(tmp_path):
    script = textwrap.dedent("""
        import os, uuid, django
        django.setup()
        from operations import clock, journal
        for number in range(20):
            trace = {"id": uuid.uuid4(), "time": clock.now(), "name": "sign", "kind": "ApiCall", "rating": "normal"}
            journal.append({**trace, "response_code": 200})
            print(number, flush=True)
        import time; time.sleep(60)
    """)
    environment = {**os.environ, "KMS_HOME": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE) as process:
        for _line in range(20):
            process.stdout.readline()
        assert journal.drain() == 20, "a living process's traces are drained too"
        assert list((tmp_path / "journal").glob("*.jsonl")), "but its file stays"
        process.send_signal(signal.SIGKILL)
        process.wait()

    journal.drain()

    assert Trace.objects.count() == 20
    assert not list((tmp_path / "journal").glob("*.jsonl"))
    assert JournalPosition.objects.count() == 0


def test_a_full_segment_is_followed_by_another(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "SEGMENT_BYTES", 1000)
    writer = Journal(tmp_path / "journal")

    for _number in range(40):
        writer.append(b'{"x": "' + b"x" * 100 + b'"}\n')

    assert len(list((tmp_path / "journal").glob("*.jsonl"))) > 3
