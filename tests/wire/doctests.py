"""Runs a page of shell lines and their answers, in the order in which a reader would type them.

A `sh` block is typed as it stands, a `python` block is given to Python. The block behind it says what comes back:
`json` member by member, `text` letter by letter; without one nothing may come back. `"$NAME"` in an answer is a string,
`$NAME` without quotes a number; the first time it names what was answered, for the lines that follow, and from then on
it must be the same. What a line exports is kept as well.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$|^#+ (.*?)$", re.MULTILINE | re.DOTALL)
STRING = re.compile(r'"\$([A-Z][A-Z0-9_]*)"')
PROGRAM = "python3 - <<'END_OF_PROGRAM'\n{}END_OF_PROGRAM\n"
NUMBER = re.compile(r"(?<![\"\w])\$([A-Z][A-Z0-9_]*)")
KINDS = {"string": str, "number": int}


@dataclass(frozen=True)
class Line:
    heading: str
    shell: str
    kind: str
    answer: str


def lines(page: str) -> Iterator[Line]:
    heading, shell = "", None
    for kind, text, title in BLOCK.findall(page):
        if shell is not None and kind in ("json", "text"):
            yield Line(heading, shell, kind, text)
            shell = None
            continue
        if shell is not None:
            yield Line(heading, shell, "text", "")
        heading = title or heading
        shell = {"sh": text, "python": PROGRAM.format(text)}.get(kind)
    if shell is not None:
        yield Line(heading, shell, "text", "")


class Reader:
    """Somebody who types what the page says, in an empty directory, with some names given."""

    def __init__(self, directory: Path, **names: str) -> None:
        self.directory = directory
        self.names: dict[str, object] = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **names}

    def type(self, line: Line) -> None:
        """Raises AssertionError with what was said instead."""
        kept = self.directory / ".names"
        environment = {name: str(value) for name, value in self.names.items()}
        script = f"set -euo pipefail\n{line.shell}\nenv -0 > {kept}"
        done = subprocess.run(
            ["bash", "-c", script], cwd=self.directory, env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr
        for pair in kept.read_text().split("\0"):
            name, _, value = pair.partition("=")
            if name.isupper() and name not in environment:
                self.names[name] = value
        if line.kind == "json":
            self.check(expected(line.answer), json.loads(done.stdout), "answer")
        else:
            assert done.stdout == line.answer

    def check(self, wanted, got, where: str) -> None:
        """Same members, same types, same values; places are named on the way."""
        if isinstance(wanted, Name):
            kind = KINDS[wanted.kind]
            assert type(got) is kind, f"{where} is {got!r}, no {wanted.kind}"
            known = self.names.setdefault(wanted.name, got)
            assert str(known) == str(got), f"{where} is {got!r}, but {wanted.name} is {known!r}"
            return
        assert type(got) is type(wanted), f"{where} is {got!r}, not like {wanted!r}"
        if isinstance(wanted, dict):
            assert got.keys() == wanted.keys(), f"{where} is {got}, its members are not {sorted(wanted)}"
            for name, inner in wanted.items():
                self.check(inner, got[name], f"{where}.{name}")
        elif isinstance(wanted, list):
            assert len(got) == len(wanted), f"{where} has {len(got)} items, not {len(wanted)}"
            for place, inner in enumerate(wanted):
                self.check(inner, got[place], f"{where}[{place}]")
        else:
            assert got == wanted, f"{where} is {got!r}, not {wanted!r}"


@dataclass(frozen=True)
class Name:
    name: str
    kind: str


def expected(text: str):
    marked = STRING.sub(r'{"$": "string", "name": "\1"}', text)
    marked = NUMBER.sub(r'{"$": "number", "name": "\1"}', marked)
    return json.loads(marked, object_hook=lambda found: Name(found["name"], found["$"]) if "$" in found else found)
