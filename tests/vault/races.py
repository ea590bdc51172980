"""Races in the strong room, run as a program of its own: `python -m tests.vault.races`, as `tests.imports.races` is."""

from __future__ import annotations

import itertools
import threading
import time
from datetime import timedelta

import django

django.setup()

from django.db import transaction  # noqa: E402

from imports.models import WrappingKey  # noqa: E402
from imports.services import parameters  # noqa: E402
from keys import material  # noqa: E402
from keys.models import Key, KeyVersion  # noqa: E402
from operations.models import Trace  # noqa: E402
from projects.tasks import rotate_project_keys  # noqa: E402
from tests.imports.races import alice, prepare, together  # noqa: E402
from tests.operations import stage  # noqa: E402
from tests.services.installation import serve  # noqa: E402
from tests.vault.conftest import a_binding  # noqa: E402
from tests.vault.processes import fork, kill_after  # noqa: E402
from vault import hierarchy, project_rotation, rotation, sealing  # noqa: E402
from vault.errors import OpenFailed  # noqa: E402
from vault.models import Canary, ProjectKey, ServiceKey  # noqa: E402
from vault.project_rotation import Limits  # noqa: E402

# Every version has served its time, and no reader is waited for: these tests have none that is so slow.
project_rotation.LIMITS = Limits(wraps=1)
project_rotation.ERASED_AFTER = timedelta(0)
project_rotation.BATCH = 5
numbers = itertools.count()


def first_use(rounds: int):
    """Eight who seal in a new project at once; how many keys were made, and whether all opens."""
    outcomes = []
    for _ in range(rounds):
        place = a_binding(project=f"first-{next(numbers)}")
        blobs = []
        together(*(lambda place=place, blobs=blobs: blobs.append(sealing.seal(place, b"a key")) for _ in range(8)))
        hierarchy.forget()
        opened = sum(sealing.open(place, blob) == b"a key" for blob in blobs)
        outcomes.append([ProjectKey.objects.filter(project=place.project).count(), opened])
    return outcomes


def seal_while_rotating(rounds: int):
    """Keys and offers are made while their project's key is replaced again and again, and old versions erased."""
    caller = alice()

    def make():
        stage.an_offer(caller, stage.an_empty_key(caller))
        stage.a_key(caller)

    return {"answers": _meanwhile(make, rotate_project_keys, rounds=rounds), **inspect()}


def seal_and_be_slow():
    """A key is sealed, and its transaction stays open while a sweep wants to replace the version that sealed it."""
    caller, sealed = alice(), threading.Event()

    def make():
        with transaction.atomic():
            stage.a_key(caller)
            sealed.set()
            time.sleep(0.5)

    def rotate():
        sealed.wait()
        rotate_project_keys()

    return {"answers": together(make, rotate), **inspect()}


def seal_while_the_root_rotates(rounds: int):
    """Projects are used for the first time while the root key is replaced; what does not open then, and the roots."""
    blobs = []

    def seal():
        place = a_binding(project=f"root-{next(numbers)}")
        blobs.append((place, sealing.seal(place, b"a key")))

    answers = _meanwhile(seal, lambda: rotation.rotate(keep_old=False), rounds=rounds)
    hierarchy.forget()
    closed = [place.project for place, blob in blobs if not _opens(place, blob)]
    roots = {row.root_id for model in (Canary, ServiceKey, ProjectKey) for row in model.objects.all()}
    return {"answers": answers, "closed": closed, "roots": len(roots), "made": len(blobs)}


def _meanwhile(work, disturb, *, rounds: int):
    """Three threads do the work so often; a fourth one disturbs them till they are done."""
    done = threading.Semaphore(0)

    def make():
        try:
            for _ in range(rounds):
                work()
        finally:
            done.release()

    def keep_disturbing():
        gone = 0
        while gone < 3:
            disturb()
            time.sleep(0.05)  # SQLite lets in whoever asks first: the others must get their turn
            gone += done.acquire(blocking=False)

    return together(make, make, make, keep_disturbing)


def grow(count: int):
    caller = alice()
    for _ in range(count):
        stage.a_key(caller)
        stage.an_offer(caller, stage.an_empty_key(caller))
    return count


def delete_material_while_rotating(rounds: int):
    """Material is erased while it is re-wrapped: it must not come back."""
    caller, outcomes = alice(), []
    for _ in range(rounds):
        key = stage.an_imported_key(caller)
        project_rotation.rotate(caller.region_id, caller.project_id)
        old = project_rotation.replaced().last()
        answers = together(
            lambda key=key: stage.delete_material(caller, key), lambda old=old: project_rotation.rewrap(old)
        )
        key.refresh_from_db()
        outcomes.append([*answers, key.state, material.has_material(key)])
    return outcomes


def sweep():
    return rotate_project_keys()


def sweep_together(runners: int):
    return together(*(rotate_project_keys for _ in range(runners)))


def kill_sweeps(moments: list[float]):
    """Kills one sweep after the other, each so many seconds after it began; what is found each time."""
    found = []
    for seconds in moments:
        status = kill_after(fork(sweep), seconds)
        found.append({"killed": status < 0, **inspect()})
    return found


def finish():
    """Sweeps until nothing is under a replaced version, without making further ones."""
    before, project_rotation.LIMITS = project_rotation.LIMITS, Limits()
    for _ in range(5):
        rotate_project_keys()
    project_rotation.LIMITS = before
    return inspect()


def inspect():
    """Whether each sealed value opens, as a process sees it that has just started."""
    hierarchy.forget()
    closed = [
        str(version)
        for version in KeyVersion.objects.exclude(material_sealed=None).select_related("key__project")
        if not _opens(material.binding(version.key, version.number), version.material_sealed)
    ]
    closed += [
        str(offer)
        for offer in WrappingKey.objects.exclude(private_sealed=None).select_related("key__project")
        if not _opens(parameters.binding(offer), offer.private_sealed)
    ]
    caller = alice()
    versions = ProjectKey.objects.filter(project=caller.project_id)
    return {
        "closed": closed,
        "made": Key.objects.count(),
        "current": versions.filter(retired_at=None).count(),
        "replaced": versions.exclude(retired_at=None).count(),
        "version": versions.order_by("-version").first().version,
        "rotations": Trace.objects.filter(name="rotateProjectKey", rating="normal").count(),
        "erasures": Trace.objects.filter(name="eraseProjectKey", rating="normal").count(),
    }


def _opens(place, blob) -> bool:
    try:
        return bool(sealing.open(place, bytes(blob)))
    except OpenFailed:
        return False


WHAT = (
    prepare, first_use, seal_and_be_slow, seal_while_rotating, seal_while_the_root_rotates, grow,
    delete_material_while_rotating, sweep_together, kill_sweeps, finish, inspect,
)  # fmt: skip


if __name__ == "__main__":
    serve(*WHAT)
