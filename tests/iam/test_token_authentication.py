"""X-Auth-Token: what it stands on is asked again with each request."""

import hashlib

import pytest
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from iam.authentication import TokenAuthentication
from iam.models import Assignment, Token
from iam.services import passwords, tokens
from operations import errors
from operations.caller import Kind
from operations.errors import KmsError
from tests import factories

pytestmark = pytest.mark.django_db


def authenticate(secret=None):
    headers = {} if secret is None else {"X-Auth-Token": secret}
    request = Request(APIRequestFactory().get("/", headers=headers, REMOTE_ADDR="192.0.2.1"))
    return TokenAuthentication().authenticate(request)


def refusal(secret=None):
    with pytest.raises(KmsError) as caught:
        authenticate(secret)
    return caught.value.code


def test_a_token_makes_its_user_the_caller_in_its_project(cast):
    caller, token = authenticate(factories.token(cast.alice))

    assert (caller.user_id, caller.user_name, caller.account_name) == (cast.alice.pk, "alice", "acme")
    assert (caller.project_id, caller.project_name, caller.region_id) == (factories.project().pk, "eu-de", "eu-de")
    assert caller.kind is Kind.API
    assert caller.source_ip == "192.0.2.1"
    assert caller.may("kms:cmk:create", "0")
    assert token.user_id == cast.alice.pk


def test_it_costs_two_queries(cast, django_assert_num_queries):
    secret = factories.token(cast.alice)

    with django_assert_num_queries(2):
        authenticate(secret)


def test_only_the_digest_is_stored(cast):
    secret = factories.token(cast.alice)

    row = Token.objects.get()

    assert bytes(row.digest) == hashlib.sha256(secret.encode()).digest()
    assert all(secret not in str(getattr(row, field.attname)) for field in Token._meta.fields)


def test_tokens_are_256_random_bits(cast):
    secrets = {factories.token(cast.alice) for _ in range(20)}

    assert len(secrets) == 20
    assert all(len(secret) == 43 for secret in secrets)


def test_no_token_at_all():
    assert refusal() is errors.TOKEN_MISSING
    assert refusal("") is errors.TOKEN_MISSING


@pytest.mark.parametrize("secret", ["x", "ü" * 43, "A" * 43, "A" * 100_000])
def test_an_unknown_token(cast, secret):
    assert refusal(secret) is errors.TOKEN_INVALID


def test_a_token_lives_for_24_hours_to_the_second(cast, frozen):
    secret = factories.token(cast.alice)

    frozen.advance(hours=24, seconds=-1)
    authenticate(secret)
    frozen.advance(seconds=1)

    assert refusal(secret) is errors.TOKEN_EXPIRED_AUTH


def test_a_revoked_token_is_refused_at_the_next_request(cast):
    secret = factories.token(cast.alice)
    authenticate(secret)

    tokens.revoke(Token.objects.get())

    assert refusal(secret) is errors.TOKEN_INVALID


def test_a_disabled_user_is_refused_at_the_next_request(cast):
    secret = factories.token(cast.alice)
    authenticate(secret)

    cast.alice.enabled = False
    cast.alice.save()

    assert refusal(secret) is errors.TOKEN_INVALID


def test_a_new_password_ends_all_tokens(cast):
    secret = factories.token(cast.alice)

    passwords.put(cast.alice, "another long harbour")

    assert refusal(secret) is errors.TOKEN_INVALID
    authenticate(factories.token(cast.alice))


def test_a_role_taken_away_is_gone_at_the_next_request(cast):
    secret = factories.token(cast.alice)
    assert authenticate(secret)[0].may("kms:cmk:create")

    Assignment.objects.filter(user=cast.alice).delete()

    assert not authenticate(secret)[0].may("kms:cmk:create")


def test_a_token_without_a_project_has_no_rights(cast):
    caller, _ = authenticate(tokens.issue(cast.alice, domain_scoped=True).secret)

    assert caller.project_id == ""
    assert not caller.may("kms:cmk:list")


def test_a_missing_token_is_answered_with_401_on_the_wire(client, cast):
    url = f"/v1.0/{factories.project().pk}/kms/list-keys"

    response = client.post(url, {}, content_type="application/json")

    assert response.status_code == 401
    assert response.json() == {"error": {"error_code": "KMS.0301", "error_msg": "Invalid or null X-Auth-Token."}}


def test_a_token_of_another_project_is_told_so(client, cast):
    url = f"/v1.0/{factories.project('eu-de_other').pk}/kms/list-keys"

    response = client.post(url, {}, content_type="application/json", headers=factories.headers(cast.alice))

    assert response.status_code == 403
    assert response.json()["error"]["error_code"] == "KMS.0321"


def test_a_console_session_does_not_open_the_api(client, cast):
    factories.sign_in(client, cast.alice)

    response = client.post(f"/v1.0/{factories.project().pk}/kms/list-keys", {}, content_type="application/json")

    assert response.status_code == 401
