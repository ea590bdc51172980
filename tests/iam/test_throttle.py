"""Guessing passwords becomes slow, for both faces together, and never impossible for the owner (SEC-041)."""

import json

import pytest

from iam import throttle
from iam.models import SignInAttempts
from iam.services import signin
from operations.errors import KmsError
from operations.limits import Rate
from tests.clock import FrozenClock
from tests.factories import PASSWORD

HERE, ELSEWHERE = "192.0.2.1", "198.51.100.9"

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock():
    with FrozenClock() as frozen:
        yield frozen


def subjects(name="alice", address=HERE):
    return [throttle.of_name("acme", name), throttle.of_address(address)]


def fail(times, **where):
    return [throttle.failed(subjects(**where)) for _ in range(times)]


def seconds_left(**where):
    try:
        throttle.admit(subjects(**where))
    except KmsError as error:
        return error.retry_after
    return 0


def over_rest(client, password, *, name="alice", address=HERE):
    user = {"name": name, "password": password, "domain": {"name": "acme"}}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}
    data = json.dumps(body)
    return client.post("/v3/auth/tokens", data, content_type="application/json", REMOTE_ADDR=address)


def in_the_console(client, password, *, name="alice", address=HERE):
    form = {"account": "acme", "name": name, "password": password}
    return client.post("/console/login", form, REMOTE_ADDR=address)


def test_four_failures_cost_nothing_and_each_further_one_twice_the_time(clock):
    delays = []
    for _ in range(16):
        delays += fail(1, address=f"203.0.113.{len(delays)}")

    assert delays == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


@pytest.mark.parametrize(
    ("first", "second", "are_one"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("unknown", "unknown", True),
    ],
)
def test_whoever_has_many_addresses_counts_once(first, second, are_one):
    assert (throttle.of_address(first) == throttle.of_address(second)) is are_one


def test_a_delay_ends_to_the_second(clock):
    fail(7)

    assert seconds_left() == 5
    clock.advance(seconds=3.9)
    assert seconds_left() == 1
    clock.advance(seconds=0.1)
    assert seconds_left() == 0


def test_after_a_quiet_quarter_of_an_hour_counting_starts_anew(clock):
    fail(5)

    clock.advance(minutes=15, seconds=1)

    assert fail(4) == [0, 0, 0, 0]


def test_a_long_delay_is_not_the_quiet_that_forgives(clock):
    fail(20)

    clock.advance(minutes=15)

    assert seconds_left() == 0
    assert fail(1) == [900]


def test_a_hundred_tries_delay_but_do_not_lock_out_the_owner(clock):
    fail(100)

    assert seconds_left(address=ELSEWHERE) == 901
    clock.advance(minutes=15)
    assert seconds_left(address=ELSEWHERE) == 0


def test_success_clears_the_name_but_not_the_address(clock):
    fail(10)
    clock.advance(minutes=10)

    throttle.succeeded(subjects())

    assert SignInAttempts.objects.count() == 1
    assert fail(1, address=ELSEWHERE) == [0]


def test_one_address_guessing_at_many_names_is_slowed_down(clock):
    delays = [fail(1, name=f"user-{number}")[0] for number in range(12)]

    assert delays == [0] * 9 + [1, 2, 4]


def test_other_names_at_other_addresses_are_not_touched(clock):
    fail(20)

    assert seconds_left(name="bob", address=ELSEWHERE) == 0


def test_names_are_stored_as_digests_only(clock):
    fail(1, name="hunter2-typed-here")

    assert all("hunter2" not in row.subject and len(row.subject) == 64 for row in SignInAttempts.objects.all())


def test_old_counters_are_forgotten_and_living_ones_kept(clock):
    fail(1, name="old", address=ELSEWHERE)
    clock.advance(minutes=16)
    fail(1)

    throttle.forget_old()

    assert SignInAttempts.objects.count() == 2


def test_it_can_be_switched_off(clock, settings):
    settings.KMS_RATE_LIMITS = False

    assert fail(20) == [0] * 20
    assert seconds_left() == 0
    assert not SignInAttempts.objects.exists()


def test_failures_in_the_console_slow_down_the_api_and_no_hash_is_spent_meanwhile(client, clock, cast, hashes):
    for _ in range(5):
        in_the_console(client, "wrong harbour altogether")
    hashes.clear()

    response = over_rest(client, PASSWORD, address=ELSEWHERE)

    assert response.status_code == 429
    assert response["Retry-After"] == "2"
    assert response.json()["error"]["code"] == 429
    assert hashes == []


def test_right_passwords_are_hashed_so_often_a_minute_and_beyond_that_not_at_all(
    client, clock, cast, hashes, monkeypatch
):
    monkeypatch.setattr(signin, "PASSWORD_RATE", Rate("check-password", calls=2))
    assert [over_rest(client, PASSWORD).status_code, in_the_console(client, PASSWORD).status_code] == [201, 302]
    hashes.clear()

    answers = [over_rest(client, PASSWORD), in_the_console(client, PASSWORD)]

    assert [answer.status_code for answer in answers] == [429, 429]
    assert all(int(answer["Retry-After"]) > 0 for answer in answers)
    assert hashes == []


def test_the_console_says_how_long_to_wait(client, clock, cast):
    for _ in range(7):
        clock.advance(seconds=10)
        over_rest(client, "wrong harbour altogether")

    response = in_the_console(client, PASSWORD)

    assert response.status_code == 429
    assert response["Retry-After"] == "5"
    assert "Try again in 5 seconds." in response.content.decode()

    clock.advance(seconds=3.5)
    assert "Try again in 1 second." in in_the_console(client, PASSWORD).content.decode()


def test_an_unknown_name_is_slowed_down_like_a_known_one(client, clock, cast):
    answers = {}
    for name in ("alice", "nobody"):
        statuses = []
        for number in range(6):
            response = over_rest(client, "wrong harbour altogether", name=name, address=f"203.0.113.{number}")
            statuses.append((response.status_code, response.get("Retry-After")))
        answers[name] = statuses

    assert answers["alice"] == answers["nobody"] == [(401, None)] * 5 + [(429, "2")]


def test_naming_a_user_by_id_meets_the_same_counter(client, clock, cast):
    for _ in range(5):
        over_rest(client, "wrong harbour altogether")
    user = {"id": cast.alice.pk, "password": PASSWORD}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}

    response = client.post("/v3/auth/tokens", json.dumps(body), content_type="application/json", REMOTE_ADDR=ELSEWHERE)

    assert response.status_code == 429


def test_after_the_delay_the_owner_is_let_in_and_the_count_is_gone(client, clock, cast):
    for _ in range(5):
        over_rest(client, "wrong harbour altogether")
    clock.advance(seconds=1)

    assert over_rest(client, PASSWORD, address=ELSEWHERE).status_code == 201
    assert throttle.failed([throttle.of_name("", cast.alice.pk)]) == 0


def test_a_right_guess_that_ends_after_the_block_began_is_refused(clock, cast, monkeypatch):
    from iam.services import passwords, signin
    from operations.caller import Kind

    claim = signin.Claim(name="alice", account="acme", password=PASSWORD)
    origin = signin.Origin(Kind.API, HERE)
    really = passwords.is_right

    def while_others_guess(user, password):
        for _ in range(5):
            throttle.failed(signin._subjects(claim, user, origin))
        return really(user, password)

    monkeypatch.setattr(passwords, "is_right", while_others_guess)

    with pytest.raises(KmsError) as caught:
        signin.authenticate(claim, origin)
    assert caught.value.code.status == 429
