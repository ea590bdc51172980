"""Pages of the key list by position: nothing twice, nothing lost, whatever happens between two clicks."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys import paging, queries
from keys.models import Key
from keys.paging import ORDERS, Cursor, Sort
from keys.states import Origin, State
from tests import factories

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SORTS = [sign + name for name in ORDERS for sign in ("", "-")]
SPECS = ("AES_256", "RSA_2048", "EC_P384", "HMAC_256")


def some_keys(project, count, *, start=0):
    """Rows of every state, spec, origin and expiry, made directly: what is tested is how they are read."""
    keys = []
    for n in range(start, start + count):
        external = n % 3 == 0
        state = (State.ENABLED, State.DISABLED, State.PENDING_DELETION)[n % 3 if not external else n % 2]
        expires = NOON + timedelta(hours=n - 20) if external and n % 2 else None
        keys.append(
            Key(
                project=project,
                alias=f"{'zmaq'[n % 4]}-{n}",
                spec_name="AES_256" if external else SPECS[n % 4],
                usage="ENCRYPT_DECRYPT",
                origin=Origin.EXTERNAL if external else Origin.KMS,
                state=state,
                created_at=NOON + timedelta(minutes=n),
                scheduled_deletion_at=NOON + timedelta(days=9) if state == State.PENDING_DELETION else None,
                material_expires_at=expires,
            )
        )
    return Key.objects.bulk_create(keys)


def turn(project, sort, *, after="", before="", size=10):
    cursor = None
    if after or before:
        cursor = Cursor.read(after or before, sort, backwards=bool(before))
        assert cursor is not None
    return paging.page(queries.living_keys(project.pk, at=NOON), sort=sort, cursor=cursor, size=size, at=NOON)


def walk_forwards(project, sort, *, between=lambda: None, size=10):
    pages = [turn(project, sort, size=size)]
    while pages[-1].next:
        between()
        pages.append(turn(project, sort, after=pages[-1].next, size=size))
    return pages


@pytest.fixture
def project(db, the_clock):
    return factories.project()


@pytest.mark.parametrize("sort", SORTS)
def test_walking_forwards_shows_each_key_once_while_keys_are_made(project, sort):
    old = {key.pk for key in some_keys(project, 47)}
    made = iter(range(1000, 2000))

    pages = walk_forwards(project, Sort.read(sort), between=lambda: some_keys(project, 1, start=next(made)))

    seen = [key.pk for page in pages for key in page.keys]
    assert len(seen) == len(set(seen))
    assert old <= set(seen)


@pytest.mark.parametrize("sort", SORTS)
def test_walking_backwards_shows_each_key_once_while_keys_are_made(project, sort):
    old = {key.pk for key in some_keys(project, 47)}
    made = iter(range(1000, 2000))
    order = Sort.read(sort)
    page = walk_forwards(project, order)[-1]

    seen = [key.pk for key in page.keys]
    while page.previous:
        some_keys(project, 1, start=next(made))
        page = turn(project, order, before=page.previous)
        seen = [key.pk for key in page.keys] + seen

    assert len(seen) == len(set(seen))
    assert old <= set(seen)


@pytest.mark.parametrize("sort", SORTS)
def test_the_pages_together_are_the_whole_order(project, sort):
    some_keys(project, 35)
    order = Sort.read(sort)

    pages = walk_forwards(project, order, size=8)
    whole = turn(project, order, size=100)

    assert [key.pk for page in pages for key in page.keys] == [key.pk for key in whole.keys]
    assert [page.first for page in pages] == [1, 9, 17, 25, 33]
    assert {page.total for page in pages} == {35}


@pytest.mark.parametrize("sort", SORTS)
def test_turning_back_shows_the_same_page_again(project, sort):
    some_keys(project, 35)
    order = Sort.read(sort)
    first, second, third = walk_forwards(project, order)[:3]

    again = turn(project, order, before=third.previous)
    top = turn(project, order, before=again.previous)

    assert [key.pk for key in again.keys] == [key.pk for key in second.keys]
    assert again.first == second.first == 11
    assert [key.pk for key in top.keys] == [key.pk for key in first.keys]
    assert top.previous == ""


def test_newest_first_is_the_order_of_creation(project):
    keys = some_keys(project, 5)

    page = turn(project, Sort.read(""))

    assert [key.pk for key in page.keys] == [key.pk for key in reversed(keys)]


@pytest.mark.parametrize("sort", ["expiration", "-expiration"])
def test_what_never_expires_comes_last_in_either_direction(project, sort):
    some_keys(project, 40)

    keys = turn(project, Sort.read(sort), size=100).keys

    dated = [key.material_expires_at is not None and key.material_expires_at > NOON for key in keys]
    assert dated == sorted(dated, reverse=True)
    assert any(dated)


def test_expired_material_sorts_as_what_it_has_become(project):
    some_keys(project, 40)

    keys = turn(project, Sort.read("status"), size=100).keys

    states = [key.state_now(NOON) for key in keys]
    assert states == sorted(states)
    assert State.PENDING_IMPORT in states
    assert all(key.state != State.PENDING_IMPORT for key in keys)


def test_a_page_of_keys_that_are_gone_shows_the_beginning(project):
    keys = some_keys(project, 12)
    order = Sort.read("created")
    behind_all = f"{keys[-1].pk}~{keys[-1].pk}"

    page = turn(project, order, after=behind_all)

    assert page.keys[0].pk == keys[0].pk
    assert page.first == 1


def test_the_last_page_has_no_next_and_the_first_no_previous(project):
    some_keys(project, 10)

    page = turn(project, Sort.read("alias"), size=10)

    assert (page.previous, page.next) == ("", "")


def test_a_page_costs_the_same_number_of_queries_wherever_it_is(project, django_assert_num_queries):
    some_keys(project, 60)
    order = Sort.read("-created")
    last = walk_forwards(project, order)[-1]

    with django_assert_num_queries(2):
        turn(project, order)
    with django_assert_num_queries(3):
        turn(project, order, before=last.previous)


@pytest.mark.parametrize("sort", ["-created", "created", "alias", "-alias"])
def test_a_page_far_down_is_entered_by_an_index_and_not_sorted(project, sort):
    some_keys(project, 30)
    order = Sort.read(sort)
    where = Cursor.read(turn(project, order).next, order, backwards=False)
    ordered = Key.objects.filter(project_id=project.pk).annotate(
        place=ORDERS[order.name].expression(NOON, order.descending)
    )
    query = ordered.filter(paging._beyond(where.value, where.row, downwards=order.descending))
    direction = "-" if order.descending else ""

    plan = query.order_by(f"{direction}place", f"{direction}pk")[:10].explain()

    assert "USING INDEX" in plan
    assert "USE TEMP B-TREE FOR ORDER BY" not in plan


@given(st.text(max_size=60), st.sampled_from(SORTS), st.booleans())
def test_no_text_breaks_a_cursor(text, sort, backwards):
    cursor = Cursor.read(text, Sort.read(sort), backwards=backwards)

    assert cursor is None or (0 <= cursor.row < 10**18 and "\x00" not in str(cursor.value))


@pytest.mark.parametrize("sort", SORTS)
def test_a_cursor_of_another_order_or_a_huge_number_is_no_error(project, sort):
    some_keys(project, 3)
    order = Sort.read(sort)

    for text in ("999999999999999999~999999999999999999", "1~zeta", "1~", "~", "1~-5"):
        cursor = Cursor.read(text, order, backwards=False)
        page = paging.page(queries.living_keys(project.pk, at=NOON), sort=order, cursor=cursor, size=10, at=NOON)
        assert page.total == 3
