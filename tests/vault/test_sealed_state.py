"""Without the right root key the strong room stays sealed, says why, and changes nothing (SEC-005, SEC-097)."""

import re

import pytest
from django.db import connection, transaction

from tests.vault.conftest import a_binding, files, new_root, snapshot, write_root
from vault import hierarchy, initialisation, sealing
from vault.errors import Sealed
from vault.hierarchy import ServicePurpose
from vault.models import Canary, ServiceKey


def attempt_everything():
    """Each way into the vault, none of which may be open."""
    for act in (
        hierarchy.require_unsealed,
        lambda: hierarchy.service_key(ServicePurpose.FINGERPRINT),
        lambda: hierarchy.project_key("eu-de", "p9"),
        lambda: sealing.seal(a_binding(project="p9"), b"a key"),
    ):
        with pytest.raises(Sealed) as refused:
            act()
        assert refused.value.reason == hierarchy.seal_reason() != ""


def test_an_initialised_vault_is_unsealed(vault):
    assert not hierarchy.is_sealed()
    assert hierarchy.seal_reason() == ""
    hierarchy.require_unsealed()


def test_the_wrong_root_key_seals_and_the_sentence_names_both_ids_and_nothing_changes(vault):
    expected = Canary.objects.get().root_id
    write_root(vault / "root.key", new_root())
    hierarchy.forget()
    rows, names = snapshot(), files(vault)

    attempt_everything()

    assert re.search(rf"{re.escape(str(vault / 'root.key'))} has id [0-9a-f]{{16}}", hierarchy.seal_reason())
    assert f"sealed under root key {expected}" in hierarchy.seal_reason()
    assert snapshot() == rows
    assert files(vault) == names


def test_a_lost_root_key_seals_and_the_sentence_names_the_file_and_the_id_and_none_is_made(vault):
    expected = Canary.objects.get().root_id
    (vault / "root.key").unlink()
    hierarchy.forget()
    rows = snapshot()

    attempt_everything()

    assert str(vault / "root.key") in hierarchy.seal_reason()
    assert expected in hierarchy.seal_reason()
    assert "restore it from your backup" in hierarchy.seal_reason()
    assert snapshot() == rows
    assert files(vault) == []


def test_a_retired_root_key_of_the_right_id_is_pointed_at(vault):
    retired = vault / f"root.key.retired-{Canary.objects.get().root_id}"
    (vault / "root.key").rename(retired)
    hierarchy.forget()

    assert f"A retired key of that id is at {retired}." in hierarchy.seal_reason()


def test_a_root_key_that_others_can_read_seals(vault):
    (vault / "root.key").chmod(0o644)
    hierarchy.forget()

    assert "has mode 0644" in hierarchy.seal_reason()
    attempt_everything()


def test_an_uninitialised_database_is_sealed_and_says_what_to_run(empty_vault):
    assert hierarchy.seal_reason() == "The strong room is not initialised: run manage.py init_root."
    attempt_everything()
    assert files(empty_vault) == []


def test_a_canary_that_was_altered_seals(vault):
    canary = Canary.objects.get()
    Canary.objects.update(wrapped=bytes(canary.wrapped)[:-1] + b"\0")
    if bytes(Canary.objects.get().wrapped) == bytes(canary.wrapped):  # it ended in a zero byte
        Canary.objects.update(wrapped=bytes(canary.wrapped)[:-1] + b"\1")
    hierarchy.forget()

    assert "does not open this database's canary" in hierarchy.seal_reason()
    attempt_everything()


def test_a_canary_that_was_removed_seals(vault):
    Canary.objects.all().delete()
    hierarchy.forget()

    assert "canary is missing" in hierarchy.seal_reason()
    attempt_everything()


def test_a_service_key_that_was_removed_is_never_made_anew(vault):
    ServiceKey.objects.filter(purpose=ServicePurpose.FINGERPRINT).delete()
    hierarchy.forget()

    with pytest.raises(Sealed, match="service key fingerprint is missing"):
        hierarchy.service_key(ServicePurpose.FINGERPRINT)
    assert not ServiceKey.objects.filter(purpose=ServicePurpose.FINGERPRINT).exists()


def test_a_service_key_swapped_with_another_does_not_open(vault):
    ServiceKey.objects.filter(purpose="iam").update(wrapped=ServiceKey.objects.get(purpose="fingerprint").wrapped)
    hierarchy.forget()

    with pytest.raises(Sealed, match="service key iam does not open"):
        hierarchy.service_key(ServicePurpose.IAM)


@pytest.mark.django_db(transaction=True)
def test_a_database_without_our_tables_is_sealed_and_the_callers_transaction_goes_on(home):
    with transaction.atomic():
        connection.cursor().execute("ALTER TABLE vault_canary RENAME TO vault_elsewhere")

        assert "has not been migrated" in hierarchy.seal_reason()

        assert ServiceKey.objects.count() >= 0  # PostgreSQL would refuse this in a spoiled transaction
        transaction.set_rollback(True)


def test_a_process_unseals_by_itself_a_few_seconds_after_the_root_key_is_put_back(vault, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(hierarchy.time, "monotonic", lambda: now[0])
    content = (vault / "root.key").read_bytes()
    (vault / "root.key").unlink()
    hierarchy.forget()
    assert hierarchy.is_sealed()
    write_root(vault / "root.key", content)

    now[0] += hierarchy.RECHECK_SECONDS - 0.1
    assert hierarchy.is_sealed()
    now[0] += 0.1
    assert not hierarchy.is_sealed()


def test_the_log_says_why_once_and_when_it_is_over(vault, caplog, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(hierarchy.time, "monotonic", lambda: now[0])
    content = (vault / "root.key").read_bytes()
    (vault / "root.key").unlink()
    hierarchy.forget()

    for _ in range(3):
        assert hierarchy.is_sealed()
        now[0] += hierarchy.RECHECK_SECONDS
    write_root(vault / "root.key", content)
    assert not hierarchy.is_sealed()

    logged = [record.getMessage() for record in caplog.records if record.name == "vault.hierarchy"]
    assert len(logged) == 2
    assert logged[0].startswith("The strong room is sealed. There is no root key at ")
    assert logged[1] == "The strong room is no longer sealed."


def test_asking_costs_no_query_once_it_is_known(vault, django_assert_num_queries):
    hierarchy.is_sealed()

    with django_assert_num_queries(0):
        assert not hierarchy.is_sealed()

    (vault / "root.key").unlink()
    hierarchy.forget()
    hierarchy.is_sealed()
    with django_assert_num_queries(0):
        assert hierarchy.is_sealed()


def test_a_library_that_gives_a_wrong_answer_is_not_used(vault, monkeypatch):
    monkeypatch.setattr("kmscrypto.selftest.GCM_CIPHERTEXT", bytes(32))
    hierarchy.forget()

    assert "Self-test of" in hierarchy.seal_reason()
    attempt_everything()


def test_a_root_key_beside_an_empty_database_does_not_unseal_it(empty_vault):
    write_root(empty_vault / "root.key", new_root())
    assert hierarchy.is_sealed()

    initialisation.initialise(use_existing_root=True)

    assert not hierarchy.is_sealed()
