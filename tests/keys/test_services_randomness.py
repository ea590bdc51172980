"""gen-random."""

from __future__ import annotations

from contextlib import suppress

import pytest

from keys.api.randomness import GEN_RANDOM
from operations import errors
from operations.errors import KmsError
from operations.models import Trace
from operations.perform import perform
from tests.operations.stage import refused


def random_data(caller, length):
    answer = GEN_RANDOM.respond(perform(GEN_RANDOM, caller, {"random_data_length": length}))
    assert answer.keys() == {"random_data"}
    return answer["random_data"]


@pytest.mark.parametrize(("length", "digits"), [("512", 128), (512, 128), (8, 2), ("8192", 2048)])
def test_it_is_as_long_as_was_asked_in_upper_case_hexadecimal(alice, length, digits):
    data = random_data(alice, length)

    assert len(bytes.fromhex(data)) * 2 == len(data) == digits
    assert data == data.upper()


@pytest.mark.parametrize("length", [0, -8, 8200, "many", 512.0, True, [512]])
def test_a_length_out_of_range_is_refused(alice, length):
    with refused(errors.RANDOM_LENGTH, field="random_data_length"):
        random_data(alice, length)


@pytest.mark.parametrize("length", [9, "511", 8191])
def test_a_length_between_bytes_is_refused(alice, length):
    with refused(errors.RANDOM_LENGTH_UNEVEN, field="random_data_length"):
        random_data(alice, length)


@pytest.mark.parametrize(("length", "code"), [(512, ""), (9, "KMS.1802")])
def test_its_trace_is_about_rng(alice, length, code):
    with suppress(KmsError):
        random_data(alice, length)

    trace = Trace.objects.get(name="genRandom")
    assert (trace.resource_type, trace.resource_id, trace.resource_name, trace.code) == ("rng", "", "", code)


@pytest.mark.parametrize("length", [None, ""])
def test_a_length_is_required(alice, length):
    with refused(errors.PARAMETER_MISSING, field="random_data_length"):
        random_data(alice, length)


def test_no_two_are_alike(alice):
    assert len({random_data(alice, 128) for _ in range(100)}) == 100


def test_a_reader_may_not(bob):
    with refused(errors.NO_PERMISSION, hint="kms:cmk:generate"):
        random_data(bob, 512)


def test_it_costs_one_query(alice, django_assert_num_queries):
    """The trace."""
    with django_assert_num_queries(1):
        random_data(alice, 512)
