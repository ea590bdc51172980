"""otcextensions, unmodified, through openstacksdk: sign-in, catalog and all it can do with keys (api.md 6.1, 8)."""

from __future__ import annotations

import os

import pytest
from openstack import exceptions
from otcextensions.sdk.kms.v1.data_key import DataKey

from tests.wire.openstack import by_id, by_name, connected, unique

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def connection(wire):
    with connected(wire) as connection:
        yield connection


@pytest.fixture(scope="module")
def kms(connection):
    return connection.kms


@pytest.fixture
def key(kms):
    return kms.create_key(key_alias=unique("otc"))


# --- sign-in ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", [by_id, by_name], ids=["project by id", "project by name and domain"])
def test_a_password_signs_in_to_a_project(wire, scope):
    with connected(wire, **scope(wire)) as connection:
        assert connection.current_project_id == wire.project_id
        assert connection.current_user_id == wire.token_answer.json()["token"]["user"]["id"]
        assert len(list(connection.kms.keys())) == wire.answer("list-keys", {})["total"]


def test_a_wrong_password_is_told_as_such(wire):
    with (
        pytest.raises(exceptions.SDKException, match=r"requires authentication.*HTTP 401"),
        connected(wire, **by_name(wire), password="not the password") as connection,
    ):
        connection.authorize()


def test_the_catalog_leads_to_the_key_service(wire, connection):
    for service_type, path in {"kms": "/v1.0", "kmsv1": f"/v1.0/{wire.project_id}"}.items():
        found = connection.session.get_endpoint(service_type=service_type, interface="public", region_name="eu-de")
        assert found == wire.console.url + path
    assert connection.session.get_endpoint(service_type="identity") == f"{wire.console.url}/v3"


def test_the_identity_service_is_discovered_by_its_version(wire, connection):
    found = connection.session.get_endpoint_data(service_type="identity", min_version="3.0", max_version="3.latest")

    assert found.api_version >= (3, 0)
    assert found.url.rstrip("/") == f"{wire.console.url}/v3"


def test_identity_can_be_read_with_openstacks_own_methods(wire, connection):
    assert [project.id for project in connection.identity.projects(name="eu-de")] == [wire.project_id]
    assert [region.id for region in connection.identity.regions()] == ["eu-de"]
    assert connection.identity.get_user(connection.current_user_id).name == wire.user
    assert {service["type"] for service in connection.service_catalog} >= {"identity", "kms", "kmsv1", "eps"}


def test_a_revoked_token_is_replaced_without_a_word(wire):
    with connected(wire) as connection:
        first = connection.auth_token
        connection.session.delete(f"{wire.console.url}/v3/auth/tokens", headers={"X-Subject-Token": first})

        alias = unique("otc")
        connection.kms.create_key(key_alias=alias)

        assert connection.auth_token != first
        assert connection.kms.find_key(alias).key_alias == alias


# --- keys ---------------------------------------------------------------------------------------------------------


def test_a_key_is_created_and_read(wire, kms):
    alias = unique("otc")

    created = kms.create_key(key_alias=alias, key_description="made by a client", realm="eu-de", key_type="1")

    assert created.domain_id == wire.domain_id
    told = kms.get_key(created.id)
    assert (told.id, told.key_id, told.key_alias) == (created.id, created.id, alias)
    assert (told.key_description, told.realm, told.domain_id) == ("made by a client", "eu-de", wire.domain_id)
    assert (told.key_state, told.key_type, told.default_key_flag) == ("2", "1", "0")
    assert int(told.creation_date) > 10**12
    assert told.scheduled_deletion_date == ""


def test_a_taken_alias_is_a_duplicate(kms, key):
    with pytest.raises(exceptions.DuplicateResource, match=key.key_alias):
        kms.create_key(key_alias=key.key_alias)


def test_a_key_is_found_by_id_and_by_alias(kms, key):
    assert kms.find_key(key.id).key_alias == key.key_alias
    assert kms.find_key(key.key_alias).id == key.id


def test_the_fields_of_a_refusal_are_ignored(kms):
    """otcextensions reads the code of a refusal out of the same object, and nothing else."""
    with pytest.raises(exceptions.SDKException, match=r"code=KMS\.1101$"):
        kms.create_key(key_alias="no spaces please")


def test_what_does_not_exist_is_not_found(kms):
    with pytest.raises(exceptions.NotFoundException):
        kms.find_key(unique("nobody"))
    assert kms.find_key(unique("nobody"), ignore_missing=True) is None
    with pytest.raises(exceptions.NotFoundException):
        kms.get_key("00000000-0000-0000-0000-000000000000")


