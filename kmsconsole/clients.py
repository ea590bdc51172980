"""Which clients were run against this service, and what of the cloud's own SDK works: docs/reference/clients.md.

The tests call each method that works, unmodified and over the wire, and compare the list with the SDK's own: a method
that a new version brings turns up as missing. The product itself needs no SDK.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# Methods of `KmsClient` in `huaweicloudsdkkms.v2`, with what each of them calls below /v1.0/{project_id}/kms/.
HUAWEI_WORKS: Mapping[str, Mapping[str, str]] = {
    "Keys": {
        "create_key": "create-key",
        "list_key_detail": "describe-key",
        "list_keys": "list-keys",
        "enable_key": "enable-key",
        "disable_key": "disable-key",
        "delete_key": "schedule-key-deletion",
        "cancel_key_deletion": "cancel-key-deletion",
        "update_key_alias": "update-key-alias",
        "update_key_description": "update-key-description",
    },
    "Aliases": {
        "create_alias": "aliases",
        "list_aliases": "aliases",
        "associate_alias": "alias/associate",
        "delete_alias": "aliases",
    },
    "Data keys and random data": {
        "create_random": "gen-random",
        "create_datakey": "create-datakey",
        "create_datakey_without_plaintext": "create-datakey-without-plaintext",
        "encrypt_datakey": "encrypt-datakey",
        "decrypt_datakey": "decrypt-datakey",
        "create_ec_datakey_pair": "create-ec-datakey-pair",
        "create_rsa_datakey_pair": "create-rsa-datakey-pair",
    },
    "Small data": {
        "encrypt_data": "encrypt-data",
        "decrypt_data": "decrypt-data",
        "re_encrypt": "re-encrypt",
    },
    "Signatures and MACs": {
        "sign": "sign",
        "validate_signature": "verify",
        "show_public_key": "get-publickey",
        "generate_mac": "generate-mac",
        "verify_mac": "verify-mac",
    },
    "Import": {
        "create_parameters_for_import": "get-parameters-for-import",
        "import_key_material": "import-key-material",
        "delete_imported_key_material": "delete-imported-key-material",
    },
    "Rotation": {
        "enable_key_rotation": "enable-key-rotation",
        "disable_key_rotation": "disable-key-rotation",
        "update_key_rotation_interval": "update-key-rotation-interval",
        "show_key_rotation_status": "get-key-rotation-status",
        "rotate_on_demand": "rotate-on-demand",
    },
    "Grants": {
        "create_grant": "create-grant",
        "list_grants": "list-grants",
        "list_retirable_grants": "list-retirable-grants",
        "cancel_self_grant": "retire-grant",
        "cancel_grant": "revoke-grant",
    },
    "Tags": {
        "create_kms_tag": "{key_id}/tags",
        "batch_create_kms_tags": "{key_id}/tags/action",
        "show_kms_tags": "{key_id}/tags",
        "delete_tag": "{key_id}/tags/{key}",
        "list_kms_tags": "tags",
        "list_kms_by_tags": "resource_instances/action",
    },
    "Account and versions": {
        "show_user_instances": "user-instances",
        "show_user_quotas": "user-quotas",
        "show_versions": "/",
        "show_version": "/v1.0",
    },
}

# What the service does not do. Each of these answers 400 KMS.0201, as any unknown address does.
HUAWEI_OUT_OF_SCOPE: Mapping[str, tuple[str, ...]] = {
    "Dedicated keystores are hardware that a customer rents.": (
        "create_key_store",
        "delete_key_store",
        "disable_key_store",
        "enable_key_store",
        "list_key_stores",
        "show_key_store",
    ),
    "Access points lead from a private network of the original cloud to its service.": (
        "create_access_point",
        "delete_access_point",
        "disable_access_point",
        "download_access_point_private_key",
        "enable_access_point",
        "list_access_point",
    ),
    "There are no policies of single keys: grants and IAM policies say who may use a key.": (
        "create_key_policy",
        "delete_key_policy",
        "list_key_policy",
        "show_key_policy",
        "update_key_policy",
    ),
    "Keys live in one region.": ("list_support_regions", "replicate_key", "update_primary_region"),
    "Capsules are data keys for the original cloud's secure enclaves.": (
        "create_datakey_capsule",
        "decrypt_datakey_capsule",
    ),
    "Keys are not used for key agreement here.": ("derive_shared_secret",),
    "They are PINs of dedicated keystores.": ("create_pin",),
}


@dataclass(frozen=True, slots=True)
class Client:
    """A client that was run against this service: `packages` are those whose versions the tests pin."""

    name: str
    run: str
    result: str
    packages: tuple[str, ...] = ()
    # Where nothing is pinned.
    version: str = ""


IN_THE_TESTS = (
    Client(
        "Huawei Cloud SDK for Python",
        "every method listed below, with an access key and with a token",
        "works",
        ("huaweicloudsdkkms", "huaweicloudsdkcore"),
    ),
    Client(
        "its identity and enterprise project clients",
        "projects, regions, catalog, tokens; enterprise projects from creation to disabling",
        "works",
        ("huaweicloudsdkiam", "huaweicloudsdkeps"),
    ),
    Client(
        "otcextensions",
        "sign-in, catalog, keys, data keys, random data, quotas",
        "works",
        ("otcextensions", "openstacksdk"),
    ),
    Client("openstack", "its `openstack kms` commands, page by page", "works", ("python-openstackclient",)),
    Client(
        "gophercloud",
        "sign-in and catalog; paths, bodies and types of the Terraform provider `opentelekomcloud`",
        "works",
        version="Debian's",
    ),
    Client(
        "Huawei Cloud SDK for Node.js",
        "signed calls of every shape through its core, projects through its identity client; it has no package for the"
        " key service",
        "works; of a refusal by the key service its core reads the status, not the nested code",
        ("@huaweicloud/huaweicloud-sdk-core", "@huaweicloud/huaweicloud-sdk-iam"),
    ),
    Client(
        "JDK",
        "AES-256 material, RSA-2048 and EC P-256 private keys wrapped by `RSA/ECB/OAEPWithSHA-256AndMGF1Padding` and"
        " `AES/KWP/NoPadding`",
        "works with MGF1 set to SHA-256; the JDK's own default, SHA-1, is refused",
        version="Debian's",
    ),
    Client("curl", "every line of [curl](curl.md)", "works", version="Debian's"),
)

BY_HAND = (
    Client(
        "Huawei Cloud SDK for Go, `huaweicloud-sdk-go-v3`",
        "create, describe, list, encrypt, decrypt, tags, aliases, a refusal; the tests hold signatures that it made",
        "works",
        version="March 2026",
    ),
    Client("SOPS, its key source `hckms`", "a data key encrypted and decrypted", "works", version="June 2026"),
)
