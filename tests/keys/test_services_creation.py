"""create-key: every spec, its usages, names, tags, quota, and whose enterprise project takes it."""

from __future__ import annotations

import pytest

from keys.api.creation import CREATE_KEY
from keys.models import Key, Tag
from kmscrypto.specs import SPECS
from operations import errors
from operations.errors import KmsError
from operations.perform import perform
from projects.models import QuotaOverride
from tests import factories
from tests.operations.stage import a_key, an_empty_key, describe, refused, schedule_deletion

# The published table of usages: the first is the default, and nothing else is taken.
USAGES = {
    "AES_256": ("ENCRYPT_DECRYPT",),
    "RSA_2048": ("SIGN_VERIFY", "ENCRYPT_DECRYPT"),
    "RSA_3072": ("SIGN_VERIFY", "ENCRYPT_DECRYPT"),
    "RSA_4096": ("SIGN_VERIFY", "ENCRYPT_DECRYPT"),
    "EC_P256": ("SIGN_VERIFY",),
    "EC_P384": ("SIGN_VERIFY",),
    "HMAC_256": ("GENERATE_VERIFY_MAC",),
    "HMAC_384": ("GENERATE_VERIFY_MAC",),
    "HMAC_512": ("GENERATE_VERIFY_MAC",),
}
ALL_USAGES = ("ENCRYPT_DECRYPT", "SIGN_VERIFY", "GENERATE_VERIFY_MAC")
EXTERNAL = [name for name in USAGES if not name.startswith("HMAC")]


def create(caller, **fields):
    return perform(CREATE_KEY, caller, {"key_alias": "orders", **fields})


def test_a_key_is_an_enabled_aes_256_key_of_the_service_unless_asked_otherwise(alice, the_clock):
    key = create(alice)

    told = describe(alice, key)
    assert told["key_spec"] == "AES_256"
    assert told["key_usage"] == "ENCRYPT_DECRYPT"
    assert told["origin"] == "kms"
    assert told["key_state"] == "2"
    assert told["creation_date"] == str(the_clock.seconds() * 1000)
    assert told["sys_enterprise_project_id"] == "0"
    assert key.versions.get().material_sealed is not None


@pytest.mark.parametrize("spec", USAGES)
def test_each_spec_has_its_default_usage_and_material_of_its_own(alice, spec):
    key = create(alice, key_spec=spec)

    assert key.usage == USAGES[spec][0]
    assert (key.versions.get().public_key is not None) is SPECS[spec].is_asymmetric


@pytest.mark.parametrize("spec", EXTERNAL)
@pytest.mark.parametrize("usage", ALL_USAGES)
def test_a_usage_is_taken_exactly_where_the_spec_has_it(alice, spec, usage):
    if usage in USAGES[spec]:
        assert create(alice, key_spec=spec, key_usage=usage, origin="external").usage == usage
    else:
        with refused(errors.PARAMETER_INVALID, field="key_usage", hint=USAGES[spec][0]):
            create(alice, key_spec=spec, key_usage=usage, origin="external")


def test_a_usage_may_be_written_in_any_case(alice):
    assert create(alice, key_usage="Encrypt_Decrypt").usage == "ENCRYPT_DECRYPT"


@pytest.mark.parametrize("spec", EXTERNAL)
def test_an_external_key_is_empty_and_waits(alice, spec):
    key = an_empty_key(alice, spec)

    assert describe(alice, key)["key_state"] == "5"
    assert not key.versions.exists()


@pytest.mark.parametrize("spec", ["HMAC_256", "HMAC_384", "HMAC_512"])
def test_an_hmac_key_is_never_external(alice, spec):
    with refused(errors.HMAC_UNSUPPORTED, field="origin"):
        create(alice, key_spec=spec, origin="external")


@pytest.mark.parametrize("spec", ["SM2", "SM4", "HMAC_SM3", "AES_128", "RSA_1024", "ALL", 256])
def test_an_unknown_spec_is_refused(alice, spec):
    with refused(errors.ALGORITHM_INVALID, field="key_spec"):
        create(alice, key_spec=spec)


