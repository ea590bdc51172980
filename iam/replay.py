"""Whoever overhears a request must not be able to repeat it: signatures are remembered for as long as they would count.

The SDKs sign the second and nothing that is used once, so two honest equal requests in one second bear one signature.
Hence a signature passes again for a few seconds after it was first seen, and never later (SEC-047).

The memory is a table in a file under KMS_HOME, which all processes of a machine share and which outlives them. It has a
fixed size; docs/decisions/0007-replays.md says why it is no database table and what that leaves open. A file that was
damaged is replaced; the signatures in it are lost, so those dated before its replacement are refused.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import secrets
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from django.conf import settings

from operations import clock
from vault import files

log = logging.getLogger(__name__)

FILE_NAME = "seen-signatures"
REPEATS_SECONDS = 5
# A signature counts for so long before and after its date.
SKEW_SECONDS = 15 * 60
# Room for a thousand signed requests a second, each remembered for a quarter of an hour, and as much again.
BUCKETS = 2**16
ENTRIES_PER_BUCKET = 32

_ENTRY = struct.Struct("<8sqq")  # the signature's name here, when it was first seen, until when it counts
_ENDS = struct.Struct("<" + "16xq" * ENTRIES_PER_BUCKET)  # the third member of each entry of a bucket
_BUCKET_BYTES = _ENTRY.size * ENTRIES_PER_BUCKET
_SALT_BYTES = 32
_HEADER = struct.Struct(f"<{_SALT_BYTES}sq")  # the salt, and until when signatures that stop to count then are refused
_NEVER = -(2**63)


class DamagedTable(OSError):
    """The file has not the size or the content of a table."""


class SeenSignatures:
    """The table of one machine. Safe for threads and processes; raises OSError when its file cannot be used."""

    def __init__(self, file: Path) -> None:
        self._threads = threading.Lock()
        self._descriptor = self._opened(file)
        self._salt, self._refused_until = _HEADER.unpack(os.pread(self._descriptor, _HEADER.size, 0))

    def _opened(self, file: Path) -> int:
        while True:
            try:
                descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:
                with suppress(FileExistsError):  # another process was quicker
                    files.create(file, partial(_fill, refused_until=_NEVER), replace=False)
                continue
            try:
                if _is_whole(descriptor):
                    return descriptor
                with self._alone(descriptor):
                    # Another process may have replaced it meanwhile: then this one is no longer the file of that name.
                    if os.path.samestat(os.fstat(descriptor), file.stat()):
                        now = clock.epoch_seconds()
                        files.create(file, partial(_fill, refused_until=now + SKEW_SECONDS))
                        log.warning("%s was damaged and is new: requests signed before now are refused.", file.name)
            except FileNotFoundError:
                pass
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def is_replay(self, signature: str, *, at: int, until: int) -> bool:
        """Whether this signature was first seen more than REPEATS_SECONDS from `at`; remembers it `until` then.

        Raises DamagedTable where the file has been cut short.

        `at` is when the request arrived, and one that arrived later may be judged earlier. Times in seconds since the
        epoch. In a full bucket whatever stops to count first makes room. Which bucket a signature falls into is salted,
        so that nobody can fill another's with signatures of their own.
        """
        if until < self._refused_until:
            return True
        name, start = self._place_of(signature)
        with self._alone(self._descriptor):
            bucket = os.pread(self._descriptor, _BUCKET_BYTES, start)
            if len(bucket) < _BUCKET_BYTES:
                raise DamagedTable(f"The file {FILE_NAME} is too short.")
            place = bucket.find(name)
            while place >= 0 and place % _ENTRY.size:  # within an entry or across two it is nobody's name
                place = bucket.find(name, place + 1)
            if place >= 0:
                _name, first, _until = _ENTRY.unpack_from(bucket, place)
                # Either way: a clock that is set back makes no old signature new.
                return bool(abs(at - first) > REPEATS_SECONDS)
            ends = _ENDS.unpack(bucket)
            free = ends.index(min(ends)) * _ENTRY.size
            os.pwrite(self._descriptor, _ENTRY.pack(name, at, until), start + free)
        return False

    def close(self) -> None:
        os.close(self._descriptor)

    def _place_of(self, signature: str) -> tuple[bytes, int]:
        digest = hashlib.blake2b(signature.encode(), key=self._salt, digest_size=12).digest()
        bucket = int.from_bytes(digest[8:], "big") % BUCKETS
        return digest[:8], _HEADER.size + bucket * _BUCKET_BYTES

    @contextmanager
    def _alone(self, descriptor: int) -> Iterator[None]:
        # The file's lock is the process's, whatever thread holds it.
        with self._threads:
            fcntl.lockf(descriptor, fcntl.LOCK_EX, 1)
            try:
                yield
            finally:
                fcntl.lockf(descriptor, fcntl.LOCK_UN, 1)


def _fill(descriptor: int, *, refused_until: int) -> None:
    os.pwrite(descriptor, _HEADER.pack(secrets.token_bytes(_SALT_BYTES), refused_until), 0)
    # Empty entries are zeros, and a file that is stretched is full of them without taking room.
    os.ftruncate(descriptor, _size())


def _is_whole(descriptor: int) -> bool:
    salt = os.pread(descriptor, _SALT_BYTES, 0)
    return os.fstat(descriptor).st_size == _size() and any(salt)  # a power failure may leave zeros


def _size() -> int:
    return _HEADER.size + BUCKETS * _BUCKET_BYTES


def is_replay(signature: str, *, at: int, until: int) -> bool:
    """As `SeenSignatures.is_replay`, in this installation's table."""
    table = _table()
    try:
        return table.is_replay(signature, at=at, until=until)
    except DamagedTable:
        with _opening:
            if _tables.get(settings.KMS_HOME) is table:
                del _tables[settings.KMS_HOME]  # not closed: other threads may be using it
        return _table().is_replay(signature, at=at, until=until)


_tables: dict[Path, SeenSignatures] = {}
_opening = threading.Lock()


def _table() -> SeenSignatures:
    home = settings.KMS_HOME
    table = _tables.get(home)
    if table is None:
        with _opening:
            table = _tables.get(home) or SeenSignatures(Path(home) / FILE_NAME)
            _tables[home] = table
    return table
