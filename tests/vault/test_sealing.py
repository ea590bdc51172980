"""A sealed value opens in the place it was sealed for and nowhere else (SEC-002)."""

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.vault.conftest import a_binding
from vault import hierarchy, project_rotation, sealing
from vault.errors import OpenFailed, Sealed
from vault.hierarchy import ServicePurpose
from vault.models import ProjectKey
from vault.project_rotation import Limits
from vault.sealing import Binding

pytestmark = pytest.mark.django_db

# The vault of a test is the same for all its examples: sealing changes nothing in it but a project's first key.
same_vault = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

names = st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=6)
bindings = st.builds(
    lambda where, **parts: Binding(region=where[0], project=where[1], **parts),
    where=st.one_of(st.just(("", "")), st.tuples(names, names)),
    kind=names,
    object_id=names,
    purpose=names,
    version=st.integers(0, 3),
    parent=st.one_of(st.just(""), names),
)


@pytest.mark.parametrize("plaintext", [b"", b"\0", b"a key", bytes(range(256)) * 40], ids=len)
@pytest.mark.parametrize("binding", [a_binding(), Binding("access-key", "AK1", "secret-key")], ids=lambda b: b.kind)
def test_what_was_sealed_opens_in_its_place(vault, binding, plaintext):
    blob = sealing.seal(binding, plaintext)

    assert sealing.open(binding, blob) == plaintext
    assert len(plaintext) < 16 or plaintext not in blob


def test_opens_in_a_process_that_remembers_nothing(vault):
    blob = sealing.seal(a_binding(), b"a key")
    hierarchy.forget()

    assert sealing.open(a_binding(), blob) == b"a key"


def test_opens_from_what_a_database_column_gives(vault):
    blob = sealing.seal(a_binding(), b"a key")

    assert sealing.open(a_binding(), memoryview(blob)) == b"a key"


def test_a_blob_moved_to_any_other_row_does_not_open(vault):
    home = a_binding(parent="key-1")
    rows = [
        home,
        replace(home, kind="wrapping-key"),
        replace(home, object_id="4f3d"),
        replace(home, purpose="private"),
        replace(home, region="eu-nl"),
        replace(home, project="p2"),
        replace(home, version=2),
        replace(home, parent="key-2"),
        replace(home, parent=""),
        replace(home, region="", project=""),
        # the same letters, cut at other places
        replace(home, kind=home.kind + home.region, region="x"),
        replace(home, object_id=home.object_id + "1", version=0),
        replace(home, purpose=home.purpose + "k", parent="ey-1"),
    ]
    blobs = {row: sealing.seal(row, b"a key") for row in rows}

    for row, other in permutations(rows, 2):
        with pytest.raises(OpenFailed):
            sealing.open(other, blobs[row])


@same_vault
@given(here=bindings, there=bindings)
@example(here=a_binding(region="a", project="bc"), there=a_binding(region="ab", project="c"))
def test_a_blob_opens_in_another_place_only_if_it_is_the_same_place(vault, here, there):
    blob = sealing.seal(here, b"a key")

    if here == there:
        assert sealing.open(there, blob) == b"a key"
    else:
        with pytest.raises(OpenFailed):
            sealing.open(there, blob)


@same_vault
@given(data=st.data())
def test_a_blob_with_any_bit_changed_does_not_open(vault, data):
    blob = bytearray(sealing.seal(a_binding(), b"a key"))
    bit = data.draw(st.integers(0, len(blob) * 8 - 1))
    blob[bit // 8] ^= 1 << bit % 8

    with pytest.raises(OpenFailed):
        sealing.open(a_binding(), bytes(blob))


@same_vault
@given(blob=st.binary(max_size=300))
@example(blob=b"\1\1\3\0" + b"\xff" * 20 + bytes(8) + bytes(76) + bytes(32))
def test_bytes_that_we_never_sealed_do_not_open(vault, blob):
    for binding in (a_binding(), Binding("access-key", "AK1", "secret-key")):
        with pytest.raises(OpenFailed):
            sealing.open(binding, blob)


def test_opening_makes_no_project_key(vault):
    blob = sealing.seal(a_binding(project="p1"), b"a key")

    with pytest.raises(OpenFailed):
        sealing.open(a_binding(project="p2"), blob)

    assert list(ProjectKey.objects.values_list("project", flat=True)) == ["p1"]


def test_a_blob_opens_under_the_version_of_the_project_key_that_sealed_it(vault):
    old_blob = sealing.seal(a_binding(), b"a key")
    project_rotation.rotate("eu-de", "p1", limits=Limits(wraps=1))

    new_blob = sealing.seal(a_binding(), b"a key")

    assert hierarchy.project_key("eu-de", "p1").version == 2
    assert sealing.open(a_binding(), old_blob) == sealing.open(a_binding(), new_blob) == b"a key"


def test_a_project_key_swapped_with_another_project_s_opens_nothing(vault):
    sealing.seal(a_binding(project="p1"), b"a key")
    blob = sealing.seal(a_binding(project="p2"), b"a key")
    ProjectKey.objects.filter(project="p2").update(wrapped=ProjectKey.objects.get(project="p1").wrapped)
    hierarchy.forget()

    with pytest.raises(OpenFailed):
        sealing.open(a_binding(project="p2"), blob)


def test_nothing_is_sealed_or_opened_while_the_vault_is_sealed(vault):
    blob = sealing.seal(a_binding(), b"a key")
    (vault / "root.key").unlink()
    hierarchy.forget()

    with pytest.raises(Sealed):
        sealing.seal(a_binding(), b"a key")
    with pytest.raises(Sealed):
        sealing.open(a_binding(), blob)


@pytest.mark.parametrize("missing", ["kind", "object_id", "purpose"])
def test_a_binding_must_say_what_it_binds(missing):
    with pytest.raises(ValueError, match="a kind, an object and a purpose"):
        a_binding(**{missing: ""})


@pytest.mark.parametrize("missing", ["region", "project"])
def test_a_binding_names_region_and_project_or_neither(missing):
    with pytest.raises(ValueError, match="both region and project"):
        a_binding(**{missing: ""})


def test_each_service_purpose_has_a_key_of_its_own_that_stays(vault):
    keys = {purpose: hierarchy.service_key(purpose) for purpose in ServicePurpose}
    hierarchy.forget()

    assert {purpose: hierarchy.service_key(purpose) for purpose in ServicePurpose} == keys
    assert len(set(keys.values())) == len(ServicePurpose) == 3
    assert {len(key) for key in keys.values()} == {32}


def test_an_opened_key_does_not_show_its_material(vault):
    opened = hierarchy.project_key("eu-de", "p1")

    assert opened.material.hex() not in repr(opened)
    assert repr(opened.material) not in repr(opened)