@pytest.mark.parametrize("origin", ["hsm", "EXTERNAL_", 1])
def test_an_unknown_origin_is_refused(alice, origin):
    with refused(errors.PARAMETER_INVALID, field="origin"):
        create(alice, origin=origin)


# --- aliases ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alias", ["a", "A-z_0:9/x", "x" * 255, "alias/within", "00000000-0000-0000-0000-000000000000"])
def test_an_alias_is_made_of_the_narrow_alphabet(alice, alias):
    assert describe(alice, create(alice, key_alias=alias))["key_alias"] == alias


@pytest.mark.parametrize(
    "alias", ["x" * 256, "with space", "ümlaut", "a.b", "a\nb", "a\n", "<b>", "kms/default", "/default"]
)
def test_any_other_alias_is_refused(alice, alias):
    with refused(errors.ALIAS_INVALID, field="key_alias"):
        create(alice, key_alias=alias)


@pytest.mark.parametrize("alias", [None, ""])
def test_an_alias_is_required(alice, alias):
    with refused(errors.PARAMETER_MISSING, field="key_alias"):
        create(alice, key_alias=alias)


def test_an_alias_is_unique_in_its_project_whatever_the_state_of_its_key(alice):
    schedule_deletion(alice, create(alice))

    with refused(errors.ALIAS_DUPLICATE, field="key_alias"):
        create(alice)


def test_aliases_differ_by_case(alice):
    create(alice, key_alias="orders")

    create(alice, key_alias="Orders")


def test_another_project_may_use_the_same_alias(alice, mallory):
    create(alice)

    create(mallory)

    assert Key.objects.filter(alias="orders").count() == 2


def test_a_refused_duplicate_leaves_nothing_behind(alice):
    create(alice)

    with refused(errors.ALIAS_DUPLICATE):
        create(alice, key_spec="EC_P256", tags=[{"key": "team", "value": "x"}])

    assert Key.objects.count() == 1
    assert Tag.objects.count() == 0


# --- description and tags -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "x" * 255, "любой текст", "two\nlines"])
def test_a_description_is_any_text_up_to_255_characters(alice, text):
    assert describe(alice, create(alice, key_description=text))["key_description"] == text


def test_a_longer_description_is_refused(alice):
    with refused(errors.DESCRIPTION_INVALID, field="key_description"):
        create(alice, key_description="x" * 256)


def test_a_key_is_born_with_up_to_20_tags(alice):
    tags = [{"key": f"key-{number}", "value": f"value {number}"} for number in range(20)]

    key = create(alice, tags=tags)

    assert list(key.tags.values_list("name", "value")) == [(tag["key"], tag["value"]) for tag in tags]


def tag(key="k", value="v"):
    return {"key": key, "value": value}


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ([tag(f"k{number}") for number in range(21)], errors.TOO_MANY_TAGS),
        ([tag(), tag(value="another")], errors.TAG_LIST_INVALID),
        ([tag("x" * 129)], errors.TAG_KEY_TOO_LONG),
        ([tag("")], errors.TAG_KEY_TOO_LONG),
        ([tag(value="x" * 256)], errors.TAG_VALUE_TOO_LONG),
        ([tag("a*b")], errors.TAG_KEY_INVALID),
        ([tag(" a")], errors.TAG_KEY_INVALID),
        ([tag(value="a=b")], errors.TAG_VALUE_INVALID),
        ([tag(value="\x07")], errors.TAG_VALUE_INVALID),
        (["k=v"], errors.TAG_LIST_INVALID),
        ([{"value": "v"}], errors.TAG_LIST_INVALID),
        ({"k": "v"}, errors.TAG_LIST_INVALID),
        ("k", errors.TAG_LIST_INVALID),
    ],
)
def test_tags_keep_their_rules_each_with_its_code(alice, tags, code):
    with refused(code, field="tags"):
        create(alice, tags=tags)


