"""Races, run as a program of its own on the database that its environment names: `python -m tests.imports.races`.

Processes, threads and connections are as in the product. It reads what to do, line by line, and answers each line with
one; both are JSON. What is to be killed runs as `python -m tests.imports.races sweep`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import timedelta
from functools import partial
from secrets import token_bytes

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402

from iam.models import Token  # noqa: E402
from iam.services import tokens  # noqa: E402
from imports.api import IMPORT_KEY_MATERIAL  # noqa: E402
from imports.models import WrappingKey  # noqa: E402
from imports.tasks import expire_material, expire_wrapping_keys  # noqa: E402
from keys.api.aliases import CREATE_ALIAS  # noqa: E402
from keys.api.encryption import ENCRYPT_DATA  # noqa: E402
from keys.api.grants import RETIRE_GRANT, REVOKE_GRANT  # noqa: E402
from keys.api.lifecycle import DISABLE_KEY, UPDATE_KEY_ALIAS  # noqa: E402
from keys.api.rotation import ENABLE_KEY_ROTATION  # noqa: E402
from keys.models import Grant, Key, Tag  # noqa: E402
from keys.tasks import delete_due_keys, rotate_due_keys  # noqa: E402
from kmscrypto import fingerprint, specs  # noqa: E402
from operations import changes, clock  # noqa: E402
from operations.caller import Kind  # noqa: E402
from operations.errors import KmsError  # noqa: E402
from operations.models import Trace  # noqa: E402
from operations.perform import perform  # noqa: E402
from tags.api import CREATE_TAG  # noqa: E402
from tests import factories  # noqa: E402
from tests.kmscrypto import keys as private_keys  # noqa: E402
from tests.operations import stage  # noqa: E402
from tests.services.installation import serve  # noqa: E402
from vault import initialisation  # noqa: E402

SWEEPS = (expire_wrapping_keys, expire_material, delete_due_keys, rotate_due_keys)
OFFERS = 10


def alice():
    return factories.caller(factories.alice())


def prepare():
    call_command("migrate", verbosity=0)
    initialisation.initialise(use_existing_root=True)
    alice()


# --- together -----------------------------------------------------------------------------------------------------


def together(*acts):
    """Runs all of them at once, each in a thread with a connection of its own; what each answered."""
    answers: list = [None] * len(acts)
    start = threading.Barrier(len(acts))

    def run(number, act):
        start.wait()
        answers[number] = answer_of(act)
        connections.close_all()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def answer_of(act, *arguments) -> str:
    try:
        act(*arguments)
    except KmsError as error:
        return error.code.code
    return "done"


# --- many imports of one key --------------------------------------------------------------------------------------


def import_race(spec: str, processes: int, threads: int):
    """Everybody brings other material, under ten offers; who wins, and what is stored then."""
    caller = alice()
    key = stage.an_empty_key(caller, spec)
    offers = [stage.an_offer(caller, key) for _ in range(OFFERS)]
    requests, marks = [], []
    for number in range(processes * threads):
        plaintext = token_bytes(32) if spec == "AES_256" else _new_private_key()
        requests.append(stage.a_request(key, offers[number % OFFERS], plaintext=plaintext))
        marks.append(fingerprint.check_value(specs.SPECS[spec], plaintext))
    shares = [requests[start : start + threads] for start in range(0, len(requests), threads)]
    workers = [_worker(share) for share in shares]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    answers = [answer for worker in workers for answer in json.loads(worker.communicate()[0])]
    key.refresh_from_db()
    version = key.versions.get()
    return {
        "answers": answers,
        "winners": [marks[number] for number, answer in enumerate(answers) if answer == "done"],
        "stored": version.check_value,
        "stored_public": _check_value_of_public(version),
        "state": key.state,
        "used_offers": WrappingKey.objects.filter(key=key, used_at__isnull=False).count(),
        "traces": Trace.objects.filter(resource_id=key.key_id, name="importKeyMaterial", rating="normal").count(),
        "refusals": Trace.objects.filter(name="importKeyMaterial", rating="warning", resource_id=key.key_id).count(),
    }


def _new_private_key():
    ec = private_keys.ec
    return private_keys.der(ec.generate_private_key(ec.SECP256R1()))


def _check_value_of_public(version):
    return fingerprint.public_check_value(bytes(version.public_key)) if version.public_key else None


def _worker(requests):
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.imports.races", "work"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    process.stdin.write(json.dumps(requests) + "\n")
    process.stdin.flush()
    return process


def work():
    requests = json.loads(sys.stdin.readline())
    caller = alice()
    connections.close_all()
    print("ready", flush=True)
    sys.stdin.readline()
    return together(*(lambda fields=fields: perform(IMPORT_KEY_MATERIAL, caller, fields) for fields in requests))


# --- import or deletion, cancelling or deleting -------------------------------------------------------------------


def import_and_schedule(rounds: int):
    """An import and the scheduling of the key's deletion, at once: one goes first, and the row tells which."""
    caller, outcomes = alice(), []
    for _ in range(rounds):
        key = stage.an_empty_key(caller)
        fields = stage.a_request(key, stage.an_offer(caller, key))
        imported, scheduled = together(
            lambda fields=fields: perform(IMPORT_KEY_MATERIAL, caller, fields),
            lambda key=key: stage.schedule_deletion(caller, key),
        )
        key.refresh_from_db()
        outcomes.append(
            {
                "imported": imported,
                "scheduled": scheduled,
                "state": key.state,
                "has_material": key.versions.filter(material_sealed__isnull=False).exists(),
                "has_fingerprint": key.material_fingerprint is not None,
                "used_offers": key.wrapping_keys.filter(used_at__isnull=False).count(),
            }
        )
    return outcomes


