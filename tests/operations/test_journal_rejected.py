"""A journal line that cannot become a trace is set aside and reported; all others reach the table."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import textwrap
import uuid
from dataclasses import replace

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from operations import clock, journal, traces
from operations.caller import system
from operations.models import JournalPosition, Trace
from tests.services.installation import ROOT

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folder(tmp_path, settings):
    settings.KMS_HOME = str(tmp_path)
    journal._journals.clear()
    yield tmp_path / "journal"
    journal._journals.clear()


def a_line(**changed):
    return traces.encode({**traces.members("encryptData", system()), **changed})


def without(*names):
    members = json.loads(a_line())
    return json.dumps({name: value for name, value in members.items() if name not in names}).encode() + b"\n"


def changed(**members):
    return json.dumps({**json.loads(a_line()), **members}).encode() + b"\n"


def an_abandoned_file(folder, content, name="a"):
    folder.mkdir(mode=0o700, exist_ok=True)
    file = folder / f"{name}.jsonl"
    file.write_bytes(content)
    return file


def kept(folder):
    return b"".join(path.read_bytes() for path in sorted(folder.glob("*.rejected")))


POISON = {
    "a block of zeros": b"\0" * 4096 + b"\n",
    "broken JSON": b'{"id": \n',
    "no object": b"[1, 2]\n",
    "an empty line": b"\n",
    "bytes that are not UTF-8": b"\xff\xfe{}\n",
    "UTF-16": '{"id": 1}'.encode("utf-16") + b"\n",
    "nested deeply": b'{"a":' * 200_000 + b"\n",
    "nested deeply in a request": changed(request={})[:-4] + b'{"a":' * 20_000 + b"1" + b"}" * 20_001 + b"\n",
    "longer than any line": b"x" * (traces.MAX_LINE_BYTES + 100) + b"\n",
    "a value longer than its column": changed(source_ip="2001:db8::1, " * 10),
    "a name longer than its column": changed(name="n" * 65),
    "a number for a text": changed(agent=7),
    "nothing for a text": changed(user_name=None),
    "a text for a number": changed(response_code="200"),
    "a truth for a number": changed(response_code=True),
    "a number beyond its column": changed(response_code=40_000),
    "a number beyond any column": changed(response_code=10**30),
    "a number below its column": changed(response_code=-1),
    "a rating that is unknown": changed(rating="worst"),
    "a request that is no object": changed(request="text"),
    "a NUL in a text": changed(agent="a\0b"),
    "a NUL in a request": changed(request={"a": ["\0"]}),
    "half a surrogate pair": changed(agent="\ud800"),
    "half a surrogate pair as a name": changed(request={"\udfff": 1}),
    "not a number": changed(request={"a": float("nan")}),
    "infinity": changed(request={"a": float("inf")}),
    "infinity in digits": changed(request={"a": 1.5}).replace(b"1.5", b"1e999"),
    "an ID that is no UUID": changed(id="7"),
    "an ID that is a number": changed(id=7),
    "a time that is none": changed(time="yesterday"),
    "a time without a zone": changed(time="2026-11-24T12:00:00"),
    "a time that is a number": changed(time=1_800_000_000),
    "a time before all others": changed(time="0001-01-01T00:00:00+14:00"),
    "no ID": without("id"),
    "no time": without("time"),
    "no name": without("name"),
}


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON.keys())
def test_a_bad_line_is_set_aside_and_the_lines_and_files_behind_it_go_on(folder, poison):
    before, behind, elsewhere = a_line(), a_line(), a_line()
    an_abandoned_file(folder, before + poison + behind)
    an_abandoned_file(folder, elsewhere, name="b")

    assert journal.drain() == 3

    assert kept(folder) == poison
    assert not list(folder.glob("*.jsonl"))
    wanted = {uuid.UUID(json.loads(line)["id"]) for line in (before, behind, elsewhere)}
    assert set(Trace.objects.filter(name="encryptData").values_list("pk", flat=True)) == wanted
    incident = Trace.objects.get(name="rejectJournalLines")
    assert (incident.rating, incident.kind, incident.user_name) == ("incident", "SystemAction", "system")
    assert incident.request["kept_in"] in {path.name for path in folder.iterdir()}
    assert journal.drain() == 0
    assert Trace.objects.count() == 4


def test_what_is_set_aside_is_for_the_service_alone(folder):
    an_abandoned_file(folder, b"broken\n")

    journal.drain()

    (file,) = folder.glob("*.rejected")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_trace_behind_the_zeros_of_a_power_failure_is_not_lost(folder):
    line = a_line()
    an_abandoned_file(folder, a_line() + b"\0" * 3 * traces.MAX_LINE_BYTES + line)

    assert journal.drain() == 2

    assert Trace.objects.filter(pk=json.loads(line)["id"]).exists()
    assert kept(folder) == b"\0" * 3 * traces.MAX_LINE_BYTES


def test_a_torn_last_line_is_set_aside_once_its_process_has_ended(folder):
    an_abandoned_file(folder, a_line() + a_line()[:40])

    assert journal.drain() == 1

    assert len(kept(folder)) == 40
    assert Trace.objects.filter(name="rejectJournalLines").count() == 1


def test_a_line_that_is_still_being_written_is_left_alone(folder):
    journal.append(traces.members("encryptData", system()))
    (file,) = folder.glob("*.jsonl")
    line = a_line()
    with file.open("ab") as out:
        out.write(line[:40])
        out.flush()
        assert journal.drain() == 1
        out.write(line[40:])

    assert journal.drain() == 1
    assert kept(folder) == b""


def test_a_file_that_cannot_be_drained_holds_up_no_other(folder):
    an_abandoned_file(folder, a_line(), name="b")
    (folder / "a.jsonl").mkdir()

    with pytest.raises(IsADirectoryError):
        journal.drain()

    assert Trace.objects.count() == 1


def test_what_a_newer_version_added_is_passed_over_and_what_an_older_one_lacks_is_filled_in(folder):
    newer = changed(severity=3)
    an_abandoned_file(folder, newer + without("agent", "request", "message"))

    assert journal.drain() == 2
    assert kept(folder) == b""


def test_a_trace_of_an_account_and_project_that_are_gone_is_kept(folder):
    an_abandoned_file(folder, changed(account_id="a" * 32, project_id="p" * 32, user_id="u" * 32))

    assert journal.drain() == 1


def test_a_drain_killed_before_its_commit_repeats_without_a_second_report(folder):
    """Kills it as the rejected lines are on disk and their position is not."""
    content = a_line() + b"broken\n" + a_line()
    an_abandoned_file(folder, content)
    script = textwrap.dedent("""
        import os, django
        django.setup()
        from django.core.management import call_command
        from operations import journal, models
        call_command("migrate", verbosity=0)
        save = models.JournalPosition.save
        models.JournalPosition.save = lambda *args, **options: (
            os._exit(9) if "update_fields" in options else save(*args, **options)
        )
        journal.drain()
    """)
    database = f"sqlite:///{folder.parent}/kms.sqlite3"
    environment = {**os.environ, "KMS_HOME": str(folder.parent), "KMS_DATABASE_URL": database}
    killed = subprocess.run([sys.executable, "-c", script], env=environment, cwd=ROOT, check=False)
    assert killed.returncode == 9
    assert kept(folder) == b"broken\n"

    assert journal.drain() == 2
    (folder / "a.jsonl").write_bytes(content)
    journal.drain()  # as after a backup of the database from before

    assert kept(folder) == b"broken\n"
    assert Trace.objects.filter(name="rejectJournalLines").count() == 1
    assert Trace.objects.count() == 3
    assert JournalPosition.objects.count() == 0


TEXTS = st.text(st.characters(codec=None, exclude_categories=()), max_size=400)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(request=st.dictionaries(TEXTS, JSON, max_size=4), agent=TEXTS, address=TEXTS, name=TEXTS, resource=TEXTS)
def test_whatever_a_client_sends_its_trace_is_one_that_can_be_read_back(request, agent, address, name, resource):
    caller = replace(system(), user_name=name, source_ip=address, agent=agent)
    members = traces.members("encryptData", caller, resource=("cmk", "", resource), request=request)

    line = traces.encode(members)

    assert line.count(b"\n") == 1
    assert len(line) <= traces.MAX_LINE_BYTES
    assert traces.decode(line)["id"] == members["id"]
    row = traces.row(members)
    row.save(force_insert=True)
    assert Trace.objects.filter(pk=row.pk).exists()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(st.sampled_from([*POISON.values(), b"\0" * 100]) | st.binary(max_size=60), max_size=6))
def test_among_any_lines_each_good_one_reaches_the_table_once_and_each_byte_is_somewhere(folder, lines):
    for path in folder.glob("*"):
        path.unlink()
    good = [a_line() for _ in range(len(lines) + 1)]
    content = good[0]
    for line, other in zip(lines, good[1:], strict=True):
        content += line + b"\n" + other
    an_abandoned_file(folder, content)
    before = Trace.objects.filter(name="encryptData").count()

    assert journal.drain() == len(good)

    assert Trace.objects.filter(name="encryptData").count() == before + len(good)
    assert len(kept(folder)) == len(content) - sum(map(len, good))


def test_postgresql_takes_all_that_is_taken_and_would_refuse_what_is_set_aside(folder, postgresql_server, tmp_path):
    """The same lines through a product on PostgreSQL: none of them stops its drain."""
    an_abandoned_file(folder, b"".join(a_line() + poison for poison in POISON.values()) + a_line(agent="\U0001f511"))
    script = textwrap.dedent("""
        import django
        django.setup()
        from django.core.management import call_command
        from operations import journal, traces
        from operations.caller import system
        call_command("migrate", verbosity=0)
        members = traces.members("sign", system(), request={"text": "a\\0b\\ud800", "number": float("nan")})
        traces.row(members).save(force_insert=True)
        print(journal.drain())
    """)
    url = postgresql_server.create_database()
    environment = {**os.environ, "KMS_HOME": str(tmp_path), "KMS_DATABASE_URL": url}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=ROOT, check=True, capture_output=True, text=True
    )

    assert int(done.stdout) == len(POISON) + 1
    assert kept(folder) == b"".join(POISON.values())
    with psycopg.connect(url) as connection:
        names = connection.execute("SELECT name, count(*) FROM operations_trace GROUP BY name").fetchall()
    assert dict(names) == {"encryptData": len(POISON) + 1, "sign": 1, "rejectJournalLines": 1}


def test_times_are_kept_as_they_were(folder):
    at = clock.now()
    an_abandoned_file(folder, a_line(time=at))

    journal.drain()

    assert Trace.objects.get().time == at
