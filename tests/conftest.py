"""What every test may ask for: servers, programs and a product that runs, all from tests/services."""

from __future__ import annotations

import pytest
from django.test.utils import override_settings
from hypothesis import settings

# A busy machine must not fail an example for the time it took.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

pytest_plugins = [
    "tests.order",
    "tests.services.programs",
    "tests.services.postgresql",
    "tests.services.redis",
    "tests.services.softhsm",
    "tests.services.image",
    "tests.services.product",
    "tests.services.browser",
]


@pytest.fixture(scope="session", autouse=True)
def _as_tests_need_it():
    with override_settings(
        # A fifth of a second for each password would be most of what some tests do.
        PASSWORD_HASHERS=["tests.hashing.CheapArgon2"],
        # The manifest of hashed names is made when the product starts; pages rendered in a test process have none.
        STORAGES={
            "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
        },
    ):
        yield
