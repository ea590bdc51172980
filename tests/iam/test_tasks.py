"""Tidying up: what no longer counts goes, what counts stays, however often the job runs."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session

from iam import throttle
from iam.models import ConsoleSession, SignInAttempts, Token
from iam.services import tokens
from iam.tasks import forget_expired
from operations import errors, sweeps
from operations.errors import KmsError
from tests import factories

pytestmark = pytest.mark.django_db


def test_expired_tokens_sessions_and_counters_go_and_living_ones_stay(frozen, settings):
    alice = factories.alice()
    factories.token(alice)
    throttle.failed([throttle.of_address("192.0.2.1")])
    frozen.advance(hours=23)
    living = factories.token(alice)
    throttle.failed([throttle.of_address("192.0.2.2")])
    Session.objects.create(pk="old", session_data="", expire_date=frozen.at)
    Session.objects.create(pk="new", session_data="", expire_date=frozen.at + timedelta(hours=2))
    frozen.advance(hours=1)
    settings.KMS_KEEP_TOKENS = timedelta()

    for _ in range(2):
        forget_expired()

    assert [bytes(token.digest) for token in Token.objects.all()] == [tokens.digest(living)]
    assert list(Session.objects.values_list("pk", flat=True)) == ["new"]
    assert SignInAttempts.objects.count() == 0


def test_a_counter_that_still_blocks_stays(frozen):
    for _ in range(20):
        throttle.failed([throttle.of_address("192.0.2.1")])
    frozen.advance(minutes=20)

    forget_expired()

    assert SignInAttempts.objects.count() == 1


def test_an_expired_token_stays_for_as_long_as_its_client_is_to_be_told_so(frozen):
    secret = factories.token(factories.alice())
    frozen.advance(hours=24 + 24, seconds=-1)

    forget_expired()
    with pytest.raises(KmsError) as caught:
        tokens.find(secret)
    assert caught.value.code == errors.TOKEN_EXPIRED_AUTH

    frozen.advance(seconds=1)
    forget_expired()
    assert not Token.objects.exists()


def test_more_rows_than_one_transaction_takes_go_in_one_run(frozen, monkeypatch):
    monkeypatch.setattr(sweeps, "PURGE_ROWS", 3)
    alice = factories.alice()
    for _ in range(7):
        factories.token(alice)
    frozen.advance(days=2)

    forget_expired()

    assert not Token.objects.exists()


def test_a_listed_session_goes_once_it_is_idle_for_too_long(frozen, client):
    alice = factories.alice()
    factories.sign_in(client, alice)
    frozen.advance(minutes=29)
    factories.sign_in(client, alice)
    frozen.advance(minutes=1)

    forget_expired()

    assert ConsoleSession.objects.get().pk == client.session["iam"]["id"]


def test_who_signs_in_after_the_clock_was_moved_stays_signed_in(frozen, client):
    frozen.advance(days=30)
    factories.sign_in(client, factories.alice())

    forget_expired()

    assert client.get("/console/credentials").status_code == 200