class Watches(threading.local):
    """A clock for each thread: one is a second late."""

    ahead = timedelta()


def cancel_and_delete(rounds: int):
    """For one who cancels the date is a second away, for the job it has come: the row's lock decides."""
    caller, watches, outcomes = alice(), Watches(), []
    before = clock.use(lambda: real() + watches.ahead)
    real = before
    for _ in range(rounds):
        key = stage.a_key(caller)
        stage.schedule_deletion(caller, key, days=7)

        def cancel(key=key):
            stage.cancel_deletion(caller, key)

        def delete():
            watches.ahead = timedelta(days=7, seconds=1)
            delete_due_keys()

        cancelled, _swept = together(cancel, delete)
        left = Key.objects.filter(pk=key.pk).first()
        outcomes.append(
            {
                "cancelled": cancelled,
                "state": left.state if left else None,
                "has_material": bool(left) and left.versions.filter(material_sealed__isnull=False).exists(),
                "deletions": Trace.objects.filter(resource_id=key.key_id, name="deleteKey", rating="normal").count(),
            }
        )
        if left:
            left.delete()
    clock.use(before)
    return outcomes


def duplicate_aliases(rounds: int):
    """Two keys of one alias at once: one is made, the other is told so."""
    caller = alice()
    return [
        sorted(together(*(lambda number=number: stage.a_key(caller, alias=f"same-{number}") for _ in range(2))))
        for number in range(rounds)
    ]


def one_name(rounds: int):
    """The same name at once for a new key, for another as its alias, for a third as one more."""
    caller, outcomes = alice(), []
    for number in range(rounds):
        name, renamed, named = f"one-{number}", stage.a_key(caller), stage.a_key(caller)
        acts = (
            lambda name=name: stage.a_key(caller, alias=name),
            lambda name=name, key=renamed: perform(UPDATE_KEY_ALIAS, caller, {"key_id": key.key_id, "key_alias": name}),
            lambda name=name, key=named: perform(CREATE_ALIAS, caller, {"key_id": key.key_id, "alias": name}),
        )
        outcomes.append(sorted(together(*acts)))
    return outcomes


def first_use(users: int):
    """Many services at once are the first to encrypt with the default key."""
    caller = alice()
    fields = {"key_id": "alias/obs/default", "plain_text": "a text"}
    answers = together(*(lambda: perform(ENCRYPT_DATA, caller, fields) for _ in range(users)))
    return answers, Key.objects.filter(is_default=True).count()


def last_place(rounds: int):
    """The quota has one place left, and twenty want it."""
    from django.conf import settings

    caller, outcomes = alice(), []
    for _ in range(rounds):
        settings.KMS_QUOTA_KEYS = Key.objects.filter(project_id=caller.project_id, is_default=False).count() + 1
        outcomes.append(sorted(together(*(lambda: stage.a_key(caller) for _ in range(20)))))
    settings.KMS_QUOTA_KEYS = 1000
    return outcomes


def last_places_on_a_key(rounds: int):
    """A key has room for one grant and one tag more, and four want each: what they were told, and what is there."""
    caller, outcomes = alice(), []
    for _ in range(rounds):
        key = stage.a_key(caller)
        fields = {"grantee": "a" * 32, "grantee_kind": "user", "operations": ["describe-key"], "issued_by": "b"}
        Grant.objects.bulk_create(Grant(key=key, created_at=key.created_at, **fields) for _ in range(99))
        Tag.objects.bulk_create(Tag(key=key, name=f"tag-{number}") for number in range(19))

        def tag(number, key=key):
            perform(CREATE_TAG, caller, {"key_id": key.key_id, "tag": {"key": f"wanted-{number}"}})

        grants = together(*(lambda key=key: stage.a_grant(caller, key) for _ in range(4)))
        tags = together(*(lambda number=number, tag=tag: tag(number) for number in range(4)))
        outcomes.append([sorted(grants), key.grants.count(), sorted(tags), key.tags.count()])
    return outcomes


def end_a_grant_twice(rounds: int):
    """Its owner revokes a grant while its retiring principal retires it."""
    caller, outcomes = alice(), []
    for _ in range(rounds):
        grant = stage.a_grant(caller, stage.a_key(caller), retiring_principal=caller.user_id)
        fields = {"key_id": grant.key.key_id, "grant_id": grant.grant_id}
        acts = [lambda end=end, fields=fields: perform(end, caller, fields) for end in (REVOKE_GRANT, RETIRE_GRANT)]
        outcomes.append(sorted(together(*acts)))
    return outcomes


