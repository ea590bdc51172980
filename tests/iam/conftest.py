import pytest

from tests import factories
from tests.clock import FrozenClock


@pytest.fixture
def frozen():
    with FrozenClock() as clock:
        yield clock


@pytest.fixture
def cast(db):
    return factories.cast()


@pytest.fixture
def hashes(monkeypatch):
    """How many password hashes were computed: a check or a new hash counts one each."""
    from django.contrib.auth.hashers import Argon2PasswordHasher

    counted = []

    def counting(name):
        real = getattr(Argon2PasswordHasher, name)

        def method(self, *args, **kwargs):
            counted.append(name)
            return real(self, *args, **kwargs)

        monkeypatch.setattr(Argon2PasswordHasher, name, method)

    counting("verify")
    counting("encode")
    return counted
