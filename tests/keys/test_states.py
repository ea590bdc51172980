"""The state machine: the published matrix cell by cell, and long walks beside a model of ten lines."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys import states
from keys.states import Event, ImpossibleTransition, Nature, Origin, State, Use
from kmscrypto.specs import SPECS, Usage
from operations import errors

OK = None
ALL_STATES = (State.ENABLED, State.DISABLED, State.PENDING_DELETION, State.PENDING_IMPORT)

# As printed: api.md section 4. One row a group of operations, one column a state: 2, 3, 4, 5.
MATRIX = {
    (Use.ENCRYPT, Use.DECRYPT, Use.SIGN, Use.VERIFY, Use.PUBLIC_KEY): (OK, "KMS.0209", "KMS.0210", "KMS.1301"),
    (Use.DATA_KEY, Use.GENERATE_MAC, Use.VERIFY_MAC): (OK, "KMS.0209", "KMS.0210", "KMS.1301"),
    (Use.GRANT,): (OK, "KMS.0209", "KMS.0210", "KMS.1301"),
    (Use.END_GRANT,): (OK, OK, OK, OK),
    (Use.ENABLE,): ("KMS.1201", OK, "KMS.0210", "KMS.1201"),
    (Use.DISABLE,): (OK, "KMS.1301", "KMS.0210", "KMS.1301"),
    (Use.SCHEDULE_DELETION,): (OK, OK, "KMS.1402", OK),
    (Use.CANCEL_DELETION,): ("KMS.1501", "KMS.1501", OK, "KMS.1501"),
    (Use.EDIT,): (OK, OK, "KMS.0210", OK),
    (Use.OFFER_IMPORT, Use.IMPORT_MATERIAL): ("KMS.0310", "KMS.0310", "KMS.0310", OK),
    (Use.DELETE_MATERIAL,): (OK, OK, "KMS.2701", "KMS.2701"),
    (Use.COMPARE_MATERIAL,): (OK, OK, OK, OK),
    (Use.DESCRIBE, Use.ROTATION_STATUS): (OK, OK, OK, OK),
    (Use.ROTATE,): (OK, "KMS.0209", "KMS.0210", "KMS.1301"),
    (Use.CHANGE_ROTATION,): (OK, OK, "KMS.0210", OK),
}

CELLS = [
    (use, state, expected)
    for uses, row in MATRIX.items()
    for use in uses
    for state, expected in zip(ALL_STATES, row, strict=True)
]

EC = Nature(SPECS["EC_P256"], Usage.SIGN_VERIFY, Origin.EXTERNAL)
HMAC = Nature(SPECS["HMAC_256"], Usage.GENERATE_VERIFY_MAC, Origin.KMS)
SUITABLE = {
    Use.SIGN: EC,
    Use.VERIFY: EC,
    Use.PUBLIC_KEY: EC,
    Use.GENERATE_MAC: HMAC,
    Use.VERIFY_MAC: HMAC,
    Use.ROTATE: Nature(SPECS["AES_256"], Usage.ENCRYPT_DECRYPT, Origin.KMS),
    Use.CHANGE_ROTATION: Nature(SPECS["AES_256"], Usage.ENCRYPT_DECRYPT, Origin.KMS),
}
AES = Nature(SPECS["AES_256"], Usage.ENCRYPT_DECRYPT, Origin.EXTERNAL)


def code(refusal):
    return refusal.code if refusal else None


@pytest.mark.parametrize(("use", "state", "expected"), CELLS)
def test_the_matrix_of_uses_and_states(use, state, expected):
    assert code(states.refusal(use, SUITABLE.get(use, AES), state)) == expected


def test_the_matrix_knows_every_use():
    assert {use for uses in MATRIX for use in uses} == set(Use) == set(states.REFUSALS)


# What each kind of key is for, whatever its state. Rows: spec and usage; columns: the uses below.
KINDS = {
    ("AES_256", "ENCRYPT_DECRYPT"): (OK, "KMS.1115", "KMS.0331", OK, "KMS.0331"),
    ("RSA_2048", "ENCRYPT_DECRYPT"): (OK, "KMS.0334", OK, "KMS.0325", "KMS.0325"),
    ("RSA_3072", "SIGN_VERIFY"): ("KMS.0335", OK, OK, "KMS.0325", "KMS.0325"),
    ("RSA_4096", "SIGN_VERIFY"): ("KMS.0335", OK, OK, "KMS.0325", "KMS.0325"),
    ("EC_P256", "SIGN_VERIFY"): ("KMS.1114", OK, OK, "KMS.0325", "KMS.0325"),
    ("EC_P384", "SIGN_VERIFY"): ("KMS.1114", OK, OK, "KMS.0325", "KMS.0325"),
    ("HMAC_256", "GENERATE_VERIFY_MAC"): ("KMS.0341", "KMS.0341", "KMS.0341", "KMS.0341", OK),
    ("HMAC_384", "GENERATE_VERIFY_MAC"): ("KMS.0341", "KMS.0341", "KMS.0341", "KMS.0341", OK),
    ("HMAC_512", "GENERATE_VERIFY_MAC"): ("KMS.0341", "KMS.0341", "KMS.0341", "KMS.0341", OK),
}
COLUMNS = (
    (Use.ENCRYPT, Use.DECRYPT),
    (Use.SIGN, Use.VERIFY),
    (Use.PUBLIC_KEY,),
    (Use.DATA_KEY,),
    (Use.GENERATE_MAC, Use.VERIFY_MAC),
)


@pytest.mark.parametrize(("spec", "usage"), KINDS)
@pytest.mark.parametrize("state", ALL_STATES)
def test_the_kind_of_key_is_told_before_its_state(spec, usage, state):
    nature = Nature(SPECS[spec], Usage(usage), Origin.KMS)

    for uses, expected in zip(COLUMNS, KINDS[spec, usage], strict=True):
        for use in uses:
            told = code(states.refusal(use, nature, state))
            assert told == expected if expected else told in (None, "KMS.0209", "KMS.0210", "KMS.1301")


@pytest.mark.parametrize("state", ALL_STATES)
@pytest.mark.parametrize("use", [Use.OFFER_IMPORT, Use.IMPORT_MATERIAL, Use.DELETE_MATERIAL, Use.COMPARE_MATERIAL])
def test_material_of_the_service_is_neither_imported_nor_deleted(use, state):
    nature = Nature(SPECS["AES_256"], Usage.ENCRYPT_DECRYPT, Origin.KMS)

    assert states.refusal(use, nature, state) is errors.EXTERNAL_KEY_REQUIRED


@pytest.mark.parametrize("state", ALL_STATES)
@pytest.mark.parametrize("spec", [name for name, spec in SPECS.items() if spec.is_asymmetric])
def test_asymmetric_material_stays_in_every_state(spec, state):
    nature = Nature(SPECS[spec], SPECS[spec].default_usage, Origin.EXTERNAL)

    assert states.refusal(Use.DELETE_MATERIAL, nature, state) is errors.ASYMMETRIC_MATERIAL_STAYS


@pytest.mark.parametrize("state", ALL_STATES)
@pytest.mark.parametrize(
    ("spec", "origin", "told"),
    [
        ("AES_256", Origin.EXTERNAL, errors.EXTERNAL_CANNOT_ROTATE),
        ("EC_P256", Origin.EXTERNAL, errors.EXTERNAL_CANNOT_ROTATE),
        ("RSA_2048", Origin.KMS, errors.ASYMMETRIC_CANNOT_ROTATE),
        ("EC_P384", Origin.KMS, errors.ASYMMETRIC_CANNOT_ROTATE),
        ("HMAC_256", Origin.KMS, errors.HMAC_UNSUPPORTED),
    ],
)
def test_only_symmetric_keys_of_the_service_rotate(spec, origin, told, state):
    nature = Nature(SPECS[spec], SPECS[spec].default_usage, origin)

    assert states.refusal(Use.ROTATE, nature, state) is told
    assert states.refusal(Use.CHANGE_ROTATION, nature, state) is told


@pytest.mark.parametrize("use", Use)
def test_a_default_key_is_for_use_and_reading_only(use):
    nature = Nature(SPECS["AES_256"], Usage.ENCRYPT_DECRYPT, Origin.KMS, is_default=True)

    told = states.refusal(use, nature, State.ENABLED)

    if use in (Use.ENCRYPT, Use.DECRYPT, Use.DATA_KEY, Use.DESCRIBE, Use.ROTATION_STATUS):
        assert told is None
    elif use in states.CRYPTOGRAPHIC:
        assert told in (errors.SYMMETRIC_CANNOT_SIGN, errors.SYMMETRIC_UNSUPPORTED)
    else:
        assert told is errors.DEFAULT_KEY


def test_states_bear_the_numbers_and_labels_of_the_wire():
    assert {state.value: state.label for state in State} == {
        2: "Enabled",
        3: "Disabled",
        4: "Pending deletion",
        5: "Pending import",
    }


# --- walks --------------------------------------------------------------------------------------------------------


def model(event: str, state: int, has_material: bool) -> int | None:
    """Where an event leads, in wire numbers; None where it must not happen."""
    if event == "CANCEL_DELETION":
        return (3 if has_material else 5) if state == 4 else None
    if event == "SCHEDULE_DELETION":
        return 4 if state in (2, 3, 5) else None
    if event == "LOSE_MATERIAL":
        return 5 if state in (2, 3) else None
    return {("ENABLE", 3): 2, ("DISABLE", 2): 3, ("IMPORT_MATERIAL", 5): 2}.get((event, state))


@given(st.sampled_from(ALL_STATES), st.lists(st.tuples(st.sampled_from(Event), st.booleans()), max_size=60))
def test_any_walk_ends_where_the_model_says(state, events):
    expected = state.value
    for event, has_material in events:
        wanted = model(event.name, expected, has_material)
        if wanted is None:
            with pytest.raises(ImpossibleTransition):
                states.after(event, state, has_material=has_material)
        else:
            state, expected = states.after(event, state, has_material=has_material), wanted
        assert state.value == expected


EVENT_OF_USE = {
    Use.ENABLE: Event.ENABLE,
    Use.DISABLE: Event.DISABLE,
    Use.SCHEDULE_DELETION: Event.SCHEDULE_DELETION,
    Use.CANCEL_DELETION: Event.CANCEL_DELETION,
    Use.IMPORT_MATERIAL: Event.IMPORT_MATERIAL,
    Use.DELETE_MATERIAL: Event.LOSE_MATERIAL,
}


@pytest.mark.parametrize("state", ALL_STATES)
@pytest.mark.parametrize("use", EVENT_OF_USE)
def test_what_is_admitted_is_possible_and_what_is_possible_is_admitted(use, state):
    possible = state in states.TRANSITIONS[EVENT_OF_USE[use]].before

    assert (states.refusal(use, AES, state) is None) is possible


@pytest.mark.parametrize("state", ALL_STATES)
def test_open_uses_are_those_that_are_not_refused(state):
    assert states.uses_open_to(AES, state) == {use for use in Use if states.refusal(use, AES, state) is None}


def test_a_walk_through_the_services_follows_the_same_model(alice):
    """Not the table now, but the operations: a hundred random steps, each as the model has it."""
    from keys.models import Key
    from operations.errors import KmsError
    from tests.operations import stage

    steps = {
        "ENABLE": stage.enable,
        "DISABLE": stage.disable,
        "SCHEDULE_DELETION": stage.schedule_deletion,
        "CANCEL_DELETION": stage.cancel_deletion,
        "LOSE_MATERIAL": stage.delete_material,
        "IMPORT_MATERIAL": None,
    }
    chance, plaintext = random.Random(20260301), bytes(range(32))  # noqa: S311  (a walk, no secret)
    key = stage.an_empty_key(alice)
    state, has_material = 5, False

    for _ in range(100):
        event = chance.choice(list(steps))
        expected = model(event, state, has_material)
        try:
            if event == "IMPORT_MATERIAL":
                if state == 5:
                    stage.import_into(alice, key, plaintext=plaintext)
                elif expected is None:
                    continue
            else:
                steps[event](alice, key)
        except KmsError:
            assert expected is None
        else:
            assert expected is not None
            state, has_material = expected, {"IMPORT_MATERIAL": True, "LOSE_MATERIAL": False}.get(event, has_material)
        row = Key.objects.get(pk=key.pk)
        assert row.state == state
        assert row.versions.filter(material_sealed__isnull=False).exists() is has_material
