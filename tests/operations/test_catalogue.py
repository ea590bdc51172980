"""The catalogue of errors is whole: each published code is answered by some request over HTTP, or there is a reason.

A line here provokes one code with one operation; the operation must be documented to answer it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings

from iam.models import Token
from keys.models import Key
from kmsconsole.description import CONTEXT
from kmsconsole.urls import OPERATIONS
from operations import errors, openapi
from operations.models import RateCount
from tests import factories
from tests.iam.signing import pair_of, stamp
from tests.operations import stage
from tests.operations.published import PUBLISHED
from tests.operations.stage import a_grant, a_key, a_request, an_empty_key, an_imported_key, an_offer, b64
from tests.operations.wire import code_of, send
from tests.security.requests import RIGHT
from vault import hierarchy

BY_NAME = {operation.name: operation for operation in OPERATIONS}
LONG = "x" * 300


# --- the two tables -----------------------------------------------------------------------------------------------


def test_every_published_code_is_declared_or_has_its_reason():
    ours = {code for code in errors.CATALOGUE if code.startswith("KMS.")}

    assert ours | errors.NOT_APPLICABLE.keys() == PUBLISHED.keys()
    assert not ours & errors.NOT_APPLICABLE.keys()
    assert all(reason.endswith(".") for reason in errors.NOT_APPLICABLE.values())


def test_every_code_has_the_published_status():
    ours = {code.code: code.status for code in errors.CATALOGUE.values() if code.code in PUBLISHED}

    assert ours == {code: PUBLISHED[code] for code in ours}


# --- each code once -----------------------------------------------------------------------------------------------


@dataclass
class Attempt:
    """One call of alice's over HTTP, with what may be wrong about it."""

    operation: str
    fields: dict[str, Any]
    caller: Any
    client: Any

    def __call__(self, *, user=None, headers=None, project_id=None):
        sent = factories.headers(user or factories.alice()) if headers is None else headers
        return send(self.client, BY_NAME[self.operation], project_id or self.caller.project_id, self.fields, sent)


def wrong(operation, **fields):
    """The sound request of the operation with these members instead; None leaves one out."""

    def provoke(caller, client, the_clock):
        merged = {**RIGHT[operation](caller), **fields}
        return Attempt(
            operation, {name: value for name, value in merged.items() if value is not None}, caller, client
        )()

    return operation, provoke


def about(operation, make, **fields):
    """The operation on the key that `make` gives."""

    def provoke(caller, client, the_clock):
        return Attempt(operation, {"key_id": make(caller).key_id, **fields}, caller, client)()

    return operation, provoke


def with_fields(operation, make):
    def provoke(caller, client, the_clock):
        return Attempt(operation, make(caller), caller, client)()

    return operation, provoke


def disabled(caller):
    return stage.disable(caller, a_key(caller))


def leaving(caller):
    return stage.schedule_deletion(caller, a_key(caller))


def default_key(caller):
    key = a_key(caller)
    Key.objects.filter(pk=key.pk).update(is_default=True, alias="evs/default")
    return key


def of_kind(spec, **fields):
    return lambda caller: an_imported_key(caller, spec, **fields)


def hmac_key(caller):
    return a_key(caller, "HMAC_256")


def offered(caller, spec="AES_256", *, plaintext=None, **changes):
    """A right import with something about it changed."""
    key = an_empty_key(caller, spec)
    return a_request(key, an_offer(caller, key), plaintext=plaintext, **changes)


def imported_again(caller):
    key = an_imported_key(caller)
    stage.delete_material(caller, key)
    return a_request(key, an_offer(caller, key))


def token_of_another(caller):
    key, other = an_empty_key(caller), an_empty_key(caller)
    return {**a_request(key, an_offer(caller, key)), "import_token": an_offer(caller, other)["import_token"]}


def without_private_key(caller):
    return offered(caller, "EC_P256", encrypted_privatekey=None)


