"""The first start makes a root key once; beside a database that has keys it never does (SEC-005)."""

import stat

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from tests.vault.conftest import ROWS, files, new_root, snapshot, write_root
from tests.vault.processes import dying_before_file_operation, fork, wait
from vault import hierarchy, initialisation, rootfile
from vault.errors import RootKeyUnsafe, VaultError
from vault.hierarchy import ServicePurpose
from vault.models import Canary, ProjectKey, ServiceKey


def test_the_command_makes_a_private_root_key_a_canary_and_the_service_keys(empty_vault, capsys):
    call_command("init_root")

    root_id = Canary.objects.get().root_id
    assert files(empty_vault) == ["root.key"]
    assert stat.S_IMODE((empty_vault / "root.key").stat().st_mode) == 0o600
    assert set(ServiceKey.objects.values_list("purpose", flat=True)) == set(ServicePurpose)
    assert not ProjectKey.objects.exists()
    assert not hierarchy.is_sealed()
    printed = capsys.readouterr().out
    assert f"Root key {root_id} is in {empty_vault / 'root.key'}" in printed
    assert (empty_vault / "root.key").read_text().strip() not in printed


def test_a_home_that_is_not_there_yet_is_made(empty_vault, settings):
    settings.KMS_ROOT_KEY_FILE = empty_vault / "secrets" / "root.key"

    initialisation.initialise()

    assert settings.KMS_ROOT_KEY_FILE.exists()


@pytest.mark.parametrize("use_existing", [False, True])
def test_a_second_time_is_refused_and_changes_nothing(vault, use_existing):
    rows, key = snapshot(), (vault / "root.key").read_bytes()

    with pytest.raises(CommandError, match=r"sealed under root key [0-9a-f]{16} already"):
        call_command("init_root", use_existing=use_existing)

    assert snapshot() == rows
    assert (vault / "root.key").read_bytes() == key


@pytest.mark.parametrize("use_existing", [False, True])
def test_a_lost_root_key_is_not_replaced_by_a_new_one(vault, use_existing):
    (vault / "root.key").unlink()
    rows = snapshot()

    with pytest.raises(VaultError, match="restore it from your backup"):
        initialisation.initialise(use_existing_root=use_existing)

    assert snapshot() == rows
    assert files(vault) == []


@pytest.mark.parametrize("use_existing", [False, True])
def test_a_foreign_incoming_root_key_does_not_take_the_place_of_a_lost_one(vault, use_existing):
    (vault / "root.key").unlink()
    write_root(vault / "root.key.new", new_root())

    with pytest.raises(VaultError, match="restore it from your backup"):
        initialisation.initialise(use_existing_root=use_existing)

    assert files(vault) == ["root.key.new"]


def test_keys_without_a_canary_are_a_database_that_has_keys(vault):
    Canary.objects.all().delete()
    (vault / "root.key").unlink()

    with pytest.raises(VaultError, match="keys but no canary"):
        initialisation.initialise()

    assert files(vault) == []


def test_a_root_key_that_is_there_is_taken_only_when_told(empty_vault):
    content = new_root()
    write_root(empty_vault / "root.key", content)

    with pytest.raises(VaultError, match="init_root --use-existing"):
        initialisation.initialise()
    assert not Canary.objects.exists()

    call_command("init_root", use_existing=True)
    assert (empty_vault / "root.key").read_bytes() == content
    assert not hierarchy.is_sealed()


def test_a_root_key_that_is_not_safe_is_not_taken(empty_vault):
    write_root(empty_vault / "root.key", new_root(), mode=0o644)

    with pytest.raises(RootKeyUnsafe):
        initialisation.initialise(use_existing_root=True)

    assert not Canary.objects.exists()


DAMAGED = pytest.mark.parametrize("left", [b"", b"c2hvcnQ=", b"\0" * 32, b"\0" * 45], ids=["empty", "short", "0", "00"])


@DAMAGED
def test_a_damaged_root_key_beside_an_empty_database_is_named_and_kept(empty_vault, left):
    write_root(empty_vault / "root.key", left)

    with pytest.raises(VaultError, match=r"root\.key"):
        initialisation.initialise(use_existing_root=True)

    assert (empty_vault / "root.key").read_bytes() == left
    assert files(empty_vault) == ["root.key"]


@DAMAGED
def test_a_damaged_root_key_beside_a_vault_seals_it_and_is_kept(vault, left):
    write_root(vault / "root.key", left)
    hierarchy.forget()

    with pytest.raises(VaultError):
        initialisation.initialise(use_existing_root=True)

    assert hierarchy.is_sealed()
    assert "root.key" in hierarchy.seal_reason()
    assert (vault / "root.key").read_bytes() == left


def test_the_environment_brings_its_own_root_key(empty_vault, settings, environment_without_root_keys):
    settings.KMS_ROOT_KEY_PROVIDER = "env"
    environment_without_root_keys.setenv("KMS_ROOT_KEY", new_root().decode())

    initialisation.initialise()

    assert not hierarchy.is_sealed()
    assert files(empty_vault) == []
    with pytest.raises(VaultError, match="already"):
        initialisation.initialise()


def test_another_command_at_the_same_time_is_refused(empty_vault):
    with rootfile.exclusively(empty_vault), pytest.raises(VaultError, match="Another command is changing the root key"):
        initialisation.initialise()

    assert not Canary.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_unmigrated_database_says_so_and_gets_no_root_key(home):
    with transaction.atomic():
        connection.cursor().execute("ALTER TABLE vault_canary RENAME TO vault_elsewhere")

        with pytest.raises(VaultError, match=r"run manage\.py migrate"):
            initialisation.initialise()

        transaction.set_rollback(True)
    assert files(home) == []


@pytest.mark.django_db(transaction=True)
def test_killed_before_any_file_operation_it_is_mended_by_doing_it_again(home):
    number = 0
    while True:
        for model in ROWS:
            model.objects.all().delete()
        for path in home.iterdir():
            path.unlink()

        status = wait(fork(dying_before_file_operation(number, home, initialisation.initialise)))

        if status == 0:
            break
        assert status < 0
        hierarchy.forget()
        if hierarchy.is_sealed() or not (home / "root.key").exists():
            initialisation.initialise()
        assert not hierarchy.is_sealed()
        assert (home / "root.key").exists()
        assert ServiceKey.objects.count() == len(ServicePurpose)
        number += 1
    assert number > 8  # it does not pass because nothing was ever killed
