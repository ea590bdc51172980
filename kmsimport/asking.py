"""Where secrets come from: files, descriptors, the terminal. Never the command line, which everybody can see."""

from __future__ import annotations

import contextlib
import getpass
import os
import stat
import sys
import warnings
from pathlib import Path

from kmsimport.faults import Exit, Fault, usage
from kmsimport.secrecy import wipe

MOST_BYTES = 64 * 1024
STANDARD_INPUT = "-"


def key_file(name: str) -> bytearray:
    """The content of the key file; `-` is standard input. Raises a Fault of KEY_FILE."""
    if name != STANDARD_INPUT:
        return _file(name)
    if sys.stdin is None:
        raise usage("Standard input is closed.", "Give a file, or pipe the key in.")
    if sys.stdin.isatty():
        raise usage("A key cannot be typed at the terminal.", "Give a file, or pipe the key in.")
    return _limited(sys.stdin.fileno(), "standard input")


def is_readable_by_others(name: str) -> bool:
    """Whether this file's mode lets more people than its owner read it."""
    if name == STANDARD_INPUT or os.name != "posix":
        return False
    try:
        mode = Path(name).stat().st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) and bool(mode & (stat.S_IRGRP | stat.S_IROTH))


def passphrase(descriptor: int | None) -> bytes:
    """Of an encrypted private key: from the descriptor, else asked for at the terminal."""
    if descriptor is not None:
        return line(descriptor, "--passphrase-fd").encode()
    return prompt("Passphrase of the private key: ", "--passphrase-fd").encode()


def line(descriptor: int, option: str) -> str:
    """The first line of what a descriptor holds."""
    try:
        content = _limited(descriptor, option)
    except Fault:
        raise usage(f"{option}: descriptor {descriptor} cannot be read.", f"As in: {option} 3 3< FILE") from None
    try:
        return bytes(content).partition(b"\n")[0].rstrip(b"\r").decode()
    except UnicodeDecodeError:
        raise usage(f"{option}: the text is not UTF-8.") from None
    finally:
        wipe(content)


def prompt(question: str, option: str) -> str:
    """Ask at the terminal, without echo. Raises a Fault of USAGE where there is none."""
    with warnings.catch_warnings():
        # Without a terminal `getpass` would warn, and then read with echo from standard input.
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(question, stream=None)
        except EOFError:
            raise usage(f"Nothing was entered: {question.strip(' :')}.") from None
        except (getpass.GetPassWarning, OSError):
            raise usage(f"There is no terminal to ask: {question.strip(' :')}.", f"Use {option}.") from None


def _file(name: str) -> bytearray:
    try:
        descriptor = os.open(name, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    except OSError as cause:
        raise Fault(Exit.KEY_FILE, f"The key file cannot be read: {cause.strerror}.") from None
    try:
        return _limited(descriptor, "key file")
    finally:
        os.close(descriptor)


def _limited(descriptor: int, what: str) -> bytearray:
    """All of it, in a buffer that can be overwritten; nothing with a key in it is larger than the limit."""
    content = bytearray()
    try:
        while piece := os.read(descriptor, MOST_BYTES + 1 - len(content)):
            content += piece
            if len(content) > MOST_BYTES:
                wipe(content)
                raise Fault(Exit.KEY_FILE, f"The {what} is larger than {MOST_BYTES // 1024} KiB.")
    except OSError as cause:
        wipe(content)
        raise Fault(Exit.KEY_FILE, f"The {what} cannot be read: {cause.strerror}.") from None
    return content


def text_file(name: str, what: str) -> str:
    """A small text file such as a token's, without the white space around it. Raises a Fault of USAGE."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return Path(name).read_text(encoding="ascii").strip()
    raise usage(f"The {what} {name} cannot be read.")
