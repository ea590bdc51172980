"""The root key is replaced while the product runs; killed at any point, the rotation goes on where it was (SEC-003)."""

import random
import time

import pytest
from django.core.management import CommandError, call_command

from tests.vault.conftest import ROWS, a_binding, files, new_root, snapshot, write_root
from tests.vault.processes import dying_before_file_operation, fork, kill_after, running, wait
from tests.vault.test_roots import command_line
from vault import hierarchy, initialisation, keyring, rotation, sealing
from vault.errors import Sealed, VaultError
from vault.hierarchy import ServicePurpose
from vault.models import Canary, ProjectKey, ServiceKey
from vault.sealing import Binding

PROJECTS = [f"p{number}" for number in range(6)]
# All that `fill` leaves wrapped by the root key: the keys of projects, the service keys and the canary.
WRAPPED = len(PROJECTS) + len(ServicePurpose) + 1
ACCESS_KEY = Binding("access-key", "AK1", "secret-key")


class Interrupted(Exception):
    pass


def fill():
    """Sealed values of several projects, and the service keys, as a later process must find them."""
    blobs = {a_binding(project=project): sealing.seal(a_binding(project=project), b"a key") for project in PROJECTS}
    blobs[ACCESS_KEY] = sealing.seal(ACCESS_KEY, b"a key")
    return blobs, {purpose: hierarchy.service_key(purpose) for purpose in ServicePurpose}


def everything_opens(filled):
    hierarchy.forget()
    blobs, service_keys = filled
    assert all(sealing.open(binding, blob) == b"a key" for binding, blob in blobs.items())
    assert {purpose: hierarchy.service_key(purpose) for purpose in ServicePurpose} == service_keys
    return True


def root_ids():
    return {root_id for model in ROWS for root_id in model.objects.values_list("root_id", flat=True)}


def test_the_command_moves_every_key_and_keeps_the_old_root_key_under_another_name(committed_vault, capsys):
    filled = fill()
    (old,) = root_ids()
    old_content = (committed_vault / "root.key").read_bytes()

    call_command("rotate_root_key")

    (new,) = root_ids()
    assert new != old
    assert everything_opens(filled)
    assert files(committed_vault) == ["root.key", f"root.key.retired-{old}"]
    assert (committed_vault / f"root.key.retired-{old}").read_bytes() == old_content
    printed = capsys.readouterr().out
    assert f"under root key {new} ({WRAPPED} keys wrapped anew)" in printed
    assert (committed_vault / "root.key").read_text().strip() not in printed


def test_the_old_root_key_can_be_removed(committed_vault):
    filled = fill()

    call_command("rotate_root_key", remove_old=True)

    assert files(committed_vault) == ["root.key"]
    assert everything_opens(filled)


def test_the_old_root_key_opens_nothing_afterwards(committed_vault):
    fill()
    (old,) = root_ids()
    rotation.rotate()
    (committed_vault / f"root.key.retired-{old}").replace(committed_vault / "root.key")
    hierarchy.forget()

    assert f"has id {old}" in hierarchy.seal_reason()


def test_the_new_root_key_can_be_made_beforehand_and_is_then_the_one_used(committed_vault, capsys):
    filled = fill()
    (old,) = root_ids()

    call_command("rotate_root_key", prepare=True)
    call_command("rotate_root_key", prepare=True)

    assert root_ids() == {old}
    assert everything_opens(filled)
    prepared = (committed_vault / "root.key.new").read_bytes()
    call_command("rotate_root_key")
    assert (committed_vault / "root.key").read_bytes() == prepared


def test_what_the_project_keys_seal_is_not_touched(committed_vault):
    blobs, _ = fill()
    before = {row.pk: row.created_at for row in ProjectKey.objects.all()}

    rotation.rotate()

    assert {row.pk: row.created_at for row in ProjectKey.objects.all()} == before
    hierarchy.forget()
    assert all(sealing.open(binding, blob) for binding, blob in blobs.items())