def test_a_tag_may_lack_its_value(alice):
    key = create(alice, tags=[{"key": "team"}, {"key": "stage", "value": None}])

    assert list(key.tags.values_list("name", "value")) == [("team", ""), ("stage", "")]


def test_who_may_not_tag_cannot_create_with_tags(strong_room):
    user = factories.user("carol")
    factories.allow(user, factories.policy("create only", ("Allow", "kms:cmk:create")))
    carol = factories.caller(user)

    with refused(errors.NO_PERMISSION, field="tags", hint="kms:cmkTag:create"):
        create(carol, tags=[tag()])

    create(carol)


# --- quota --------------------------------------------------------------------------------------------------------


def test_the_quota_counts_keys_in_every_state(alice, settings):
    settings.KMS_QUOTA_KEYS = 3
    a_key(alice)
    an_empty_key(alice)
    schedule_deletion(alice, a_key(alice))

    with refused(errors.TOO_MANY_KEYS):
        create(alice)


def test_the_quota_is_of_one_project(alice, mallory, settings):
    settings.KMS_QUOTA_KEYS = 1
    create(alice)

    create(mallory)
    create(factories.caller(factories.alice(), project=factories.project("eu-nl", in_region="eu-nl")))


def test_a_deleted_key_makes_room_at_its_date(alice, the_clock, settings):
    settings.KMS_QUOTA_KEYS = 1
    schedule_deletion(alice, a_key(alice), days=7)

    the_clock.advance(days=7)

    create(alice)


def test_a_project_may_have_a_quota_of_its_own(alice, settings):
    settings.KMS_QUOTA_KEYS = 1
    QuotaOverride.objects.create(project=factories.project(), kind="CMK", limit=2)
    a_key(alice)
    a_key(alice)

    with refused(errors.TOO_MANY_KEYS):
        create(alice)


# --- enterprise projects ------------------------------------------------------------------------------------------


def test_a_key_is_made_in_the_enterprise_project_that_is_named(alice):
    payments = factories.enterprise_project("payments")

    key = create(alice, enterprise_project_id=payments.pk)

    assert describe(alice, key)["sys_enterprise_project_id"] == payments.pk


@pytest.mark.parametrize("default", [None, "", "0"])
def test_the_default_enterprise_project_is_0(alice, default):
    assert create(alice, enterprise_project_id=default).enterprise_project_id == "0"


def test_a_disabled_enterprise_project_takes_no_key(alice):
    closed = factories.enterprise_project("closed", enabled=False)

    with refused(errors.PARAMETER_INVALID, field="enterprise_project_id"):
        create(alice, enterprise_project_id=closed.pk)


def test_another_accounts_enterprise_project_is_as_good_as_unknown(alice):
    theirs = factories.enterprise_project("theirs", account_name="mallory-and-sons")

    answers = []
    for wanted in (theirs.pk, "00000000-0000-4000-8000-000000000000"):
        with pytest.raises(KmsError) as caught:
            create(alice, enterprise_project_id=wanted)
        answers.append((caught.value.code, caught.value.field, caught.value.hint))

    assert answers[0] == answers[1]
    assert answers[0][0] is errors.PARAMETER_INVALID


def test_the_default_enterprise_project_has_no_second_name(alice):
    """Its row's id is the account's; taken for a name, it would pass by a policy about enterprise project 0."""
    with refused(errors.PARAMETER_INVALID, field="enterprise_project_id"):
        create(alice, enterprise_project_id=alice.account_id)


def test_the_right_to_create_is_asked_where_the_key_will_be(strong_room):
    payments, sales = factories.enterprise_project("payments"), factories.enterprise_project("sales")
    user = factories.user("dave")
    factories.allow(user, "KMS Administrator", in_enterprise_project=payments)
    dave = factories.caller(user)

    create(dave, enterprise_project_id=payments.pk)

    for elsewhere in (sales.pk, "0", None):
        with refused(errors.NO_PERMISSION):
            create(dave, key_alias="elsewhere", enterprise_project_id=elsewhere)
