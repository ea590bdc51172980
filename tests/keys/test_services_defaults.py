"""Default keys: made by the first use of a service, used like others, changed by nobody."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from keys.api.account import USER_INSTANCES, USER_QUOTAS
from keys.api.datakeys import CREATE_DATAKEY, DECRYPT_DATAKEY
from keys.api.encryption import DECRYPT_DATA, ENCRYPT_DATA
from keys.api.listing import DESCRIBE_KEY, LIST_KEYS
from keys.api.reencryption import RE_ENCRYPT
from keys.api.rotation import GET_KEY_ROTATION_STATUS
from keys.locate import the_enterprise_project, the_project, the_random_number_generator
from keys.models import Key
from keys.states import OPEN_ON_DEFAULT_KEYS
from kmsconsole.urls import OPERATIONS
from operations import errors
from operations.caller import Rights, Statement
from operations.errors import KmsError
from operations.models import Trace
from operations.perform import perform
from tests import factories
from tests.operations.stage import a_key, describe, refused
from tests.security.requests import RIGHT

OBS = "alias/obs/default"
ABOUT_A_KEY = [
    operation
    for operation in OPERATIONS
    if operation.path is not None
    and operation.in_project
    and operation.locate not in (the_project, the_enterprise_project, the_random_number_generator)
]


def encrypt(caller, reference=OBS):
    done = perform(ENCRYPT_DATA, caller, {"key_id": reference, "plain_text": "a text"})
    return ENCRYPT_DATA.respond(done)


def the_default(caller):
    return Key.objects.get(key_id=encrypt(caller)["key_id"])


def only(*actions):
    return Rights((Statement(True, actions),))


# --- the first use ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", ["obs", "evs", "ims", "sfs", "rds", "dds"])
def test_the_first_use_of_a_service_makes_its_key_and_the_next_one_finds_it(alice, service):
    first = encrypt(alice, f"alias/{service}/default")
    again = encrypt(alice, f"kms:eu-de:{alice.account_id}:alias:{service}/default")

    assert first["key_id"] == again["key_id"]
    told = describe(alice, Key.objects.get(is_default=True))
    assert (told["key_alias"], told["default_key_flag"], told["key_state"]) == (f"{service}/default", "1", "2")
    assert (told["key_spec"], told["origin"], told["sys_enterprise_project_id"]) == ("AES_256", "kms", "0")
    opened = perform(DECRYPT_DATA, alice, {"cipher_text": first["cipher_text"]})
    assert opened.plain_text == b"a text"


def test_the_system_makes_it_and_leaves_a_trace(alice):
    key = the_default(alice)

    made = Trace.objects.get(name="createKey")
    assert (made.kind, made.user_name, made.resource_id) == ("SystemAction", "system", key.key_id)
    assert Trace.objects.get(name="encryptData").user_name == "alice"


def test_data_keys_are_a_use_too(alice):
    made = perform(CREATE_DATAKEY, alice, {"key_id": OBS, "datakey_length": 512})
    wrapped = CREATE_DATAKEY.respond(made)

    fields = {"key_id": OBS, "cipher_text": wrapped["cipher_text"], "datakey_cipher_length": 64}
    assert DECRYPT_DATAKEY.respond(perform(DECRYPT_DATAKEY, alice, fields))["data_key"] == wrapped["plain_text"]


def test_so_is_moving_a_ciphertext_to_it(alice):
    own = encrypt(alice, a_key(alice).key_id)["cipher_text"]

    moved = perform(RE_ENCRYPT, alice, {"cipher_text": own, "destination_key_id": OBS})

    assert moved.destination.is_default


@pytest.mark.parametrize("reference", ["alias/s3/default", "alias/default", "alias/OBS/default", "alias/obs"])
def test_no_other_name_makes_a_key(alice, reference):
    with refused(errors.KEY_NOT_FOUND):
        encrypt(alice, reference)


@pytest.mark.parametrize("operation", [DESCRIBE_KEY, DECRYPT_DATAKEY], ids=lambda operation: operation.name)
def test_looking_and_opening_make_none(alice, operation):
    fields = {"key_id": OBS, "cipher_text": "00" * 200, "datakey_cipher_length": 64}

    with refused(errors.KEY_NOT_FOUND):
        perform(operation, alice, fields)


def test_who_may_not_encrypt_makes_none(alice, bob):
    for caller in (bob, replace(alice, rights=only("kms:cmk:get", "kms:cmk:create"))):
        with refused(errors.KEY_NOT_FOUND):
            encrypt(caller)
    assert not Key.objects.exists()


def test_the_right_to_encrypt_is_enough(alice):
    encrypt(replace(alice, rights=only("kms:cmk:crypto")))


def test_every_project_has_its_own(alice, mallory):
    elsewhere = factories.caller(factories.alice(), project=factories.project("eu-nl", in_region="eu-nl"))

    assert len({encrypt(caller)["key_id"] for caller in (alice, mallory, elsewhere)}) == 3


# --- what nobody does with it -------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ABOUT_A_KEY, ids=lambda operation: operation.name)
def test_it_is_used_and_read_and_everything_else_is_refused(operation, alice):
    key, request = the_default(alice), RIGHT[operation.name](alice)
    member = next(
        name for name in ("destination_key_id", "target_key_id", "key_id") if name in {**request, "key_id": ""}
    )

    if operation.use in OPEN_ON_DEFAULT_KEYS:
        # Used like any other: what is refused now is what does not fit its kind, or another key's ciphertext.
        try:
            perform(operation, alice, {**request, member: key.key_id})
        except KmsError as error:
            assert error.code is not errors.DEFAULT_KEY
    else:
        with refused(errors.DEFAULT_KEY):
            perform(operation, alice, {**request, member: key.key_id})


def test_whether_it_rotates_is_answered_as_for_every_key(alice):
    assert perform(GET_KEY_ROTATION_STATUS, alice, {"key_id": the_default(alice).key_id}).key.rotation_days is None


def test_it_counts_neither_in_the_quota_nor_as_an_instance(alice, settings):
    the_default(alice)
    settings.KMS_QUOTA_KEYS = 1

    a_key(alice)

    assert USER_INSTANCES.respond(perform(USER_INSTANCES, alice, {})) == {"instance_num": 1}
    keys, _grants = USER_QUOTAS.respond(perform(USER_QUOTAS, alice, {}))["quotas"]["resources"]
    assert keys == {"type": "CMK", "used": 1, "quota": 1}
    with refused(errors.TOO_MANY_KEYS):
        a_key(alice)


def test_it_is_listed_with_its_flag(alice):
    the_default(alice)

    (told,) = LIST_KEYS.respond(perform(LIST_KEYS, alice, {}))["key_details"]

    assert (told["key_alias"], told["default_key_flag"]) == ("obs/default", "1")


# --- console and command ------------------------------------------------------------------------------------------


def test_the_console_shows_it_among_the_default_keys_alone(alice, client):
    key = the_default(alice)
    browser = factories.sign_in(client, factories.alice())

    assert key.key_id in browser.get(reverse("keys:defaults")).content.decode()
    assert key.key_id not in browser.get(reverse("keys:list")).content.decode()
    page = browser.get(reverse("keys:detail", args=[key.key_id])).content.decode()
    assert "obs/default" in page


def test_an_operator_makes_one_before_its_first_use(alice, capsys):
    call_command("create_default_key", "eu-de", "rds", account="acme")
    call_command("create_default_key", alice.project_id, "rds")

    key = Key.objects.get(is_default=True)
    assert capsys.readouterr().out == f"rds/default {key.key_id}\n" * 2
    assert encrypt(alice, "alias/rds/default")["key_id"] == key.key_id


def test_the_command_names_what_it_does_not_know(alice, mallory):
    with pytest.raises(CommandError, match="Several accounts"):
        call_command("create_default_key", "eu-de", "obs")
    with pytest.raises(CommandError, match="no project"):
        call_command("create_default_key", "eu-xx", "obs")
