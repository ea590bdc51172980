"""What a process remembers, it forgets the moment anything it stands on changes: in any process, by any hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from iam.authentication import remembered_rights
from iam.changes import WATCHED as IAM
from iam.models import Assignment, Policy, Token, User
from iam.services import tokens
from keys import locate
from keys.api.lifecycle import DISABLE_KEY
from keys.changes import WATCHED as KEYS
from keys.models import Alias, Key
from keys.states import State
from operations import changes, errors
from operations.errors import KmsError
from operations.models import ChangeCount
from operations.perform import perform
from projects.changes import WATCHED as PROJECTS
from tests import factories
from tests.operations.stage import a_key

WATCHED = (*PROJECTS, *IAM, *KEYS)

pytestmark = pytest.mark.django_db(transaction=True)


def count_of(scope):
    return ChangeCount.objects.filter(scope=scope).values_list("count", flat=True).first() or 0


@pytest.fixture
def strong_room(lasting_strong_room):
    """Committed: inside a test's transaction nothing would be remembered."""


@pytest.fixture(autouse=True)
def _nothing_remembered(strong_room):
    changes.forget()
    yield
    changes.forget()


@pytest.fixture
def user():
    return factories.alice()


@pytest.fixture
def token(user):
    return tokens.issue(user, project=factories.project())


def identity():
    return changes.memories(changes.IDENTITY)[0]


def remembering(caller):
    """The caller as the next request sees him."""
    return replace(caller, memory=changes.memories(caller.project_id)[0])


# --- what counts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("watch", WATCHED, ids=lambda watch: watch.table)
def test_every_watched_table_bears_its_triggers(watch):
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [watch.table])
        present = {name for (name,) in cursor.fetchall()}

    assert present == {f"count_{watch.table}_{event}" for event in watch.events}


@pytest.mark.parametrize(
    "change",
    [
        lambda user, token: User.objects.filter(pk=user.pk).update(enabled=False),
        lambda user, token: User.objects.filter(pk=user.pk).update(password_epoch=1),
        lambda user, token: Token.objects.filter(pk=token.token.pk).update(revoked_at=token.token.issued_at),
        lambda user, token: Token.objects.all().delete(),
        lambda user, token: Assignment.objects.all().delete(),
        lambda user, token: Policy.objects.update(document={"Version": "1.1"}),
        lambda user, token: factories.allow(user, "CTS Auditor"),
        lambda user, token: factories.project().account.enterprise_projects.update(enabled=False),
        lambda user, token: connection.cursor().execute("UPDATE iam_user SET enabled = 0"),
    ],
)
def test_what_a_credential_stands_on_is_counted_however_it_is_changed(user, token, change):
    before = count_of(changes.IDENTITY)

    change(user, token)

    assert count_of(changes.IDENTITY) > before


def test_signing_in_counts_for_nothing_that_was_there_before(user, token):
    before = count_of(changes.IDENTITY)

    tokens.issue(user)
    User.objects.filter(pk=user.pk).update(last_signed_in_at=token.token.issued_at, preferences={"theme": "dark"})

    assert count_of(changes.IDENTITY) == before


def test_a_change_of_a_key_counts_for_its_project_alone(alice, mallory):
    key = a_key(alice)
    a_key(mallory)
    mine, theirs, who = count_of(alice.project_id), count_of(mallory.project_id), count_of(changes.IDENTITY)

    Key.objects.filter(pk=key.pk).update(description="changed")

    assert count_of(alice.project_id) > mine
    assert (count_of(mallory.project_id), count_of(changes.IDENTITY)) == (theirs, who)


def test_a_change_that_is_rolled_back_is_not_counted(user):
    before = count_of(changes.IDENTITY)

    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(enabled=False)
        transaction.set_rollback(True)

    assert count_of(changes.IDENTITY) == before


# --- what is remembered --------------------------------------------------------------------------------------------


def test_what_did_not_change_is_loaded_once(user, token):
    tokens.find(token.secret, identity())
    memory = identity()

    with CaptureQueriesContext(connection) as queries:
        tokens.find(token.secret, memory)

    assert len(queries) == 0


def test_a_revoked_token_is_refused_at_once(user, token):
    tokens.find(token.secret, identity())

    Token.objects.update(revoked_at=token.token.issued_at)

    with pytest.raises(KmsError) as refused:
        tokens.find(token.secret, identity())
    assert refused.value.code.code == "KMS.0302"


def test_a_remembered_token_still_ends_at_its_time(the_clock, user, token):
    tokens.find(token.secret, identity())

    the_clock.advance(hours=24)

    with pytest.raises(KmsError) as refused:
        tokens.find(token.secret, identity())
    assert refused.value.code.code == "KMS.0303"


def test_nothing_is_remembered_inside_a_transaction(user):
    assert identity() is not None

    with transaction.atomic():
        assert identity() is None


def test_what_a_slow_thread_loads_late_is_not_given_to_others(user):
    slow = identity()
    User.objects.update(enabled=False)
    current = identity()

    slow.recall("a user", lambda: "as it was")

    assert current.recall("a user", lambda: "as it is") == "as it is"
    assert identity().recall("a user", lambda: "anew") == "as it is"


def test_a_key_that_did_not_change_is_not_loaded_again_because_others_did(alice):
    key, other = a_key(alice), a_key(alice)
    Key.objects.filter(pk=key.pk).update(description="so that it has been changed before")
    locate.find(remembering(alice), key.key_id)

    perform(DISABLE_KEY, alice, {"key_id": other.key_id})

    caller = remembering(alice)
    with CaptureQueriesContext(connection) as queries:
        assert locate.find(caller, key.key_id).key_id == key.key_id
    assert len(queries) == 0
    assert locate.find(caller, other.key_id).state == State.DISABLED


