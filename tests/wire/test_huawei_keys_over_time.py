"""The cloud's own SDK: rotation, aliases, quotas and versions, each answer as its models read it."""

from __future__ import annotations

import pytest
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException

from tests.wire.huawei import Sdk, client_of, unique


@pytest.fixture(scope="module")
def sdk(wire, huawei_key):
    return Sdk(client_of(wire.console, huawei_key))


def refused(sdk, method, **members):
    with pytest.raises(ClientRequestException) as caught:
        sdk(method, **members)
    return caught.value.status_code, caught.value.error_code


def test_a_policy_of_rotation(sdk):
    key = sdk.new_key()

    sdk("enable_key_rotation", key_id=key)
    assert refused(sdk, "enable_key_rotation", key_id=key) == (400, "KMS.2901")
    sdk("update_key_rotation_interval", key_id=key, rotation_interval=30)
    assert sdk("rotate_on_demand", key_id=key).key_id == key

    status = sdk("show_key_rotation_status", key_id=key)
    assert (status.key_rotation_enabled, status.rotation_interval, status.number_of_rotations) == (True, 30, 1)
    assert status.last_rotation_time.isdecimal()
    assert sdk("list_key_detail", key_id=key).key_info.key_rotation_enabled == "true"

    sdk("disable_key_rotation", key_id=key)
    assert sdk("show_key_rotation_status", key_id=key).key_rotation_enabled is False
    assert refused(sdk, "update_key_rotation_interval", key_id=key, rotation_interval=30) == (400, "KMS.0313")


def test_aliases_come_move_and_go(sdk, huawei_key):
    first, second, name = sdk.new_key(), sdk.new_key(), unique()

    made = sdk("create_alias", key_id=first, alias=f"alias/{name}")
    assert (made.key_id, made.alias) == (first, name)
    assert made.alias_urn == f"kms:eu-de:{made.domain_id}:alias:{name}"
    sealed = sdk("encrypt_data", key_id=f"alias/{name}", plain_text="a text")
    assert sealed.key_id == first

    assert sdk("associate_alias", target_key_id=second, alias=f"alias/{name}").key_id == second
    (page,) = sdk("list_aliases", key_id=second, limit="1").body
    assert (page.page_info.current_count, len(page.aliases)) == (1, 1)
    (rest,) = sdk("list_aliases", key_id=second, limit="1", marker=page.page_info.next_marker).body
    assert ([alias.alias for alias in rest.aliases], rest.page_info.next_marker) == ([name], "")

    sdk("delete_alias", key_id=second, aliases=[f"alias/{name}"])
    assert refused(sdk, "encrypt_data", key_id=f"alias/{name}", plain_text="a text") == (404, "KMS.0207")


def test_numbers_of_keys(sdk):
    before = sdk("show_user_instances").instance_num
    sdk.new_key()

    assert sdk("show_user_instances").instance_num == before + 1
    keys, grants = sdk("show_user_quotas").quotas.resources
    assert (keys.type, keys.used, keys.quota) == ("CMK", before + 1, 1000)
    assert (grants.type, grants.used, grants.quota) == ("grant_per_CMK", 0, 100)


def test_versions_are_told_to_signed_requests_too(sdk, wire):
    (only,) = sdk("show_versions").versions
    one = sdk("show_version", version_id="v1.0").version

    assert (only.id, only.status, only.version, only.min_version) == ("v1.0", "CURRENT", "", "")
    assert (only.links[0].rel, only.links[0].href) == ("self", f"{wire.console.url}/v1.0/")
    assert one == only.to_dict()
    status, _code = refused(sdk, "show_version", version_id="v9.9")
    assert status in (400, 404)
