"""What can go wrong in the strong room.

Faces show none of these: `Sealed` becomes a 503, `OpenFailed` an error of the operation. The sentences of the root
key errors are for the operator; they name files and key ids, never key bytes.
"""


class VaultError(Exception):
    """Any failure of the strong room."""


class Sealed(VaultError):
    """No key can be opened or made at present (SEC-005); `reason` tells the operator why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class OpenFailed(VaultError):
    """A sealed value does not open here: moved, altered, or of a key that is gone. Never says which (SEC-013)."""

    def __init__(self) -> None:
        super().__init__("The sealed value does not open.")


class RootKeyMissing(VaultError):
    """The provider has no root key to give."""


class RootKeyWrong(VaultError):
    """The provider's root key is not the one that this database was sealed with."""


class RootKeyUnsafe(VaultError):
    """A root key is there, but kept or written in a way that must not be trusted."""