def short_temporary_key(caller):
    key = an_empty_key(caller, "EC_P256")
    offer = an_offer(caller, key)
    return {**a_request(key, offer), "encrypted_key_material": stage.wrap(offer, secrets.token_bytes(24))}


def two_tags(caller):
    tags = [{"key": "team", "value": "a"}, {"key": "team", "value": "b"}]
    return {"key_id": a_key(caller).key_id, "action": "create", "tags": tags}


def twenty_one_tags(caller):
    key = a_key(caller, tags=[{"key": f"t{n}", "value": ""} for n in range(20)])
    return {"key_id": key.key_id, "tag": {"key": "one-more", "value": ""}}


def a_second_name(caller):
    return {"key_alias": a_key(caller).alias}


def foreign_grant(caller):
    key, other = a_key(caller), a_key(caller)
    return {"key_id": key.key_id, "grant_id": a_grant(caller, other).grant_id}


def a_text_for_rsa(caller):
    key = of_kind("RSA_2048", key_usage="ENCRYPT_DECRYPT")(caller)
    return {"key_id": key.key_id, "plain_text": LONG, "encryption_algorithm": "RSAES_OAEP_SHA_256"}


SIGNING = {"message": b64(b"short"), "message_type": "RAW", "signing_algorithm": "ECDSA_SHA_256"}
TAG_ON_KEY = "create-tag"
FILTER = "list-instances"


def tagged(**tag):
    return wrong(TAG_ON_KEY, tag=tag)


def wanted(**fields):
    return wrong(FILTER, **fields)


