"""A stranger's guesses, from however many addresses, do not keep a user out of a browser that they have used before."""

from __future__ import annotations

import json

import pytest
from django.core import signing
from django.test import Client

from iam import known_browsers, throttle
from iam.models import SignInAttempts
from tests import factories
from tests.clock import FrozenClock
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db

OFFICE = "192.0.2.1"


@pytest.fixture
def clock():
    with FrozenClock() as frozen:
        yield frozen


@pytest.fixture
def alice(db):
    return factories.alice()


def sign_in(client, password=PASSWORD, *, name="alice", address=OFFICE):
    form = {"account": "acme", "name": name, "password": password}
    return client.post("/console/login", form, REMOTE_ADDR=address).status_code


def a_known_browser():
    """One that has signed in and out."""
    client = Client()
    assert sign_in(client) == 302
    client.post("/console/logout")
    return client


def guess(times, *, name="alice"):
    """Strangers, each from an address of their own. In the same second those beyond the first delay are refused."""
    return [sign_in(Client(), "wrong", name=name, address=f"198.51.100.{number}") for number in range(times)]


def cookie_of(client):
    return client.cookies[known_browsers.cookie_name()]


def test_a_known_browser_signs_in_while_strangers_from_many_addresses_are_guessing(alice, clock):
    own = a_known_browser()

    assert guess(8) == [422] * 5 + [429] * 3

    assert sign_in(Client(), address="203.0.113.5") == 429, "from elsewhere even the right password has to wait"
    assert sign_in(own) == 302


def test_nor_do_guesses_from_the_same_address_keep_it_out(alice, clock):
    own = a_known_browser()
    for number in range(12):
        sign_in(Client(), "wrong", name=f"nobody-{number}")
    assert sign_in(Client()) == 429

    assert sign_in(own) == 302


def test_its_own_failures_slow_it_down_and_nobody_else(alice, clock):
    own = a_known_browser()

    assert [sign_in(own, "wrong") for _ in range(6)] == [422] * 5 + [429]
    assert sign_in(own) == 429, "also with the right password"
    assert sign_in(Client()) == 302

    clock.advance(seconds=1)
    assert sign_in(own) == 302
    assert not SignInAttempts.objects.exists()


def test_its_success_does_not_give_strangers_more_tries(alice, clock):
    own = a_known_browser()
    guess(5)

    assert sign_in(own) == 302

    assert guess(1) == [429]


def test_it_is_known_for_its_own_users_alone(alice, clock):
    factories.bob()
    own = a_known_browser()
    assert guess(5, name="bob") == [422] * 5

    assert sign_in(own, name="bob") == 429


def test_a_browser_that_several_people_use_is_known_for_each(alice, clock):
    factories.bob()
    own = a_known_browser()
    assert sign_in(own, name="bob") == 302
    own.post("/console/logout")
    guess(5)
    clock.advance(hours=1)
    guess(5, name="bob")
    guess(5)

    assert sign_in(own, name="bob") == 302
    own.post("/console/logout")
    assert sign_in(own) == 302


def test_it_remembers_the_five_users_of_the_latest_sign_ins(clock):
    client = Client()
    users = [factories.user(f"user-{number}") for number in range(7)]
    for user in users:
        assert sign_in(client, name=user.name) == 302
        client.post("/console/logout")

    known = signing.loads(cookie_of(client).value, salt=known_browsers._SALT)

    assert list(known) == [user.pk for user in users[2:]]
    assert len(cookie_of(client).value) < 1000


def test_a_changed_or_foreign_cookie_makes_no_browser_known(alice, clock):
    own = a_known_browser()
    value = cookie_of(own).value
    guess(5)

    for forged in (
        value[:-1] + ("A" if value[-1] != "A" else "B"),
        "",
        "x",
        signing.dumps({alice.pk: ["name", 2**40]}),
    ):
        stranger = Client()
        stranger.cookies[known_browsers.cookie_name()] = forged
        assert sign_in(stranger, address="203.0.113.5") == 429


def test_it_is_forgotten_after_half_a_year(alice, clock):
    own = a_known_browser()
    clock.advance(days=180)
    guess(5)

    assert sign_in(own) == 429


def test_the_cookie_signs_nobody_in_and_is_for_the_product_alone(alice, settings):
    own = a_known_browser()
    cookie = cookie_of(own)
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert PASSWORD not in cookie.value

    assert own.get("/console/credentials").status_code == 302
    settings.SESSION_COOKIE_SECURE = True
    assert known_browsers.cookie_name().startswith("__Host-")


def test_the_api_knows_no_browsers(alice, clock):
    own = a_known_browser()
    guess(5)
    user = {"name": "alice", "password": PASSWORD, "domain": {"name": "acme"}}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}

    answer = own.post("/v3/auth/tokens", json.dumps(body), content_type="application/json", REMOTE_ADDR=OFFICE)

    assert answer.status_code == 429


def test_a_subject_is_no_other_kind_of_subject():
    assert len({throttle.of_browser("a").key, throttle.of_address("a").key, throttle.of_name("", "a").key}) == 3
