"""What takes long has threads of its own, so that it holds up nothing else."""

from __future__ import annotations

import pytest
from django.urls import reverse

from keys.api.datakeypairs import CREATE_RSA_DATAKEY_PAIR
from keys.services import creation
from kmsconsole.lanes import KEYS, OTHERS, PASSWORDS, lane_of
from kmsconsole.urls import OPERATIONS

PROJECT = "0123456789abcdef0123456789abcdef"
KEY = "43f1ffd7-18fb-4568-9575-602e009b7ee8"


def makes_keys(operation):
    return operation.prepare is not None or operation is CREATE_RSA_DATAKEY_PAIR


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.path], ids=lambda each: each.name)
def test_every_operation_that_makes_an_rsa_key_is_in_the_lane_of_keys_and_no_other_is(operation):
    lane = lane_of(operation.method, f"/v1.0/{PROJECT}/{operation.path}")

    assert lane is (KEYS if makes_keys(operation) else OTHERS)


def test_there_are_operations_that_make_rsa_keys():
    assert len([each for each in OPERATIONS if makes_keys(each)]) == 3
    assert creation.make_material in [each.prepare for each in OPERATIONS]


@pytest.mark.parametrize(
    ("path", "lane"),
    [
        (reverse("keys:create"), KEYS),
        (reverse("imports:download", args=[KEY]), KEYS),
        (reverse("iam:login"), PASSWORDS),
        (reverse("iam:password"), PASSWORDS),
        (reverse("iam:create_access_key"), PASSWORDS),
        ("/v3/auth/tokens", PASSWORDS),
        (reverse("imports:finish", args=[KEY]), OTHERS),
        (reverse("iam:logout"), OTHERS),
        ("/v3/auth/tokens\n", OTHERS),
        ("/\n", OTHERS),
    ],
)
def test_pages_have_their_lanes_too(path, lane):
    assert lane_of("POST", path) is lane


@pytest.mark.parametrize("path", [reverse("keys:create"), reverse("iam:login"), "/v3/auth/tokens", "/healthz"])
def test_what_is_only_looked_at_takes_no_time(path):
    assert lane_of("GET", path) is OTHERS