PROVOKED = {
    # the request
    "KMS.0204": wrong("create-key", key_alias=None),
    "KMS.0205": wrong("describe-key", key_id="not-an-id"),
    "KMS.0206": wrong("describe-key", sequence="short"),
    "KMS.0207": wrong("describe-key", key_id="0d0466b0-e727-4d9c-b35d-f84bb474a37f"),
    "KMS.0208": wrong("encrypt-data", encryption_context={"a": ["b"]}),
    "KMS.0308": wrong("create-key", key_usage="SIGN_VERIFY"),
    # state
    "KMS.0209": about("encrypt-data", disabled, plain_text="a text"),
    "KMS.0210": about("encrypt-data", leaving, plain_text="a text"),
    "KMS.0211": about("disable-key", default_key),
    "KMS.1201": about("enable-key", a_key),
    "KMS.1301": about("disable-key", disabled),
    "KMS.1402": about("schedule-key-deletion", leaving, pending_days=7),
    "KMS.1501": about("cancel-key-deletion", a_key),
    # kind
    "KMS.0309": about("get-parameters-for-import", a_key, wrapping_algorithm="RSAES_OAEP_SHA_256"),
    "KMS.0312": about("enable-key-rotation", an_imported_key),
    "KMS.0313": about("disable-key-rotation", a_key),
    "KMS.0324": about("enable-key-rotation", lambda caller: a_key(caller, "EC_P256")),
    "KMS.0325": about("create-datakey", of_kind("EC_P256")),
    "KMS.0331": about("get-publickey", a_key),
    "KMS.0334": about("sign", of_kind("RSA_2048", key_usage="ENCRYPT_DECRYPT"), **SIGNING),
    "KMS.0335": about("encrypt-data", of_kind("RSA_2048"), plain_text="a text"),
    "KMS.0341": about("encrypt-data", hmac_key, plain_text="a text"),
    "KMS.1114": about("encrypt-data", of_kind("EC_P256"), plain_text="a text"),
    "KMS.1115": about("sign", a_key, **SIGNING),
    # creating, lists
    "KMS.1101": wrong("create-key", key_alias="no spaces please"),
    "KMS.1103": wrong("create-key", key_description=LONG),
    "KMS.1104": with_fields("create-key", a_second_name),
    "KMS.1110": wrong("create-key", key_spec="SM2"),
    "KMS.1401": wrong("schedule-key-deletion", pending_days=6),
    "KMS.1601": wrong("list-keys", limit=0),
    "KMS.1602": wrong("list-keys", marker="-1"),
    # rotation
    "KMS.2901": with_fields("enable-key-rotation", RIGHT["disable-key-rotation"]),
    "KMS.3001": wrong("update-key-rotation-interval", rotation_interval=366),
    # tags
    "KMS.0401": wrong("edit-tags", tags=[]),
    "KMS.0402": wanted(matches=[{"key": "resource_name", "value": LONG}]),
    "KMS.0403": wanted(matches=[{"key": "another", "value": "a"}]),
    "KMS.0404": wanted(action="search"),
    "KMS.0405": tagged(key="team", value="a<b"),
    "KMS.0406": tagged(key="te=am", value=""),
    "KMS.0407": wrong("edit-tags", tags=[{"key": f"t{n}", "value": ""} for n in range(21)]),
    "KMS.0408": wanted(resource_instances="others"),
    "KMS.0409": with_fields(TAG_ON_KEY, twenty_one_tags),
    "KMS.0410": tagged(key="team", value=LONG),
    "KMS.0411": tagged(key=LONG, value=""),
    "KMS.0412": with_fields("edit-tags", two_tags),
    "KMS.0413": wanted(tags=[{"key": "team", "values": [str(n) for n in range(21)]}]),
    "KMS.0414": wanted(tags="team"),
    "KMS.0415": wanted(matches="pay"),
    "KMS.0416": wrong("delete-tag", tag_key="unknown"),
    "KMS.0417": wanted(offset=-1),
    # using keys
    "KMS.0329": wrong("sign", message_type="DIGEST"),
    "KMS.0332": wrong("sign", signing_algorithm="RSASSA_PSS_SHA_256"),
    "KMS.1801": wrong("gen-random", random_data_length=8200),
    "KMS.1802": wrong("gen-random", random_data_length=9),
    "KMS.1901": wrong("create-datakey", datakey_length=8200),
    "KMS.1902": wrong("create-datakey", key_spec="AES_512"),
    "KMS.1903": wrong("create-datakey", datakey_length=9),
    "KMS.2101": wrong("encrypt-data", plain_text="x" * 4097),
    "KMS.2102": wrong("encrypt-datakey", datakey_plain_length=0),
    "KMS.2103": wrong("encrypt-datakey", plain_text="00" * 96),
    "KMS.2104": wrong("encrypt-datakey", datakey_plain_length=63),
    "KMS.2105": wrong("encrypt-data", encryption_algorithm="RSAES_OAEP_SHA_256"),
    "KMS.2106": about("encrypt-data", of_kind("RSA_2048", key_usage="ENCRYPT_DECRYPT"), plain_text="a text"),
    "KMS.2108": with_fields("encrypt-data", a_text_for_rsa),
    "KMS.2201": wrong("decrypt-data", cipher_text="AAAA"),
    "KMS.2202": wrong("decrypt-datakey", datakey_cipher_length=0),
    "KMS.2204": wrong("decrypt-datakey", datakey_cipher_length=63),
    # grants
    "KMS.2401": wrong("create-grant", operations=["create-grant"]),
    "KMS.2402": wrong("create-grant", grantee_principal="not an id"),
    "KMS.2501": wrong("revoke-grant", grant_id="unknown"),
    "KMS.2502": with_fields("revoke-grant", foreign_grant),
    # import
    "KMS.0310": about("get-parameters-for-import", an_imported_key, wrapping_algorithm="RSAES_OAEP_SHA_256"),
    "KMS.0311": with_fields(
        "import-key-material", lambda caller: offered(caller, encrypted_key_material=b64(bytes(256)))
    ),
    "KMS.2602": with_fields("import-key-material", lambda caller: offered(caller, expiration_time=1)),
    "KMS.2603": with_fields("import-key-material", token_of_another),
    "KMS.2604": with_fields("import-key-material", lambda caller: offered(caller, plaintext=bytes(31))),
    "KMS.2605": with_fields("import-key-material", lambda caller: offered(caller, import_token=b64(bytes(200)))),
    "KMS.2606": with_fields("import-key-material", imported_again),
    "KMS.2608": with_fields(
        "import-key-material", lambda caller: offered(caller, "EC_P256", encrypted_privatekey=None)
    ),
    "KMS.2609": with_fields("import-key-material", lambda caller: offered(caller, "EC_P256", plaintext=bytes(64))),
    "KMS.2610": with_fields("import-key-material", short_temporary_key),
    "KMS.2701": about("delete-imported-key-material", an_empty_key),
    "KMS.2702": about("delete-imported-key-material", of_kind("EC_P256")),
    # enterprise projects
    "EPS.0002": wrong("create-enterprise-project", type="other"),
    "EPS.0005": wrong("get-enterprise-project", enterprise_project_id="unknown"),
    "EPS.0007": wrong("create-enterprise-project", name="Default"),
    "EPS.0008": wrong("create-enterprise-project", description="x" * 513),
    "EPS.0010": wrong("update-enterprise-project", name="taken"),
    "EPS.0012": wrong("update-enterprise-project", enterprise_project_id="0"),
    "EPS.0013": wrong("act-on-enterprise-project", action="delete"),
    "EPS.0014": wrong("update-enterprise-project"),
    "EPS.0015": wrong("act-on-enterprise-project", enterprise_project_id="0"),
    "EPS.0017": wrong("list-enterprise-projects", limit=0),
    "EPS.0018": wrong("list-enterprise-projects", offset=-1),
}


