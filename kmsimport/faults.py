"""How the command fails: with an exit code that scripts can tell apart, and a sentence or two for people."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """The exit codes; documented in docs/use/kms-import.md."""

    DONE = 0
    INTERNAL = 1
    USAGE = 2
    KEY_FILE = 3
    SIGN_IN = 4
    REFUSED = 5
    NETWORK = 6
    NOT_PROVEN = 7
    DIFFERS = 8
    INTERRUPTED = 130


class Fault(Exception):
    """`message` says what is wrong, `hint` what to do. Neither ever holds a secret: both are printed.

    `code` is the service's own, such as KMS.0310; `request_id` finds the call in its log. `reason` says why a key file
    is refused, as an identifier of `kmscrypto.key_files.Reason`.
    """

    def __init__(
        self,
        exit_code: Exit,
        message: str,
        *,
        hint: str = "",
        code: str = "",
        request_id: str = "",
        reason: str = "",
    ) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.message = message
        self.hint = hint
        self.code = code
        self.request_id = request_id
        self.reason = reason


def usage(message: str, hint: str = "") -> Fault:
    return Fault(Exit.USAGE, message, hint=hint)
