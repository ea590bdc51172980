"""Typed readers of environment variables: the one way a setting enters the product.

A missing or malformed value stops the start with one sentence that names the variable. What was read is remembered by
name, so that a test can hold `docs/operate/settings.md` to the code.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import ImproperlyConfigured

REQUIRED: Any = object()
"""Default of a variable that must be set."""

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
_UNITS = {"": "seconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True)
class Variable:
    """What the product knows about one variable: its name, the kind of its value, and what holds when it is not set."""

    name: str
    kind: str
    default: Any


declared: dict[str, Variable] = {}
"""Every variable asked for so far, in the order of asking."""


def text(name: str, default: Any = REQUIRED, *, choices: tuple[str, ...] = ()) -> Any:
    """A string; one of `choices` if there are any."""

    def parse(raw: str) -> str:
        if choices and raw not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return raw

    return _read(name, "text", default, parse)


def words(name: str, default: Any = REQUIRED) -> Any:
    """A comma-separated list of strings, blanks dropped."""
    return _read(name, "list", default, lambda raw: [word.strip() for word in raw.split(",") if word.strip()])


def flag(name: str, default: Any = REQUIRED) -> Any:
    """A yes or a no: 1/0, true/false, yes/no, on/off in any case."""

    def parse(raw: str) -> bool:
        word = raw.lower()
        if word not in _TRUE | _FALSE:
            raise ValueError("must be 1 or 0 (or true/false, yes/no, on/off)")
        return word in _TRUE

    return _read(name, "flag", default, parse)


def number(name: str, default: Any = REQUIRED, *, least: int = 0, most: int = 2**31) -> Any:
    """A whole number from `least` to `most`."""

    def parse(raw: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,12}", raw) or not least <= int(raw) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return int(raw)

    return _read(name, "number", default, parse)


def duration(name: str, default: Any = REQUIRED, *, least: timedelta = timedelta()) -> Any:
    """A span of time such as `25h`, `30d`, `90m` or plain seconds, as a timedelta, `least` or more."""

    def parse(raw: str) -> timedelta:
        span = parse_duration(raw)
        if span < least:
            raise ValueError(f"must be {least.total_seconds() / 3600:.0f}h or more")
        return span

    return _read(name, "duration", default, parse)


def parse_duration(raw: str) -> timedelta:
    """Read `25h`, `30d`, `90m`, `45s` or `45` (seconds); ValueError with a full sentence otherwise."""
    match = re.fullmatch(r"([0-9]{1,9})([smhd]?)", raw)
    if match is None:
        raise ValueError("must be a duration such as 25h, 30d, 90m or a number of seconds")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def url(name: str, default: Any = REQUIRED, *, schemes: tuple[str, ...], from_file: bool = False) -> Any:
    """An address with one of `schemes`; its parts as urlsplit gives them.

    One that holds a password may stand in the file that NAME_FILE points to (`from_file`).
    """

    def parse(raw: str) -> SplitResult:
        try:
            parts = urlsplit(raw)
            _ = parts.port  # a malformed port raises only when it is looked at
        except ValueError:
            parts = SplitResult("", "", "", "", "")
        if parts.scheme not in schemes:
            # The value may hold a password, so it is not repeated.
            raise ValueError(f"must be an address beginning with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        return parts

    return _read(name, "url", default, parse, from_file=from_file)


def path(name: str, default: Any = REQUIRED) -> Any:
    """A file or directory; relative ones are taken from the working directory."""
    return _read(name, "path", default, lambda raw: Path(raw).expanduser().absolute())


def secret(name: str, default: Any = REQUIRED) -> Any:
    """A secret string from NAME, or from the file that NAME_FILE points to; never both.

    A file's trailing line break is not part of the secret: editors and `echo` add it.
    """
    return _read(name, "secret", default, str, from_file=True)


def own_secret(file: Path) -> str | None:
    """The secret in a file that the product made itself; None where there is none or what a crash left of one."""
    try:
        value = file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ImproperlyConfigured(f"Cannot read {file}: {error.strerror}.") from None
    match = re.fullmatch(rb"\s*([!-~]{50,})\s*", value)
    return match[1].decode() if match else None


def declare(name: str, *, kind: str) -> None:
    """Make known a variable that another module reads itself."""
    declared[name] = Variable(name, kind, None)


def _read(name: str, kind: str, default: Any, parse: Callable[[str], Any], *, from_file: bool = False) -> Any:
    declared[name] = Variable(name, kind, default)
    raw = os.environ.get(name, "")
    if kind != "secret":  # blanks at the ends of a password are part of it
        raw = raw.strip()
    if from_file and (file := os.environ.get(f"{name}_FILE", "")):
        if raw:
            raise ImproperlyConfigured(f"Set {name} or {name}_FILE, not both.")
        raw = _contents(f"{name}_FILE", file)
    if not raw:  # compose files pass variables that are not set as empty ones
        if default is REQUIRED:
            raise ImproperlyConfigured(f"{name} must be set.")
        return default
    try:
        return parse(raw)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} {error}.") from None


def _contents(name: str, file: str) -> str:
    try:
        value = Path(file).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text in UTF-8"
        raise ImproperlyConfigured(f"{name}: cannot read {file}: {reason}.") from None
    if not value:
        raise ImproperlyConfigured(f"{name}: {file} is empty.")
    return value
