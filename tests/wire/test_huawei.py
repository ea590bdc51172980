"""huaweicloudsdkkms, unmodified, over HTTP: every method that is said to work does, signed by an access key.

Which those are stands in kmsconsole/clients.py, and so in docs/reference/clients.md.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import os
import sys
import time
import uuid
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_pem_public_key,
)
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkkms.v2 import Tag, TagItem

from kmsconsole.clients import HUAWEI_OUT_OF_SCOPE, HUAWEI_WORKS
from tests.wire.conftest import b64, wrapped
from tests.wire.huawei import Sdk, client_of, methods, request_type_of, unique

pytestmark = pytest.mark.system

WORKS = {method for group in HUAWEI_WORKS.values() for method in group}
SPKI = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
OUT_OF_SCOPE = {method for group in HUAWEI_OUT_OF_SCOPE.values() for method in group}


def proves(*names):
    """The test looks at what these methods answer; one that it does not call is a fault of the test."""

    def mark(test):
        @functools.wraps(test)
        def proof(sdk, **fixtures):
            test(sdk, **fixtures)
            assert set(names) <= sdk.called

        proof.proves = names
        return proof

    return mark


@pytest.fixture(scope="module")
def client(wire, huawei_key):
    return client_of(wire.console, huawei_key)


@pytest.fixture
def sdk(client):
    return Sdk(client)


# --- the list -----------------------------------------------------------------------------------------------------


def test_every_method_of_the_sdk_is_listed_once():
    """A method that a new version brings fails here until somebody decides about it."""
    assert methods() == WORKS | OUT_OF_SCOPE
    assert not WORKS & OUT_OF_SCOPE


def test_every_method_that_is_said_to_work_is_called_by_a_test():
    tests = vars(sys.modules[__name__]).values()
    proven = {name for test in tests for name in getattr(test, "proves", ())}

    assert proven == WORKS


# --- keys ---------------------------------------------------------------------------------------------------------


@proves("create_key", "list_key_detail", "disable_key", "enable_key", "delete_key", "cancel_key_deletion")
def test_the_life_of_a_key(sdk, wire):
    alias = unique()
    made = sdk("create_key", key_alias=alias, key_description="by the SDK", key_spec="AES_256").key_info
    key = made.key_id
    assert made.domain_id == wire.domain_id

    detail = sdk("list_key_detail", key_id=key).key_info
    assert (detail.key_alias, detail.key_description, detail.key_state) == (alias, "by the SDK", "2")
    assert (detail.key_spec, detail.key_usage, detail.origin) == ("AES_256", "ENCRYPT_DECRYPT", "kms")
    assert (detail.key_rotation_enabled, detail.default_key_flag, detail.realm) == ("false", "0", "eu-de")
    assert abs(int(detail.creation_date) / 1000 - time.time()) < 600

    disabled = sdk("disable_key", key_id=key).key_info
    assert (disabled.key_id, disabled.key_state) == (key, "3")
    assert sdk("enable_key", key_id=key).key_info.key_state == "2"
    leaving = sdk("delete_key", key_id=key, pending_days="7")
    assert (leaving.key_id, leaving.key_state) == (key, "4")
    kept = sdk("cancel_key_deletion", key_id=key)
    assert (kept.key_id, kept.key_state) == (key, "3")


@proves("list_keys")
def test_keys_are_listed_in_pages(sdk):
    made = [sdk.new_key() for _ in range(3)]

    seen, marker = [], ""
    while True:
        page = sdk("list_keys", limit="2", **({"marker": marker} if marker else {}))
        assert [detail.key_id for detail in page.key_details] == page.keys
        seen += page.keys
        marker = page.next_marker
        if page.truncated == "false":
            break

    assert marker == ""
    assert set(made) <= set(seen)
    assert len(seen) == len(set(seen)) == page.total


@proves("update_key_alias", "update_key_description")
def test_a_key_is_renamed_and_described(sdk):
    key, alias = sdk.new_key(), unique()

    renamed = sdk("update_key_alias", key_id=key, key_alias=alias).key_info
    described = sdk("update_key_description", key_id=key, key_description="új leírás ✓").key_info

    assert (renamed.key_id, renamed.key_alias) == (key, alias)
    assert (described.key_id, described.key_description) == (key, "új leírás ✓")


# --- aliases ------------------------------------------------------------------------------------------------------


@proves("create_alias", "list_aliases", "associate_alias", "delete_alias")
def test_aliases_come_move_and_go(sdk, wire):
    first, second, name = sdk.new_key(), sdk.new_key(), unique()

    made = sdk("create_alias", alias=f"alias/{name}", key_id=first)
    assert (made.key_id, made.alias, made.domain_id) == (first, name, wire.domain_id)
    assert made.alias_urn == f"kms:eu-de:{wire.domain_id}:alias:{name}"
    assert aliases(sdk, first) >= {name}
    assert sdk("list_key_detail", key_id=f"alias/{name}").key_info.key_id == first

    moved = sdk("associate_alias", alias=f"alias/{name}", target_key_id=second)
    assert (moved.key_id, moved.alias) == (second, name)
    assert name not in aliases(sdk, first)
    assert name in aliases(sdk, second)

    assert sdk("delete_alias", key_id=second, aliases=[f"alias/{name}"]).status_code == 204
    assert name not in aliases(sdk, second)


def aliases(sdk, key):
    (page,) = sdk("list_aliases", key_id=key).body
    assert page.page_info.current_count == len(page.aliases)
    return {entry.alias.removeprefix("alias/") for entry in page.aliases}


# --- data keys and random data ------------------------------------------------------------------------------------


@proves("create_random")
def test_random_data(sdk):
    drawn = {sdk("create_random", random_data_length="512").random_data for _ in range(3)}

    assert len(drawn) == 3
    assert all(len(bytes.fromhex(text)) == 64 for text in drawn)


@proves("create_datakey", "create_datakey_without_plaintext", "encrypt_datakey", "decrypt_datakey")
def test_data_keys_with_and_without_plaintext(sdk):
    context = {"additional_authenticated_data": "volume 7"}

    made = sdk("create_datakey", key_id=sdk.key, datakey_length="512", **context)
    plain = bytes.fromhex(made.plain_text)
    assert (made.key_id, len(plain)) == (sdk.key, 64)
    assert opened(sdk, made.cipher_text, 64, **context) == plain

    sealed = sdk("create_datakey_without_plaintext", key_id=sdk.key, key_spec="AES_256")
    assert len(opened(sdk, sealed.cipher_text, 32)) == 32

    own = os.urandom(64)
    text = (own + hashlib.sha256(own).digest()).hex().upper()
    wrapped_ = sdk("encrypt_datakey", key_id=sdk.key, plain_text=text, datakey_plain_length="64")
    assert (wrapped_.key_id, wrapped_.datakey_length) == (sdk.key, "64")
    assert opened(sdk, wrapped_.cipher_text, 64) == own


def opened(sdk, cipher_text, length, **context):
    answer = sdk(
        "decrypt_datakey", key_id=sdk.key, cipher_text=cipher_text, datakey_cipher_length=str(length), **context
    )
    plain = bytes.fromhex(answer.data_key)
    assert answer.datakey_length == str(length)
    assert answer.datakey_dgst.lower() == hashlib.sha256(plain).hexdigest()
    return plain


@proves("create_ec_datakey_pair", "create_rsa_datakey_pair")
def test_pairs_of_data_keys(sdk):
    for method, spec in (("create_ec_datakey_pair", "ECC_NIST_P256"), ("create_rsa_datakey_pair", "RSA_2048")):
        made = sdk(method, key_id=sdk.key, key_spec=spec, with_plain_text=True)
        assert (made.key_id, made.key_spec) == (sdk.key, spec)
        private = load_der_private_key(base64.b64decode(made.private_key_plain_text), None)
        assert private.public_key().public_bytes(*SPKI) == base64.b64decode(made.public_key)

        hidden = sdk(method, key_id=sdk.key, key_spec=spec, with_plain_text=False)
        assert hidden.private_key_plain_text is None
        assert hidden.private_key_cipher_text


# --- small data ---------------------------------------------------------------------------------------------------


@proves("encrypt_data", "decrypt_data")
def test_small_data_is_encrypted_and_decrypted(sdk):
    context = {"additional_authenticated_data": "invoice 12"}

    sealed = sdk("encrypt_data", key_id=sdk.key, plain_text="grüezi ✓", **context)
    assert sealed.key_id == sdk.key

    answer = sdk("decrypt_data", cipher_text=sealed.cipher_text, **context)
    assert (answer.key_id, answer.plain_text) == (sdk.key, "grüezi ✓")
    assert base64.b64decode(answer.plain_text_base64) == "grüezi ✓".encode()


@proves("encrypt_data", "decrypt_data", "show_public_key")
def test_what_anybody_encrypts_to_an_rsa_key_is_decrypted(sdk):
    key = sdk.new_key(key_spec="RSA_2048", key_usage="ENCRYPT_DECRYPT")
    algorithm = {"key_id": key, "encryption_algorithm": "RSAES_OAEP_SHA_256"}
    public = load_pem_public_key(sdk("show_public_key", key_id=key).public_key.encode())

    outside = public.encrypt(b"from outside", padding.OAEP(padding.MGF1(SHA256()), SHA256(), None))
    inside = sdk("encrypt_data", plain_text="from inside", **algorithm).cipher_text

    assert sdk("decrypt_data", cipher_text=b64(outside), **algorithm).plain_text == "from outside"
    assert sdk("decrypt_data", cipher_text=inside, **algorithm).plain_text == "from inside"


@proves("re_encrypt")
def test_data_moves_under_another_key_without_being_seen(sdk):
    other = sdk.new_key()
    sealed = sdk("encrypt_data", key_id=sdk.key, plain_text="moved", additional_authenticated_data="old").cipher_text

    moved = sdk(
        "re_encrypt",
        cipher_text=sealed,
        destination_key_id=other,
        source_additional_authenticated_data="old",
        destination_additional_authenticated_data="new",
    )

    assert (moved.key_id, moved.source_key_id) == (other, sdk.key)
    answer = sdk("decrypt_data", cipher_text=moved.cipher_text, additional_authenticated_data="new")
    assert (answer.key_id, answer.plain_text) == (other, "moved")


# --- signatures and MACs ------------------------------------------------------------------------------------------


@proves("sign", "validate_signature", "show_public_key")
def test_a_signature_is_good_here_and_outside(sdk):
    key, message = sdk.new_key(key_spec="EC_P256", key_usage="SIGN_VERIFY"), b"a contract"
    asked = {"key_id": key, "message": b64(message), "message_type": "RAW", "signing_algorithm": "ECDSA_SHA_256"}

    answer = sdk("sign", **asked)

    assert answer.key_id == key
    public = load_pem_public_key(sdk("show_public_key", key_id=key).public_key.encode())
    public.verify(base64.b64decode(answer.signature), message, ec.ECDSA(SHA256()))
    assert sdk("validate_signature", signature=answer.signature, **asked).signature_valid == "true"
    asked["message"] = b64(b"another contract")
    assert sdk("validate_signature", signature=answer.signature, **asked).signature_valid == "false"


@proves("sign", "validate_signature")
def test_a_digest_is_signed_as_it_is(sdk):
    key = sdk.new_key(key_spec="RSA_2048", key_usage="SIGN_VERIFY")
    asked = {
        "key_id": key,
        "message": b64(hashlib.sha256(b"a contract").digest()),
        "signing_algorithm": "RSASSA_PSS_SHA_256",
    }

    signature = sdk("sign", **asked).signature

    assert sdk("validate_signature", signature=signature, **asked).signature_valid == "true"


@proves("generate_mac", "verify_mac")
def test_a_mac_is_made_and_checked(sdk):
    key = sdk.new_key(key_spec="HMAC_256", key_usage="GENERATE_VERIFY_MAC")
    asked = {"key_id": key, "mac_algorithm": "HMAC_SHA_256", "message": b64(b"a message")}

    made = sdk("generate_mac", **asked)
    assert (made.key_id, made.mac_algorithm) == (key, "HMAC_SHA_256")
    assert len(bytes.fromhex(made.mac)) == 32

    assert sdk("verify_mac", mac=made.mac, **asked).mac_valid is True
    assert sdk("verify_mac", mac="00" * 32, **asked).mac_valid is False


# --- import -------------------------------------------------------------------------------------------------------


@proves("create_parameters_for_import", "import_key_material", "delete_imported_key_material")
def test_material_is_imported_deleted_and_imported_again(sdk):
    key, material = sdk.new_key(origin="external"), os.urandom(32)
    until = int(time.time()) + 86400

    offer = sdk("create_parameters_for_import", key_id=key, wrapping_algorithm="RSAES_OAEP_SHA_256")
    assert offer.key_id == key
    assert abs(offer.expiration_time - until) < 600
    sdk("import_key_material", expiration_time=until, **material_for(offer, material))
    detail = sdk("list_key_detail", key_id=key).key_info
    assert (detail.key_state, detail.origin, detail.expiration_time) == ("2", "external", f"{until}000")
    sealed = sdk("encrypt_data", key_id=key, plain_text="kept").cipher_text

    sdk("delete_imported_key_material", key_id=key)
    assert sdk("list_key_detail", key_id=key).key_info.key_state == "5"
    offer = sdk("create_parameters_for_import", key_id=key, wrapping_algorithm="RSAES_OAEP_SHA_256")
    sdk("import_key_material", **material_for(offer, material))
    assert sdk("decrypt_data", cipher_text=sealed).plain_text == "kept"


def material_for(offer, material):
    told = {"public_key": offer.public_key}
    return {
        "key_id": offer.key_id,
        "import_token": offer.import_token,
        "encrypted_key_material": wrapped(told, material),
    }


@proves("import_key_material", "show_public_key")
@pytest.mark.parametrize("spec", ["EC_P256", "RSA_2048"])
def test_a_private_key_is_imported(sdk, wire, spec):
    private = ec.generate_private_key(ec.SECP256R1()) if spec == "EC_P256" else rsa.generate_private_key(65537, 2048)
    der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    key = sdk.new_key(origin="external", key_spec=spec, key_usage="SIGN_VERIFY")
    offer = sdk("create_parameters_for_import", key_id=key, wrapping_algorithm="RSAES_OAEP_SHA_256")
    told = {"import_token": offer.import_token, "public_key": offer.public_key}

    sdk("import_key_material", **wire.import_body(key, told, os.urandom(32), private_key=der))

    public = load_pem_public_key(sdk("show_public_key", key_id=key).public_key.encode())
    assert public.public_bytes(*SPKI) == private.public_key().public_bytes(*SPKI)


# --- rotation -----------------------------------------------------------------------------------------------------


@proves(
    "enable_key_rotation",
    "disable_key_rotation",
    "update_key_rotation_interval",
    "show_key_rotation_status",
    "rotate_on_demand",
)
def test_a_key_rotates_and_what_was_encrypted_opens(sdk):
    key = sdk.new_key()
    sealed = sdk("encrypt_data", key_id=key, plain_text="before").cipher_text

    sdk("enable_key_rotation", key_id=key)
    status = sdk("show_key_rotation_status", key_id=key)
    assert (status.key_rotation_enabled, status.rotation_interval) == (True, 365)
    assert (status.last_rotation_time, status.number_of_rotations) == ("", 0)
    sdk("update_key_rotation_interval", key_id=key, rotation_interval=30)
    assert sdk("show_key_rotation_status", key_id=key).rotation_interval == 30

    assert sdk("rotate_on_demand", key_id=key).key_id == key
    status = sdk("show_key_rotation_status", key_id=key)
    assert status.number_of_rotations == 1
    first, second = status.key_materials
    assert {len(uuid.UUID(each.material_id).bytes) for each in status.key_materials} == {16}
    assert (first.charge_id, first.expiration_time, first.state, second.state) == ("", "", 2, 2)
    assert int(first.create_time) < int(second.create_time) == int(status.last_rotation_time)
    assert sdk("decrypt_data", cipher_text=sealed).plain_text == "before"
    sdk("disable_key_rotation", key_id=key)
    assert sdk("show_key_rotation_status", key_id=key).key_rotation_enabled is False


# --- grants -------------------------------------------------------------------------------------------------------


@proves("create_grant", "list_grants", "list_retirable_grants", "cancel_self_grant", "cancel_grant")
def test_a_grant_is_given_listed_retired_and_revoked(sdk, wire):
    key, me = sdk.new_key(), wire.token_answer.json()["token"]["user"]["id"]
    asked = {"key_id": key, "grantee_principal": me, "operations": ["describe-key", "encrypt-data"]}

    first = sdk("create_grant", name="first", retiring_principal=me, **asked).grant_id
    second = sdk("create_grant", **asked).grant_id
    listed = sdk("list_grants", key_id=key)
    assert (listed.total, listed.truncated, listed.next_marker) == (2, "false", "")
    (named,) = [grant for grant in listed.grants if grant.grant_id == first]
    assert (named.key_id, named.name, named.grantee_principal, named.issuing_principal) == (key, "first", me, me)
    assert (named.grantee_principal_type, sorted(named.operations)) == ("user", sorted(asked["operations"]))
    assert first in {grant.grant_id for grant in sdk("list_retirable_grants", limit="100").grants}

    sdk("cancel_self_grant", key_id=key, grant_id=first)
    sdk("cancel_grant", key_id=key, grant_id=second)
    assert sdk("list_grants", key_id=key).grants == []


# --- tags ---------------------------------------------------------------------------------------------------------


@proves("create_kms_tag", "batch_create_kms_tags", "show_kms_tags", "delete_tag")
def test_tags_of_a_key(sdk):
    key = sdk.new_key()

    assert sdk("create_kms_tag", key_id=key, tag=TagItem("team", "storage")).status_code == 204
    more = [TagItem("a b:ü", "x"), TagItem("stage", "")]
    assert sdk("batch_create_kms_tags", key_id=key, action="create", tags=more).status_code == 204
    assert tags(sdk, key) == {"team": "storage", "a b:ü": "x", "stage": ""}

    assert sdk("delete_tag", key_id=key, key="a b:ü").status_code == 204
    sdk("batch_create_kms_tags", key_id=key, action="delete", tags=[TagItem("stage", "")])
    assert tags(sdk, key) == {"team": "storage"}


@proves("create_kms_tag", "show_kms_tags", "delete_tag")
@pytest.mark.parametrize("name", ["a/b", "/", "a//b", "50%", "%2F", "1+1", "a?b&c#d;e", "ключ ✓", "~.-_", "'\"(,)"])
def test_a_tag_whose_key_needs_encoding_in_an_address_is_deleted_by_it(sdk, name):
    """The address is signed: both sides must spell it alike."""
    sdk("create_kms_tag", key_id=sdk.key, tag=TagItem(name, "x"))
    assert name in tags(sdk, sdk.key)

    assert sdk("delete_tag", key_id=sdk.key, key=name).status_code == 204

    assert name not in tags(sdk, sdk.key)


def tags(sdk, key):
    answer = sdk("show_kms_tags", key_id=key)
    assert answer.exist_tags_num == len(answer.tags)
    return {tag.key: tag.value for tag in answer.tags}


@proves("list_kms_tags", "list_kms_by_tags")
def test_keys_are_found_by_tags(sdk):
    name, found, other = unique(), sdk.new_key(), sdk.new_key()
    sdk("create_kms_tag", key_id=found, tag=TagItem(name, "yes"))
    sdk("create_kms_tag", key_id=other, tag=TagItem(name, "no"))

    (listed,) = [tag for tag in sdk("list_kms_tags").tags if tag.key == name]
    assert sorted(listed.values) == ["no", "yes"]

    wanted = {"resource_instances": "resource_instances", "tags": [Tag(name, ["yes"])]}
    answer = sdk("list_kms_by_tags", action="filter", limit="10", offset="0", **wanted)
    assert (answer.total_count, [resource.resource_id for resource in answer.resources]) == (1, [found])
    (resource,) = answer.resources
    assert resource.resource_detail.key_id == found
    assert {tag.key: tag.value for tag in resource.tags} == {name: "yes"}
    assert sdk("list_kms_by_tags", action="count", **wanted).total_count == 1


# --- account and versions -----------------------------------------------------------------------------------------


@proves("show_user_instances", "show_user_quotas")
def test_how_many_keys_there_are_and_may_be(sdk):
    before = sdk("show_user_instances").instance_num
    sdk.new_key()

    assert sdk("show_user_instances").instance_num == before + 1
    quotas = {entry.type: entry for entry in sdk("show_user_quotas").quotas.resources}
    assert (quotas["CMK"].used, quotas["CMK"].quota) == (before + 1, 1000)
    assert quotas["grant_per_CMK"].quota == 100


@proves("show_versions", "show_version")
def test_the_versions(sdk, wire):
    (listed,) = sdk("show_versions").versions
    assert (listed.id, listed.status) == ("v1.0", "CURRENT")
    assert urlsplit(listed.links[0].href).netloc == urlsplit(wire.console.url).netloc

    assert sdk("show_version", version_id="v1.0").version["id"] == "v1.0"


# --- what is out of scope -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", sorted(OUT_OF_SCOPE))
def test_a_method_that_is_out_of_scope_is_told_so(client, method):
    request_type = request_type_of(method)
    members = dict.fromkeys(request_type.openapi_types, "x")
    request = request_type(**{**members, **({"body": {}} if "body" in members else {})})

    with pytest.raises(ClientRequestException) as caught:
        getattr(client, method)(request)

    assert (caught.value.status_code, caught.value.error_code) == (400, "KMS.0201")
