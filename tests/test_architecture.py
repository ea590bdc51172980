"""The house keeps its floors (docs/develop/house.md): who may import whom, read from the source itself."""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(__file__).resolve().parents[1]

# A package imports from floors below its own: never from a neighbour, never from above.
FLOORS = {
    "kmscrypto": 1,
    "vault": 2,
    "kmsimport": 2,
    "operations": 3,
    "projects": 4,
    "keys": 5,
    "iam": 5,
    "tags": 6,
    "imports": 6,
    "kmsconsole": 7,
}
# A module that stands on no floor: it imports none of ours (docs/decisions/0001-the-clock-is-a-leaf.md).
LEAVES = {"operations.clock"}

WEB = (
    "django.http",
    "django.forms",
    "django.template",
    "django.shortcuts",
    "django.views",
    "django.urls",
    "rest_framework",
)
CHANGES = {"save", "create", "bulk_create", "get_or_create", "update_or_create", "update", "bulk_update", "delete"}


@dataclass(frozen=True)
class Import:
    """One import of `name` at a line of a file."""

    file: Path
    line: int
    name: str

    @property
    def package(self) -> str:
        return self.name.partition(".")[0]

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line} imports {self.name}"


def sources(package: str, *below: str) -> list[Path]:
    found = sorted(ROOT.joinpath(package, *below).rglob("*.py")) if ROOT.joinpath(package, *below).is_dir() else []
    single = ROOT.joinpath(package, *below).with_suffix(".py")
    return [path for path in [*found, *([single] if single.is_file() else [])] if "migrations" not in path.parts]


def imports_of(file: Path) -> list[Import]:
    """Every import statement, also those inside functions and under TYPE_CHECKING."""
    found = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found += [Import(file, node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: relative imports hide who imports whom"
            found += [Import(file, node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
    return found


def ours(package: str, *below: str) -> list[Import]:
    return [found for file in sources(package, *below) for found in imports_of(file) if found.package in FLOORS]


def test_every_package_has_its_floor():
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}

    assert packages <= FLOORS.keys()
    assert {app for app in settings.INSTALLED_APPS if "." not in app} - {
        "rest_framework",
        "django_htmx",
    } <= FLOORS.keys()


@pytest.mark.parametrize("package", FLOORS)
def test_a_package_imports_only_from_floors_below_its_own(package):
    climbing = [
        str(found)
        for found in ours(package)
        if found.package != package and FLOORS[found.package] >= FLOORS[package] and not _is_leaf(found)
    ]

    assert climbing == []


def test_the_leaves_import_none_of_ours():
    for leaf in LEAVES:
        file = ROOT.joinpath(*leaf.split(".")).with_suffix(".py")
        assert [str(found) for found in imports_of(file) if found.package in FLOORS] == []


def _is_leaf(found: Import) -> bool:
    return any(found.name == leaf or found.name.startswith(f"{leaf}.") for leaf in LEAVES)


def test_mathematics_knows_the_standard_library_and_cryptography_alone():
    strange = [
        str(found)
        for file in sources("kmscrypto")
        for found in imports_of(file)
        if found.package not in {"kmscrypto", "cryptography", *sys.stdlib_module_names}
    ]

    assert strange == []


def test_the_import_command_knows_the_standard_library_and_mathematics_alone():
    """It runs where no Django is: docs/decisions/0008-the-import-command-is-a-client.md."""
    strange = [
        str(found)
        for file in sources("kmsimport")
        for found in imports_of(file)
        if found.package not in {"kmsimport", "kmscrypto", *sys.stdlib_module_names}
    ]

    assert strange == []


@pytest.mark.parametrize("package", FLOORS)
def test_services_and_states_see_no_request_response_form_or_template(package):
    rooms = [*sources(package, "services"), *sources(package, "states"), *sources(package, "queries")]
    seen = [str(found) for file in rooms for found in imports_of(file) if found.name.startswith(WEB)]
    # Services and queries of one app are not told by its faces either.
    faces = tuple(f"{package}.{face}" for face in ("api", "pages", "forms", "tasks", "urls"))
    seen += [str(found) for file in rooms for found in imports_of(file) if found.name.startswith(faces)]

    assert seen == []


def test_the_state_machine_knows_no_django():
    assert [str(found) for found in imports_of(ROOT / "keys/states.py") if found.package == "django"] == []


FACES = [
    file
    for package in ("keys", "imports", "tags")
    for face in ("api", "pages", "tasks")
    for file in sources(package, face)
]


@pytest.mark.parametrize("file", FACES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_face_changes_no_row(file):
    """It performs operations and reads; the services change what is stored."""
    calls = [
        f"{file.relative_to(ROOT)}:{node.lineno} calls .{node.func.attr}()"
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CHANGES
        # A dictionary may be updated; a session is the face's own.
        and not (node.func.attr == "update" and not _is_on_a_manager(node.func.value))
    ]

    assert calls == []


def _is_on_a_manager(node: ast.expr) -> bool:
    return any(isinstance(part, ast.Attribute) and part.attr in ("objects", "filter") for part in ast.walk(node))


def test_a_task_decides_nothing_and_performs_everything():
    for package in ("keys", "imports"):
        text = (ROOT / package / "tasks.py").read_text()
        assert re.search(r"\bperform(_each)?\(", text)
        assert "services" not in text


@pytest.mark.parametrize("package", ["vault", "operations", "projects", "keys", "iam", "tags", "imports"])
def test_product_time_comes_from_the_one_clock(package):
    """`time.monotonic` measures ages in one process; what the product decides by time it asks `operations.clock`."""
    forbidden = {"now", "utcnow", "today"}
    asked = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in sources(package)
        if file != ROOT / "operations/clock.py"
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in forbidden
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in {"datetime", "date", "timezone"}
    ]

    assert asked == []


def test_nothing_is_called_utils():
    vague = {"utils", "helpers", "managers", "common", "misc"}

    assert [str(file) for package in FLOORS for file in sources(package) if file.stem in vague] == []
