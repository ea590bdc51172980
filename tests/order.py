"""How a parallel run is spread: how many workers there are, and which file goes to the next one that is free.

A third of what the tests take is waiting, for a browser, a server, a second that has to pass. So there are more workers
than processors, and what waits runs beside what computes; short files come last, that all workers end together.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """For `-n auto`: three for two processors."""
    return (os.cpu_count() or 1) * 3 // 2


def pytest_configure(config: pytest.Config) -> None:
    # Else xdist itself would order the files, by their number of tests, and keep the long ones with few for the end.
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if "PYTEST_XDIST_WORKER" in os.environ:
        items[:] = spread(items)


def spread(items: list[pytest.Item]) -> Iterator[pytest.Item]:
    """File by file, one that waits after one that computes, those with many tests first."""
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    ordered = sorted(files.values(), key=len, reverse=True)
    waiting = [file for file in ordered if any(waits(item) for item in file)]
    computing = [file for file in ordered if file not in waiting]
    for pair in itertools.zip_longest(waiting, computing, fillvalue=()):
        for file in pair:
            yield from file


def waits(item: pytest.Item) -> bool:
    return any(item.get_closest_marker(name) for name in ("browser", "system"))