def test_the_list_is_walked_page_by_page_to_its_end(wire, kms):
    made = [kms.create_key(key_alias=unique("page")).id for _ in range(3)]

    in_pages = [key.id for key in kms.keys(limit=2)]
    at_once = [key.id for key in kms.keys(limit=1000)]

    assert in_pages == at_once
    assert in_pages[:3] == made[::-1]
    assert len(in_pages) == len(set(in_pages)) == wire.answer("list-keys", {})["total"]


def test_the_list_is_narrowed_by_state(kms, key):
    kms.disable_key(key)

    assert key.id in {one.id for one in kms.keys(key_state=3)}
    assert key.id not in {one.id for one in kms.keys(key_state=2)}


def test_a_key_is_disabled_and_enabled(kms, key):
    assert kms.disable_key(key).key_state == "3"
    assert kms.get_key(key.id).key_state == "3"
    assert kms.enable_key(key).key_state == "2"
    assert kms.get_key(key.id).key_state == "2"


def test_a_deletion_is_scheduled_and_cancelled(kms, key):
    assert kms.schedule_key_deletion(key, pending_days=7).key_state == "4"
    assert int(kms.get_key(key.id).scheduled_deletion_date) > int(kms.get_key(key.id).creation_date)

    assert kms.cancel_key_deletion(key).key_state == "3"
    assert kms.get_key(key.id).scheduled_deletion_date == ""


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (lambda kms, key: kms.enable_key(key), "KMS.1201"),
        (lambda kms, key: kms.schedule_key_deletion(key, pending_days=6), "KMS.1401"),
        (lambda kms, key: kms.cancel_key_deletion(key), "KMS.1501"),
        (lambda kms, key: kms.create_key(key_alias="what an alias!"), "KMS.1101"),
    ],
)
def test_a_refusal_tells_its_code(kms, key, act, code):
    with pytest.raises(exceptions.SDKException, match=code):
        act(kms, key)


# --- data keys ----------------------------------------------------------------------------------------------------


def test_a_data_key_is_made_and_opened(kms, key):
    made = kms.create_datakey(key, datakey_length="512")

    opened = kms.decrypt_datakey(key, made.cipher_text, 64)

    assert made.key_id == key.id
    assert opened.plain_text == made.plain_text
    assert len(bytes.fromhex(opened.plain_text)) == 64


def test_a_data_key_is_made_without_its_plaintext(kms, key):
    made = kms.create_datakey_wo_plain(key, datakey_length="256")

    assert made.plain_text is None
    assert len(bytes.fromhex(kms.decrypt_datakey(key.id, made.cipher_text, 32).plain_text)) == 32


def test_a_data_key_of_ones_own_is_wrapped_and_opened(kms, key):
    """The client sends its key as it was given, and behind it a digest in lower case."""
    own = os.urandom(64).hex().upper()
    data_key = DataKey.new(key_id=key.id, plain_text=own)

    wrapped = kms.encrypt_datakey(data_key)

    assert (wrapped.key_id, wrapped.datakey_length) == (key.id, "64")
    assert kms.decrypt_datakey(key, wrapped.cipher_text, 64).plain_text == own


def test_a_data_key_is_bound_to_its_context(kms, key):
    made = kms.create_datakey(key, datakey_length="512", encryption_context={"volume": "7"})
    asked = {"key_id": key.id, "cipher_text": made.cipher_text, "datakey_cipher_length": 64}

    opened = DataKey.new(**asked, encryption_context={"volume": "7"}).decrypt(kms)

    assert opened.plain_text == made.plain_text
    with pytest.raises(exceptions.SDKException, match=r"KMS\.2201"):
        DataKey.new(**asked, encryption_context={"volume": "8"}).decrypt(kms)


# --- the rest -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [512, 8])
def test_random_bytes_are_told_in_hexadecimal(kms, bits):
    first, second = (kms.generate_random(random_data_length=bits).random_data for _ in range(2))

    assert len(bytes.fromhex(first)) == len(bytes.fromhex(second)) == bits // 8
    assert bits == 8 or first != second


def test_keys_and_quotas_are_counted(kms):
    before = kms.get_instance_number().instance_num

    kms.create_key(key_alias=unique("otc"))

    assert kms.get_instance_number().instance_num == before + 1
    quotas = {quota.type: quota for quota in kms.quotas()}
    assert (quotas["CMK"].used, quotas["CMK"].quota) == (before + 1, 1000)
    assert quotas["grant_per_CMK"].quota == 100