@pytest.mark.parametrize("was_changed_before", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        lambda key: Key.objects.filter(pk=key.pk).update(state=State.DISABLED),
        lambda key: connection.cursor().execute("UPDATE keys_key SET state = %s", [State.DISABLED]),
    ],
)
def test_a_key_that_changed_is_loaded_again_among_others(alice, change, was_changed_before):
    key = a_key(alice)
    if was_changed_before:
        Key.objects.filter(pk=key.pk).update(description="changed")
    locate.find(remembering(alice), key.key_id)

    change(key)

    assert locate.find(remembering(alice), key.key_id).state == State.DISABLED


def test_a_key_that_was_removed_is_not_found_though_it_never_changed_before(alice):
    key = a_key(alice)
    locate.find(remembering(alice), key.key_id)

    with connection.cursor() as cursor:
        cursor.execute("PRAGMA foreign_keys = OFF")
        cursor.execute("DELETE FROM keys_key WHERE key_id = %s", [key.key_id])

    with pytest.raises(KmsError) as refused:
        locate.find(remembering(alice), key.key_id)
    assert refused.value.code is errors.KEY_NOT_FOUND


def test_a_name_that_went_to_another_key_finds_that_one(alice):
    first, second = a_key(alice), a_key(alice)
    name = f"alias/{first.alias}"
    assert locate.find(remembering(alice), name).key_id == first.key_id

    Alias.objects.filter(key=second).delete()
    Alias.objects.filter(name=first.alias).update(key=second)

    assert locate.find(remembering(alice), name).key_id == second.key_id


def test_what_changes_while_it_is_loaded_is_loaded_again(alice):
    """It bears the count that was there before: at worst it is newer than that."""
    key = a_key(alice)
    memory = remembering(alice).memory

    def load():
        found = Key.objects.get(pk=key.pk)
        Key.objects.filter(pk=key.pk).update(state=State.DISABLED)
        return found

    memory.recall(("key", key.key_id), load, row=key.key_id)

    assert locate.find(remembering(alice), key.key_id).state == State.DISABLED


def test_an_older_count_never_displaces_a_newer_one(user):
    current = identity()

    late = changes._memory(changes.IDENTITY, current.count - 1)

    assert late.entries is not current.entries
    assert identity().entries is current.entries


def test_when_very_many_changed_everything_is_loaded_again(alice, monkeypatch):
    key = a_key(alice)
    locate.find(remembering(alice), key.key_id)
    monkeypatch.setattr(changes, "MAX_ENTRIES", 2)

    for _ in range(2):
        perform(DISABLE_KEY, alice, {"key_id": a_key(alice).key_id})

    assert remembering(alice).memory.entries == {}


def test_a_database_that_was_replaced_is_read_anew(alice):
    """Its counts begin at random: what was noted since an earlier count says nothing then."""
    key = a_key(alice)
    locate.find(remembering(alice), key.key_id)

    ChangeCount.objects.filter(scope=alice.project_id).update(count=F("count") - 1000)

    assert remembering(alice).memory.entries == {}


def test_who_changes_something_reads_what_he_changed(alice):
    key = a_key(alice)
    caller = replace(alice, memory=changes.memories(alice.project_id)[0])
    others = changes.memories(alice.project_id)[0]
    assert locate.find(caller, key.key_id).state == State.ENABLED

    perform(DISABLE_KEY, caller, {"key_id": key.key_id})

    assert locate.find(caller, key.key_id).state == State.DISABLED
    assert others.entries, "what others in the middle of a request have read is left to them"


def test_failures_are_not_remembered(user):
    memory = identity()
    with pytest.raises(KmsError):
        tokens.find("unknown", memory)

    assert memory.entries == {}


def test_a_memory_has_an_end(user, monkeypatch):
    monkeypatch.setattr(changes, "MAX_ENTRIES", 10)
    memory = identity()

    for number in range(100):
        memory.recall(number, lambda: number)  # noqa: B023 - called at once

    assert len(memory.entries) <= 10


# --- nothing is remembered of a table that nobody watches ----------------------------------------------------------


def tables_of(queries):
    names = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    return {name for name in names for query in queries if f'"{name}"' in query["sql"]}


def test_everything_remembered_comes_from_watched_tables(user, token, alice):
    key = a_key(alice)
    memories = changes.memories(changes.IDENTITY, alice.project_id)
    caller = factories.caller(user, memory=memories[1])

    with CaptureQueriesContext(connection) as queries:
        found = tokens.find(token.secret, memories[0])
        remembered_rights(found.user_id, found.project, memories[0])
        locate.find(caller, key.key_id)
        locate.find(caller, f"alias/{key.alias}")

    # Regions are never changed by the product, and groups only matter through their members.
    assert tables_of(queries) <= {watch.table for watch in WATCHED} | {"projects_region", "iam_group"}
    assert memories[0].entries
    assert memories[1].entries


def test_a_key_found_by_its_id_stands_on_its_own_row_alone(alice):
    """For it outlives every change but those of that row. What the product reads of a project never changes."""
    key = a_key(alice)

    with CaptureQueriesContext(connection) as queries:
        locate.find(remembering(alice), key.key_id)

    assert tables_of(queries) == {"keys_key", "projects_project"}