@pytest.mark.parametrize("code", PROVOKED)
def test_a_request_earns_the_code(code, alice, client, the_clock):
    name, provoke = PROVOKED[code]
    factories.allow(factories.alice(), "Security Administrator")
    factories.enterprise_project("taken")
    factories.enterprise_project("of-a-test", enabled=code != "EPS.0014")

    response = provoke(alice, client, the_clock)

    declared = errors.CATALOGUE[code]
    assert (response.status_code, code_of(response)) == (declared.status, code)
    body = response.json()
    assert body.get("error", body)["error_msg"] == declared.message
    assert declared in openapi.codes_of(BY_NAME[name], CONTEXT)


# --- those that no single request earns ---------------------------------------------------------------------------

ELSEWHERE = {
    "KMS.0201", "KMS.0202", "KMS.0203", "KMS.0215", "KMS.0301", "KMS.0302", "KMS.0303", "KMS.0306", "KMS.0321",
    "KMS.0330", "KMS.0101", "KMS.0104", "KMS.1105", "KMS.2404", "KMS.2601", "APIGW.0301", "APIGW.0308", "EPS.0000",
    "EPS.0001", "EPS.0003", "EPS.0004", "EPS.0009",
}  # fmt: skip


def test_no_code_is_forgotten():
    assert PROVOKED.keys() | ELSEWHERE == errors.CATALOGUE.keys()
    assert not PROVOKED.keys() & ELSEWHERE


def answers(response, code):
    declared = errors.CATALOGUE[code]
    return (response.status_code, code_of(response)) == (declared.status, code)


@pytest.fixture
def attempt(alice, client):
    def make(operation="list-keys", **fields):
        return Attempt(operation, {**RIGHT[operation](alice), **fields}, alice, client)

    return make


def test_addresses_bodies_and_methods(attempt, alice, client):
    headers = factories.headers(factories.alice())
    kms = f"/v1.0/{alice.project_id}/kms"
    json_body = {"content_type": "application/json", "headers": headers}

    assert answers(client.post(f"{kms}/no-such-operation", "{}", **json_body), "KMS.0201")
    assert answers(client.post(f"{kms}/list-keys", "{", **json_body), "KMS.0202")
    assert answers(client.post(f"{kms}/list-keys", b" " * 70_000, **json_body), "KMS.0203")
    assert answers(client.put(f"{kms}/list-keys", "{}", **json_body), "KMS.0215")