@pytest.mark.parametrize("step", range(WRAPPED + 1))
def test_interrupted_after_each_row_it_goes_on_there(committed_vault, step):
    filled = fill()
    (old,) = root_ids()
    steps = []

    def interrupt(name):
        steps.append(name)
        if len(steps) > step:
            raise Interrupted

    if step < WRAPPED:
        with pytest.raises(Interrupted):
            rotation.rotate(on_step=interrupt)
        assert everything_opens(filled)

    done = rotation.rotate(on_step=steps.append)

    assert everything_opens(filled)
    assert root_ids() == {done.root_id}
    assert old != done.root_id
    assert len(steps) >= WRAPPED


def test_killed_before_any_file_operation_it_goes_on_there(committed_vault):
    filled = fill()
    number = 0
    while True:
        status = wait(fork(dying_before_file_operation(number, committed_vault, rotation.rotate)))
        assert everything_opens(filled)
        if status == 0:
            break
        assert status < 0
        done = rotation.rotate()
        assert root_ids() == {done.root_id}
        assert not (committed_vault / "root.key.new").exists()
        assert everything_opens(filled)
        number += 1
    assert number > 10


def test_killed_at_50_random_moments_it_loses_nothing(committed_vault):
    filled = fill()
    started = time.monotonic()
    assert wait(fork(rotation.rotate)) == 0
    duration = time.monotonic() - started
    chance = random.Random(7)  # noqa: S311  (moments, not keys)

    ends = [
        kill_after(fork(rotation.rotate), chance.uniform(0, duration)) for _ in range(50) if everything_opens(filled)
    ]

    assert sum(status < 0 for status in ends) > 10
    assert all(status <= 0 for status in ends)
    done = rotation.rotate()
    assert everything_opens(filled)
    assert root_ids() == {done.root_id}


def test_running_processes_work_on_during_and_after_it(committed_vault, tmp_path):
    filled = fill()
    blobs, _ = filled
    stop, ready = tmp_path / "stop", tmp_path / "ready"

    def serve():
        """Opens everything and uses a new project each time; keys leave memory as they do after five minutes."""
        turn = 0
        while not stop.exists():
            hierarchy._project_keys.clear()
            assert all(sealing.open(binding, blob) == b"a key" for binding, blob in blobs.items())
            fresh = a_binding(project=f"new-{turn}")
            (tmp_path / f"blob-{turn}").write_bytes(sealing.seal(fresh, b"a key"))
            turn += 1
            ready.touch()

    with running(serve, ready=ready, stop=stop):
        for _ in range(3):
            rotation.rotate(keep_old=False)
            time.sleep(0.05)

    (current,) = root_ids()
    assert current == Canary.objects.get().root_id
    assert everything_opens(filled)
    made = list(tmp_path.glob("blob-*"))
    assert len(made) > 3
    for path in made:
        fresh = a_binding(project=path.name.replace("blob", "new"))
        assert sealing.open(fresh, path.read_bytes()) == b"a key"


def test_a_row_that_was_read_before_it_ended_opens_afterwards(committed_vault):
    fill()
    row = ProjectKey.objects.get(project="p1")
    material = keyring.unwrap(row)

    rotation.rotate(keep_old=False)
    hierarchy.forget()

    assert keyring.unwrap(row) == material


def test_a_second_name_of_the_current_root_key_is_not_taken_for_a_new_one(committed_vault):
    filled = fill()
    (old,) = root_ids()
    (committed_vault / "root.key.new").hardlink_to(committed_vault / "root.key")  # as a first start leaves it if killed

    rotation.rotate()

    assert root_ids() != {old}
    assert everything_opens(filled)
    assert files(committed_vault) == ["root.key", f"root.key.retired-{old}"]


def test_a_row_that_does_not_open_stops_it_and_both_root_keys_stay(committed_vault):
    fill()
    (old,) = root_ids()
    ProjectKey.objects.filter(project="p1").update(wrapped=ProjectKey.objects.get(project="p2").wrapped)

    with pytest.raises(CommandError, match="project key eu-de/p1 v1 does not open"):
        call_command("rotate_root_key")

    assert files(committed_vault) == ["root.key", "root.key.new"]
    assert old in root_ids()


