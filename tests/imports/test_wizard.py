"""Where somebody stands in the import: pure, without Django."""

from __future__ import annotations

from urllib.parse import parse_qsl
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imports.wizard import Path, Step, Wizard

OFFER = UUID("12345678-1234-4234-8234-123456789012")


def read_again(wizard: Wizard) -> Wizard:
    return Wizard.from_query(dict(parse_qsl(wizard.query().removeprefix("?"))))


def test_a_waiting_key_begins_with_the_download_in_three_steps():
    wizard = Wizard.from_query({})

    assert wizard.title == "Import Key Material"
    assert [step.value for step in wizard.steps] == [
        "Download the Import Items",
        "Import Key Material",
        "Import Key Token",
    ]
    assert (wizard.step, wizard.number(wizard.step), wizard.has_items) == (Step.DOWNLOAD, 1, False)
    assert wizard.query() == ""


def test_a_new_key_has_its_first_step_behind_it():
    wizard = Wizard.from_query({"flow": "new"})

    assert wizard.title == "Import Key"
    assert [(each["label"], each["state"]) for each in wizard.stepper()] == [
        ("Create Key", "done"),
        ("Download the Import Items", "current"),
        ("Import Key Material", "todo"),
        ("Import Key Token", "todo"),
    ]


def test_a_download_leads_to_the_material_and_back():
    wizard = Wizard(is_new=True).downloaded(OFFER)

    assert wizard.query() == f"?flow=new&offer={OFFER}"
    assert (wizard.step, wizard.number(wizard.step), wizard.has_items) == (Step.MATERIAL, 3, True)
    assert wizard.back_to_download() == Wizard(is_new=True)


def test_existing_material_needs_no_download():
    wizard = Wizard().downloaded(OFFER).with_existing_material()

    assert wizard.query() == "?path=existing"
    assert (wizard.step, wizard.offer, wizard.has_items) == (Step.MATERIAL, None, True)


def test_a_failed_step_is_marked_and_open():
    steps = Wizard().downloaded(OFFER).at(Step.TOKEN).stepper(failed=True)

    assert [each["state"] for each in steps] == ["done", "done", "failed"]
    assert [each["current"] for each in steps] == [False, False, True]


@pytest.mark.parametrize(
    ("field", "path", "step"),
    [
        ("encrypted_key_material", Path.DOWNLOAD, Step.MATERIAL),
        ("encrypted_privatekey", Path.EXISTING, Step.MATERIAL),
        ("expiration_time", Path.DOWNLOAD, Step.TOKEN),
        ("import_token", Path.EXISTING, Step.TOKEN),
        ("import_token", Path.DOWNLOAD, Step.DOWNLOAD),
        ("wrapping_algorithm", Path.DOWNLOAD, Step.DOWNLOAD),
        ("", Path.DOWNLOAD, Step.TOKEN),
    ],
)
def test_a_refusal_is_mended_where_its_field_stands(field, path, step):
    assert Wizard(path=path).step_of(field) is step


wizards = st.builds(Wizard, is_new=st.booleans()).flatmap(
    lambda begun: st.sampled_from([begun, begun.with_existing_material(), begun.downloaded(uuid4())])
)


@given(wizards)
def test_the_address_is_the_whole_state(wizard):
    assert read_again(wizard) == wizard


@given(st.dictionaries(st.sampled_from(["flow", "path", "offer", "step"]), st.text(max_size=50)))
def test_any_address_is_a_place_in_the_wizard(query):
    wizard = Wizard.from_query(query)

    assert read_again(wizard) == wizard
    assert wizard.step in (Step.DOWNLOAD, Step.MATERIAL)
    assert wizard.has_items is (wizard.step is Step.MATERIAL)