def test_tokens_signatures_projects_and_permissions(attempt, alice, bob, client, the_clock):
    assert answers(attempt()(headers={}), "KMS.0301")
    assert answers(attempt()(headers={"X-Auth-Token": "unknown"}), "KMS.0302")
    old = factories.headers(factories.alice())
    Token.objects.update(expires_at=the_clock.at)
    assert answers(attempt()(headers=old), "KMS.0303")
    signed = {"Authorization": "SDK-HMAC-SHA256 Access=AK, SignedHeaders=host;x-sdk-date, Signature=00"}
    assert answers(attempt()(headers=signed), "APIGW.0301")

    assert answers(attempt()(project_id=factories.project("eu-nl", in_region="eu-nl").pk), "KMS.0321")
    assert answers(attempt("disable-key")(user=factories.bob()), "KMS.0306")
    assert answers(attempt("create-key")(user=factories.bob()), "KMS.0330")
    assert answers(attempt("list-enterprise-projects")(headers={}), "EPS.0003")
    assert answers(attempt("list-enterprise-projects")(user=factories.bob()), "EPS.0004")


def test_limits(attempt, alice, the_clock):
    key = a_key(alice)
    with override_settings(KMS_QUOTA_KEYS=Key.objects.count()):
        assert answers(attempt("create-key")(), "KMS.1105")

    fields = {"grantee_principal": factories.bob().pk, "operations": ["describe-key"]}
    for _ in range(100):
        a_grant(alice, key, "describe-key", name=secrets.token_hex(4))
    assert answers(attempt("create-grant", key_id=key.key_id, **fields)(), "KMS.2404")

    factories.allow(factories.alice(), "Security Administrator")
    for number in range(100):
        factories.enterprise_project(f"number-{number}")
    assert answers(attempt("create-enterprise-project", name="one-more")(), "EPS.0009")

    now = the_clock.seconds()
    bucket = f"get-parameters-for-import:{alice.user_id}"
    RateCount.objects.create(bucket=bucket, window=now - now % 60, calls=60)
    assert answers(attempt("get-parameters-for-import")(), "APIGW.0308")


def test_an_import_token_that_is_too_old(attempt, alice, client, the_clock):
    fields = offered(alice)
    the_clock.advance(hours=25)

    assert answers(Attempt("import-key-material", fields, alice, client)(), "KMS.2601")


def test_a_service_that_is_sealed(attempt, the_clock, tmp_path):
    sealed_out, sign_in = attempt("create-key", origin="kms"), attempt("list-enterprise-projects")
    signed = {
        "Authorization": f"SDK-HMAC-SHA256 Access={pair_of(factories.alice()).ak}, "
        f"SignedHeaders=x-sdk-date, Signature={'0' * 64}",
        "X-Sdk-Date": stamp(the_clock.at),
    }

    with override_settings(KMS_ROOT_KEY_FILE=tmp_path / "lost.key"):
        hierarchy.forget()
        responses = sealed_out(), sign_in(headers=signed)
    hierarchy.forget()

    assert answers(responses[0], "KMS.0104")
    assert answers(responses[1], "EPS.0000")


def test_a_service_at_fault(attempt):
    of_keys, of_enterprise_projects = attempt("enable-key"), attempt("create-enterprise-project")
    factories.allow(factories.alice(), "Security Administrator")
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TRIGGER full BEFORE INSERT ON operations_trace BEGIN SELECT RAISE(ABORT, 'no room'); END"
        )

    assert answers(of_keys(), "KMS.0101")
    assert answers(of_enterprise_projects(), "EPS.0001")
