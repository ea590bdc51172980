"""How a parallel run is spread: tests.order."""

from __future__ import annotations

import itertools

from tests.order import spread, waits


def files(items):
    return [path for path, _group in itertools.groupby(item.path for item in items)]


def test_every_test_is_given_out_once_and_its_file_in_one_piece(request):
    items = request.session.items

    given = list(spread(items))

    assert sorted(map(id, given)) == sorted(map(id, items))
    assert len(files(given)) == len({item.path for item in items})


def test_what_waits_is_given_out_beside_what_computes(request):
    given = list(spread(request.session.items))
    waiting = {item.path for item in given if waits(item)}
    first_half = files(given)[: 2 * min(len(waiting), len(files(given)) - len(waiting))]

    assert [path in waiting for path in first_half] == [True, False] * (len(first_half) // 2)
