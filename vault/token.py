"""This process's session with a PKCS#11 token: connecting, logging in, and both again after a fork or a loss.

The library is not told of threads, so one of ours uses it at a time. Unwrapped project keys stay in memory for minutes,
so few calls come here.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import pkcs11
from pkcs11 import Attribute, ObjectClass, PKCS11Error
from pkcs11.constants import TokenFlag

from vault import rootfile
from vault.errors import RootKeyMissing

T = TypeVar("T")

_ATTEMPTS = 4  # each with a new session; an HSM that was restarted needs the second one
_PAUSE_SECONDS = 0.05  # before the second attempt; twice as long before each further one
_SHOWN = (Attribute.ID, Attribute.KEY_TYPE, Attribute.VALUE_LEN, Attribute.SENSITIVE, Attribute.EXTRACTABLE)
_BAD_PIN = (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange, pkcs11.PinExpired)

_tokens: dict[tuple[str, str, Path], Token] = {}
_opening = threading.Lock()


class Token:
    def __init__(self, library: str, label: str, pin_file: Path) -> None:
        self._library, self._label, self._pin_file = library, label, pin_file
        self.place = f"the PKCS#11 token {label}"
        self._token: Any = None
        self._session: Any = None
        self._keys: dict[bytes, Any] = {}
        self._refused_pin: str | None = None
        self._lock = threading.Lock()

    def with_key(self, key_id: bytes, work: Callable[[Any], T]) -> T:
        """What `work` makes of the key. It may be called twice. Raises RootKeyMissing."""

        def run() -> T:
            if key_id not in self._keys:
                self._keys[key_id] = self._session.get_key(object_class=ObjectClass.SECRET_KEY, id=key_id)
            return work(self._keys[key_id])

        return self._insisting(run)

    def labelled(self, label: str) -> list[dict[Attribute, Any]]:
        """What can be said of each secret key of that label. Raises RootKeyMissing."""

        def run() -> list[dict[Attribute, Any]]:
            wanted = {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.LABEL: label}
            return [{name: key[name] for name in _SHOWN} for key in self._session.get_objects(wanted)]

        return self._insisting(run)

    @contextmanager
    def writing(self) -> Iterator[Any]:
        """A session in which keys can be made, named and destroyed. Raises PKCS11Error, RootKeyMissing."""
        self._insisting(lambda: None)  # connected, now or before
        with self._lock:
            session = self._token.open(rw=True)  # logged in as the other session is
            try:
                yield session
            finally:
                session.close()
                self._keys.clear()

    def forget(self, *, forked: bool = False) -> None:
        """The next use connects anew. In a forked child, a thread that does not exist there may hold the lock."""
        if forked:
            self._lock = threading.Lock()
        self._token = self._session = None
        self._keys.clear()

    def _insisting(self, work: Callable[[], T]) -> T:
        """`work`, with one new session after another while the token refuses. Raises RootKeyMissing."""
        with self._lock:
            for attempt in range(_ATTEMPTS):
                if attempt:
                    time.sleep(_PAUSE_SECONDS * 2 ** (attempt - 1))
                try:
                    self._connect()
                    return work()
                except PKCS11Error as error:
                    fault = fault_of(error)
                    self.forget()
        raise RootKeyMissing(f"{self._library} does not serve {self.place}: {fault}.")

    def _connect(self) -> None:
        if self._session is not None:
            return
        pin = self._pin()
        if not Path(self._library).exists():
            raise RootKeyMissing(f"There is no PKCS#11 library at {self._library}.")
        with self._alone():
            library = pkcs11.lib(self._library)
            # Afresh: sessions of a parent process, or from before a loss, end here.
            with suppress(PKCS11Error):
                library.finalize()
            library.initialize()
            token = library.get_token(token_label=self._label)
            self._token, self._session = token, self._login(token, pin)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Processes log in one after another: SoftHSM writes to its token at each login, and others may read half."""
        with self._pin_file.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(file, fcntl.LOCK_UN)  # at once, though a child forked meanwhile may still have the file

    def _login(self, token: Any, pin: str) -> Any:
        # A token locks itself after a few wrong PINs, and every process of the product asks again and again.
        if token.flags & TokenFlag.USER_PIN_LOCKED:
            raise RootKeyMissing(f"The PIN of {self.place} is locked.")
        if token.flags & TokenFlag.USER_PIN_FINAL_TRY:
            raise RootKeyMissing(
                f"One more wrong PIN would lock {self.place}: log in to it by a tool of its own first."
            )
        refused = RootKeyMissing(f"The PIN in {self._pin_file} is not that of {self.place}.")
        if pin == self._refused_pin:
            raise refused
        try:
            return token.open(user_pin=pin)
        except _BAD_PIN:
            self._refused_pin = pin
            raise refused from None

    def _pin(self) -> str:
        content = rootfile.read_private(self._pin_file, what="PIN file")
        if content is None:
            raise RootKeyMissing(f"There is no PIN file at {self._pin_file}.")
        try:
            pin = content.rstrip(b"\r\n").decode()
        except UnicodeDecodeError:
            pin = ""
        if not pin:
            raise RootKeyMissing(f"The PIN file {self._pin_file} holds no PIN.")
        return pin


def token_at(library: str, label: str, pin_file: Path) -> Token:
    """The one session of this process with that token."""
    with _opening:
        return _tokens.setdefault((library, label, pin_file), Token(library, label, pin_file))


def fault_of(error: PKCS11Error) -> str:
    return type(error).__name__


def _after_fork() -> None:
    global _opening
    _opening = threading.Lock()
    for token in _tokens.values():
        token.forget(forked=True)


os.register_at_fork(after_in_child=_after_fork)