def zero_grace(rounds: int):
    """One thread uses a key, remembering what it reads, while another disables it and then revokes its token.

    What was used after the change had been answered; that must be nothing.
    """
    caller, late = alice(), []
    for _ in range(rounds):
        key, token = stage.a_key(caller), factories.token(factories.alice())
        uses, changed, enough = [], [], threading.Event()
        together(partial(_use, caller, key, token, uses, enough), partial(_change, caller, key, uses, changed, enough))
        assert uses[0][1:] == ("done", "done"), "it worked before"
        late += [done for began, _found, done in uses if began > changed[0] and done != "KMS.0209"]
        late += [found for began, found, _done in uses if began > changed[1] and found != "KMS.0302"]
    return late


def _use(caller, key, token, uses, enough):
    while not enough.is_set():
        began = time.monotonic()
        identity, keys = changes.memories(changes.IDENTITY, caller.project_id)
        found = answer_of(tokens.find, token, identity)
        remembering = replace(caller, memory=keys)
        done = answer_of(perform, ENCRYPT_DATA, remembering, {"key_id": key.key_id, "plain_text": "x"})
        uses.append((began, found, done))


def _change(caller, key, uses, changed, enough):
    try:
        _wait_for_more(uses)
        perform(DISABLE_KEY, caller, {"key_id": key.key_id})
        changed.append(time.monotonic())
        _wait_for_more(uses)
        Token.objects.update(revoked_at=clock.now())
        changed.append(time.monotonic())
        _wait_for_more(uses)
    finally:
        enough.set()


def _wait_for_more(uses):
    wanted, end = len(uses) + 4, time.monotonic() + 60
    while len(uses) < wanted:
        assert time.monotonic() < end
        time.sleep(0.001)


# --- sweeps -------------------------------------------------------------------------------------------------------


def grow(count: int):
    """As many keys with expired material, old offers, abandoned offers, keys past their date or due to rotate."""
    caller = alice()
    person = replace(caller, kind=Kind.CONSOLE)
    abandoned: list[Key] = []
    real = clock.use(lambda: real() - timedelta(days=30))
    for _ in range(count):
        expires_at = clock.epoch_seconds() + 3600
        stage.an_imported_key(caller, expiration_time=expires_at)
        stage.an_offer(caller, stage.an_empty_key(caller))
        abandoned.append(stage.an_empty_key(caller))
        stage.schedule_deletion(caller, stage.a_key(caller), days=7)
        perform(ENABLE_KEY_ROTATION, caller, {"key_id": stage.a_key(caller).key_id, "rotation_interval": 30})
    clock.use(lambda: real() - timedelta(hours=1))
    for key in abandoned:
        stage.an_offer(person, key)
    clock.use(real)
    return count


def sweep():
    return {done.__name__: done() for done in SWEEPS}


def sweep_together(runners: int):
    return together(*(lambda: [done() for done in SWEEPS] for _ in range(runners)))


def inspect():
    """What the rows say, and whether any is in between."""
    now = clock.now()
    normal = Trace.objects.filter(kind="SystemAction", rating="normal")
    half_done = [
        key.alias
        for key in Key.objects.all()
        if key.spec_name == "AES_256"
        and key.state in (2, 3)
        and not key.versions.filter(material_sealed__isnull=False).exists()
    ]
    half_done += [
        key.alias for key in Key.objects.filter(state=5) if key.versions.filter(material_sealed__isnull=False).exists()
    ]
    half_done += [
        key.alias for key in Key.objects.exclude(rotation_days=None) if key.versions.count() != key.current_version
    ]
    return {
        "due": {
            "material": Key.objects.filter(material_expires_at__lte=now).count(),
            "offers": sum(not row.is_live(now) for row in WrappingKey.objects.exclude(private_sealed=None)),
            "deletions": Key.objects.filter(state=4, scheduled_deletion_at__lte=now).count(),
            "rotations": Key.objects.filter(state=2, rotation_due_at__lte=now).count(),
        },
        "traces": {
            name: normal.filter(name=name).count()
            for name in ("expireKeyMaterial", "expireWrappingKey", "deleteKey", "rotateKey")
        },
        "twice": normal.count() - normal.values("name", "resource_id").distinct().count(),
        "half_done": half_done,
    }


WHAT = (
    prepare, import_race, import_and_schedule, cancel_and_delete, duplicate_aliases, one_name, first_use, last_place,
    last_places_on_a_key, end_a_grant_twice, zero_grace, grow, sweep, sweep_together, inspect,
)  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1:] == ["work"]:
        print(json.dumps(work()))
    elif sys.argv[1:] == ["sweep"]:
        print("ready", flush=True)
        sweep()
    else:
        serve(*WHAT)
