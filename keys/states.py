"""The state machine of a key, as data. Pure: every rule on what may happen to a key in which state stands here.

Three tables: what kinds of key a use is for, in which states it is refused, and what each event changes. The numbers of
the states are the wire's. Sources: api.md section 4, console.md section D.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum, StrEnum, auto
from functools import cache

from kmscrypto.specs import SPECS, Family, KeySpec, Usage
from operations import errors
from operations.errors import Code


class State(IntEnum):
    ENABLED = 2
    DISABLED = 3
    PENDING_DELETION = 4
    PENDING_IMPORT = 5

    @property
    def label(self) -> str:
        return _LABELS[self]

    @property
    def slug(self) -> str:
        return self.label.lower().replace(" ", "-")


_LABELS = {
    State.ENABLED: "Enabled",
    State.DISABLED: "Disabled",
    State.PENDING_DELETION: "Pending deletion",
    State.PENDING_IMPORT: "Pending import",
}


class Origin(StrEnum):
    KMS = "kms"
    EXTERNAL = "external"


class Use(Enum):
    """Everything that can be asked of a key, as the admission tables know it."""

    ENCRYPT = auto()
    DECRYPT = auto()
    SIGN = auto()
    VERIFY = auto()
    PUBLIC_KEY = auto()
    DATA_KEY = auto()
    GENERATE_MAC = auto()
    VERIFY_MAC = auto()
    DESCRIBE = auto()
    EDIT = auto()
    ENABLE = auto()
    DISABLE = auto()
    SCHEDULE_DELETION = auto()
    CANCEL_DELETION = auto()
    OFFER_IMPORT = auto()
    IMPORT_MATERIAL = auto()
    DELETE_MATERIAL = auto()
    COMPARE_MATERIAL = auto()
    ROTATE = auto()
    CHANGE_ROTATION = auto()
    ROTATION_STATUS = auto()
    GRANT = auto()
    END_GRANT = auto()


CRYPTOGRAPHIC = frozenset(
    {
        Use.ENCRYPT,
        Use.DECRYPT,
        Use.SIGN,
        Use.VERIFY,
        Use.PUBLIC_KEY,
        Use.DATA_KEY,
        Use.GENERATE_MAC,
        Use.VERIFY_MAC,
    }
)


@dataclass(frozen=True, slots=True)
class Nature:
    """What never changes about a key."""

    spec: KeySpec
    usage: Usage
    origin: Origin
    is_default: bool = False


# --- which kinds of key a use is for ------------------------------------------------------------------------------


def _for_encryption(nature: Nature) -> Code | None:
    if nature.spec.family is Family.HMAC:
        return errors.HMAC_UNSUPPORTED
    if nature.spec.family is Family.EC:
        return errors.EC_CANNOT_ENCRYPT
    return errors.KEY_IS_FOR_SIGNING if nature.usage is Usage.SIGN_VERIFY else None


def _for_signing(nature: Nature) -> Code | None:
    if nature.spec.family is Family.HMAC:
        return errors.HMAC_UNSUPPORTED
    if nature.spec.family is Family.AES:
        return errors.SYMMETRIC_CANNOT_SIGN
    return errors.KEY_IS_FOR_ENCRYPTION if nature.usage is Usage.ENCRYPT_DECRYPT else None


def _with_public_key(nature: Nature) -> Code | None:
    if nature.spec.family is Family.HMAC:
        return errors.HMAC_UNSUPPORTED
    return None if nature.spec.is_asymmetric else errors.SYMMETRIC_UNSUPPORTED


def _for_data_keys(nature: Nature) -> Code | None:
    if nature.spec.family is Family.HMAC:
        return errors.HMAC_UNSUPPORTED
    return errors.ASYMMETRIC_UNSUPPORTED if nature.spec.is_asymmetric else None


def _for_macs(nature: Nature) -> Code | None:
    if nature.spec.family is Family.HMAC:
        return None
    return errors.ASYMMETRIC_UNSUPPORTED if nature.spec.is_asymmetric else errors.SYMMETRIC_UNSUPPORTED


def _imported(nature: Nature) -> Code | None:
    return None if nature.origin is Origin.EXTERNAL else errors.EXTERNAL_KEY_REQUIRED


def _importable(nature: Nature) -> Code | None:
    return _imported(nature) or (None if nature.spec.importable else errors.HMAC_UNSUPPORTED)


def _with_deletable_material(nature: Nature) -> Code | None:
    return _imported(nature) or (errors.ASYMMETRIC_MATERIAL_STAYS if nature.spec.is_asymmetric else None)


def _rotatable(nature: Nature) -> Code | None:
    if nature.origin is Origin.EXTERNAL:
        return errors.EXTERNAL_CANNOT_ROTATE
    if nature.spec.family is Family.HMAC:
        return errors.HMAC_UNSUPPORTED
    return errors.ASYMMETRIC_CANNOT_ROTATE if nature.spec.is_asymmetric else None


KINDS: Mapping[Use, Callable[[Nature], Code | None]] = {
    Use.ENCRYPT: _for_encryption,
    Use.DECRYPT: _for_encryption,
    Use.SIGN: _for_signing,
    Use.VERIFY: _for_signing,
    Use.PUBLIC_KEY: _with_public_key,
    Use.DATA_KEY: _for_data_keys,
    Use.GENERATE_MAC: _for_macs,
    Use.VERIFY_MAC: _for_macs,
    Use.OFFER_IMPORT: _importable,
    Use.IMPORT_MATERIAL: _importable,
    Use.DELETE_MATERIAL: _with_deletable_material,
    Use.COMPARE_MATERIAL: _imported,
    Use.ROTATE: _rotatable,
    Use.CHANGE_ROTATION: _rotatable,
}

# Uses that are open on default keys; every other one answers DEFAULT_KEY.
OPEN_ON_DEFAULT_KEYS = CRYPTOGRAPHIC | {Use.DESCRIBE, Use.ROTATION_STATUS}

# --- in which states a use is refused, and how; a pair that is absent is allowed ----------------------------------

_CRYPTOGRAPHY = {
    State.DISABLED: errors.KEY_DISABLED,
    State.PENDING_DELETION: errors.KEY_PENDING_DELETION,
    State.PENDING_IMPORT: errors.NOT_ENABLED,
}
_IMPORT = dict.fromkeys((State.ENABLED, State.DISABLED, State.PENDING_DELETION), errors.NOT_PENDING_IMPORT)

REFUSALS: Mapping[Use, Mapping[State, Code]] = {
    **dict.fromkeys(CRYPTOGRAPHIC, _CRYPTOGRAPHY),
    Use.DESCRIBE: {},
    Use.EDIT: {State.PENDING_DELETION: errors.KEY_PENDING_DELETION},
    Use.ENABLE: {
        State.ENABLED: errors.NOT_DISABLED,
        State.PENDING_DELETION: errors.KEY_PENDING_DELETION,
        State.PENDING_IMPORT: errors.NOT_DISABLED,
    },
    Use.DISABLE: {
        State.DISABLED: errors.NOT_ENABLED,
        State.PENDING_DELETION: errors.KEY_PENDING_DELETION,
        State.PENDING_IMPORT: errors.NOT_ENABLED,
    },
    Use.SCHEDULE_DELETION: {State.PENDING_DELETION: errors.ALREADY_PENDING_DELETION},
    Use.CANCEL_DELETION: dict.fromkeys(
        (State.ENABLED, State.DISABLED, State.PENDING_IMPORT), errors.NOT_PENDING_DELETION
    ),
    Use.OFFER_IMPORT: _IMPORT,
    Use.IMPORT_MATERIAL: _IMPORT,
    Use.DELETE_MATERIAL: {
        State.PENDING_DELETION: errors.MATERIAL_NOT_DELETABLE,
        State.PENDING_IMPORT: errors.MATERIAL_NOT_DELETABLE,
    },
    # Also where the material is gone: then it tells which may come back.
    Use.COMPARE_MATERIAL: {},
    # To switch rotation on, and to rotate; a key that is not enabled rotates when it is again.
    Use.ROTATE: _CRYPTOGRAPHY,
    # No row for Pending import: only external keys are in it, and they are refused for what they are.
    Use.CHANGE_ROTATION: {State.PENDING_DELETION: errors.KEY_PENDING_DELETION},
    Use.ROTATION_STATUS: {},
    Use.GRANT: _CRYPTOGRAPHY,
    Use.END_GRANT: {},
}


def refusal(use: Use, nature: Nature, state: State) -> Code | None:
    """Why a key of this nature, in this state, does not take this use; kind is told before state (api.md 1)."""
    return never(use, nature) or REFUSALS[use].get(state)


def never(use: Use, nature: Nature) -> Code | None:
    """Why a key of this nature does not take this use in any state."""
    if nature.is_default and use not in OPEN_ON_DEFAULT_KEYS:
        return errors.DEFAULT_KEY
    of_kind = KINDS.get(use)
    return of_kind(nature) if of_kind else None


def refusals_of(use: Use) -> frozenset[Code]:
    """Every code by which some key, in some state, does not take this use."""
    natures = [
        Nature(spec, usage, origin, is_default)
        for spec in SPECS.values()
        for usage in spec.usages
        for origin in Origin
        for is_default in (False, True)
    ]
    found = {refusal(use, nature, state) for nature in natures for state in State}
    return frozenset(code for code in found if code is not None)


# --- what each event changes --------------------------------------------------------------------------------------


class Event(Enum):
    ENABLE = auto()
    DISABLE = auto()
    IMPORT_MATERIAL = auto()
    LOSE_MATERIAL = auto()
    SCHEDULE_DELETION = auto()
    CANCEL_DELETION = auto()


@dataclass(frozen=True, slots=True)
class Transition:
    """`after` None means: Disabled where there is material, else Pending import."""

    before: frozenset[State]
    after: State | None


TRANSITIONS: Mapping[Event, Transition] = {
    Event.ENABLE: Transition(frozenset({State.DISABLED}), State.ENABLED),
    Event.DISABLE: Transition(frozenset({State.ENABLED}), State.DISABLED),
    Event.IMPORT_MATERIAL: Transition(frozenset({State.PENDING_IMPORT}), State.ENABLED),
    Event.LOSE_MATERIAL: Transition(frozenset({State.ENABLED, State.DISABLED}), State.PENDING_IMPORT),
    Event.SCHEDULE_DELETION: Transition(
        frozenset({State.ENABLED, State.DISABLED, State.PENDING_IMPORT}), State.PENDING_DELETION
    ),
    Event.CANCEL_DELETION: Transition(frozenset({State.PENDING_DELETION}), None),
}


class ImpossibleTransition(Exception):
    """A service moved a key that admission should have refused: a bug, never a user's mistake."""


def after(event: Event, state: State, *, has_material: bool) -> State:
    """The state after the event. Raises ImpossibleTransition where the table has no such row."""
    transition = TRANSITIONS[event]
    if state not in transition.before:
        raise ImpossibleTransition(f"{event.name} in state {state.name}")
    if transition.after is None:
        return State.DISABLED if has_material else State.PENDING_IMPORT
    return transition.after


@cache
def uses_open_to(nature: Nature, state: State) -> frozenset[Use]:
    """What the console may offer on a key: row links, bulk buttons, tabs."""
    return frozenset(use for use in Use if refusal(use, nature, state) is None)