def test_a_sealed_vault_is_not_rotated(committed_vault):
    fill()
    write_root(committed_vault / "root.key", new_root())
    rows = snapshot()

    with pytest.raises(Sealed, match="put that one back"):
        rotation.rotate()

    assert snapshot() == rows
    assert files(committed_vault) == ["root.key"]


def test_where_the_files_cannot_be_exchanged_it_says_what_is_left_to_do(committed_vault):
    filled = fill()
    (old,) = root_ids()
    (committed_vault / f"root.key.retired-{old}").symlink_to("nowhere")

    with pytest.raises(CommandError, match=r"could not be exchanged .*give .*root\.key\.new its name"):
        call_command("rotate_root_key")

    assert old not in root_ids()
    (committed_vault / "root.key.new").replace(committed_vault / "root.key")
    assert everything_opens(filled)


def test_two_rotations_at_once_are_refused(committed_vault):
    def second(step):
        with pytest.raises(VaultError, match="Another command"):
            rotation.rotate()

    rotation.rotate(on_step=second)


def test_an_incoming_root_key_that_is_not_safe_is_refused(committed_vault):
    write_root(committed_vault / "root.key.new", new_root(), mode=0o644)

    with pytest.raises(VaultError, match=r"root\.key\.new has mode 0644"):
        rotation.rotate()


@pytest.fixture(params=["env", "command"])
def foreign_root(request, home, settings, transactional_db, environment_without_root_keys):
    """A vault whose root key is not ours to make; the value adds the incoming one, and then leaves only that."""
    for model in ROWS:
        model.objects.all().delete()
    settings.KMS_ROOT_KEY_PROVIDER = request.param
    settings.KMS_ROOT_KEY_COMMAND = command_line(home)
    keys = {"current": new_root(), "incoming": new_root()}

    def give(**names):
        for name, variable in (("current", "KMS_ROOT_KEY"), ("incoming", "KMS_ROOT_KEY_NEW")):
            (home / name).unlink(missing_ok=True)
            if name in names:
                write_root(home / name, keys[names[name]])
                environment_without_root_keys.setenv(variable, keys[names[name]].decode())

    give(current="current")
    initialisation.initialise()
    return give


def test_the_environment_and_a_program_have_to_bring_the_new_root_key(foreign_root, environment_without_root_keys):
    filled = fill()
    (old,) = root_ids()
    with pytest.raises(VaultError, match="then rotate"):
        rotation.rotate()
    with pytest.raises(VaultError, match="then rotate"):
        rotation.prepare()
    foreign_root(current="current", incoming="incoming")

    done = rotation.rotate()

    assert "take it out" in done.retired
    assert root_ids() == {done.root_id} != {old}
    assert rotation.rotate().rewrapped == 0
    foreign_root(current="incoming")
    assert everything_opens(filled)


class TestCheckVault:
    def test_counts_what_opens(self, committed_vault, capsys):
        fill()
        (root_id,) = root_ids()

        call_command("check_vault")

        assert capsys.readouterr().out.splitlines() == [
            f"canary under root key {root_id}: 1 opened",
            f"project keys under root key {root_id}: 6 opened",
            f"service keys under root key {root_id}: 3 opened",
            "Every key opens.",
        ]

    def test_names_each_row_that_does_not_open_and_fails(self, committed_vault):
        fill()
        ProjectKey.objects.filter(project="p1").update(wrapped=ProjectKey.objects.get(project="p2").wrapped)
        ProjectKey.objects.filter(project="p3").update(root_id="0123456789abcdef")
        ServiceKey.objects.filter(purpose="fingerprint").delete()

        with pytest.raises(CommandError) as failed:
            call_command("check_vault")

        assert failed.value.returncode == 1
        sentences = str(failed.value).splitlines()
        assert len(sentences) == 3
        assert sentences[0] == "The service key fingerprint is missing."
        assert any("eu-de/p1 v1 does not open" in sentence for sentence in sentences)
        assert any("0123456789abcdef: put that one back" in sentence for sentence in sentences)

    def test_fails_on_a_sealed_vault_with_its_reason(self, committed_vault):
        (committed_vault / "root.key").unlink()

        with pytest.raises(CommandError, match="restore it from your backup"):
            call_command("check_vault")
