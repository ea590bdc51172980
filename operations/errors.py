"""The catalogue of errors: every code the service can answer with, once.

A `Code` is data: the published code, its HTTP status, the wire message of the original service (never translated) and a
hint for people, shown by the console. Numbers and messages follow the original's published error table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text: TypeAlias = str | Promise


@dataclass(frozen=True, slots=True)
class Code:
    code: str
    status: int
    message: str
    hint: Text = ""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One bad field of a request: its wire name, the code it earns and what to do about it."""

    field: str
    code: Code
    hint: Text = ""


class KmsError(Exception):
    """The only exception a face must know. `errors` lists every bad field in declared order; the wire's code is that of
    the first. `message` is the wire's, where it says more than the code's own.
    """

    def __init__(
        self,
        code: Code,
        *,
        field: str = "",
        hint: Text = "",
        errors: Sequence[FieldError] = (),
        retry_after: int = 0,
        evidence: object = None,
        message: str = "",
    ) -> None:
        super().__init__(code.code)
        self.code = code
        self.message = message or code.message
        self.field = field
        self.hint: Text = hint or code.hint
        self.errors: tuple[FieldError, ...] = tuple(errors) or ((FieldError(field, code, self.hint),) if field else ())
        self.retry_after = retry_after
        # What the operation's `on_refusal` needs to know; never shown, never traced.
        self.evidence = evidence

    @classmethod
    def of_fields(cls, errors: Sequence[FieldError]) -> KmsError:
        first = errors[0]
        return cls(first.code, field=first.field, hint=first.hint, errors=errors)


def _bad(code: str, message: str, hint: Text = "") -> Code:
    return Code(code, 400, message, hint)


# Authentication. 401 although the original's table says 403: its clients renew a token on 401 only (api.md, rule 6).
TOKEN_MISSING = Code("KMS.0301", 401, "Invalid or null X-Auth-Token.")
TOKEN_INVALID = Code("KMS.0302", 401, "Invalid X-Auth-Token.")
TOKEN_EXPIRED_AUTH = Code("KMS.0303", 401, "X-Auth-Token expired.")
# The gateway's own code: a signature is judged before the service sees the request. One answer, whatever is wrong.
SIGNATURE_INVALID = Code("APIGW.0301", 401, "Incorrect IAM authentication information: verify aksk signature fail.")

# Authorisation
NO_KEY_PERMISSION = Code(
    "KMS.0306",
    403,
    "No access permissions.",
    _("You do not have the permission to perform this operation on this key. Ask your administrator."),
)
WRONG_PROJECT = Code("KMS.0321", 403, "URIs in URL and X-Auth-Token do not match.")
NO_PERMISSION = Code(
    "KMS.0330",
    403,
    "User has no permission.",
    _("You do not have the permission to perform this operation. Ask your administrator."),
)
# The gateway's own code: a caller over its rate is told so before the service sees the request.
TOO_MANY_REQUESTS = Code(
    "APIGW.0308", 429, "The throttling threshold has been reached.", _("Wait a moment, then try again.")
)

# The request
URL_INVALID = _bad("KMS.0201", "Invalid request URL.")
JSON_INVALID = _bad("KMS.0202", "Invalid JSON format of the request message.")
BODY_TOO_LONG = _bad("KMS.0203", "Request message too long.")
PARAMETER_MISSING = _bad("KMS.0204", "Parameters missing in the request message.", _("This field is required."))
KEY_ID_INVALID = _bad("KMS.0205", "Invalid key ID.")
SEQUENCE_INVALID = _bad("KMS.0206", "Invalid sequence number.")
KEY_NOT_FOUND = Code(
    "KMS.0207", 404, "The key does not exist.", _("It may have been deleted, or be in another project.")
)
CONTEXT_INVALID = _bad("KMS.0208", "Invalid value of value encryption_context.")
METHOD_NOT_ALLOWED = Code("KMS.0215", 405, "Request method not supported.")
PARAMETER_INVALID = _bad("KMS.0308", "Invalid parameter.")

# State of the key
KEY_DISABLED = _bad("KMS.0209", "The key has been disabled.", _("Enable the key, then try again."))
KEY_PENDING_DELETION = _bad(
    "KMS.0210",
    "The key is in Scheduled deletion state and cannot be used.",
    _("Cancel the deletion, then enable the key."),
)
DEFAULT_KEY = _bad("KMS.0211", "Cannot perform this operation on Default Master Keys.")
NOT_DISABLED = _bad("KMS.1201", "The key is not disabled.")
NOT_ENABLED = _bad("KMS.1301", "The key is not enabled.", _("Import key material, or enable the key, then try again."))
ALREADY_PENDING_DELETION = _bad("KMS.1402", "The key is already in Pending deletion state.")
NOT_PENDING_DELETION = _bad("KMS.1501", "The key is not in Pending deletion state.")

# Kind of key
EXTERNAL_KEY_REQUIRED = _bad(
    "KMS.0309", "External keys required.", _("Key material can only be imported into a key whose origin is External.")
)
EXTERNAL_CANNOT_ROTATE = _bad("KMS.0312", "External keys cannot be rotated.")
ROTATION_NOT_ENABLED = _bad("KMS.0313", "Key rotation is not enabled.")
ASYMMETRIC_CANNOT_ROTATE = _bad("KMS.0324", "RSA keys cannot be rotated.", _("Only symmetric keys can be rotated."))
SYMMETRIC_UNSUPPORTED = _bad("KMS.0331", "The symmetric key is not support this operation.")
ASYMMETRIC_UNSUPPORTED = _bad("KMS.0325", "The asymmetric key is not support this operation.")
KEY_IS_FOR_ENCRYPTION = _bad("KMS.0334", "The cmk is used to encrypt and decrypt.")
KEY_IS_FOR_SIGNING = _bad("KMS.0335", "The cmk is used to sign and verify.")
HMAC_UNSUPPORTED = _bad("KMS.0341", "The hmac key do not support this operation.")
EC_CANNOT_ENCRYPT = _bad("KMS.1114", "EC keys do not support to encrypt/decrypt.")
SYMMETRIC_CANNOT_SIGN = _bad("KMS.1115", "Symmetric keys do not support to sign/verify.")

# Creating and describing keys
ALIAS_INVALID = _bad("KMS.1101", "Invalid key_alias.")
DESCRIPTION_INVALID = _bad("KMS.1103", "Invalid key_description.", _("At most 255 characters."))
ALIAS_DUPLICATE = _bad("KMS.1104", "Duplicate key aliases.", _("Another key of this project has this alias."))
TOO_MANY_KEYS = _bad(
    "KMS.1105",
    "Too many keys.",
    _("The key quota of this project is used up. Keys in every state count; ask your administrator to raise it."),
)
ALGORITHM_INVALID = _bad("KMS.1110", "Invalid alg_type.")
PENDING_DAYS_INVALID = _bad(
    "KMS.1401", "Set the pending deletion period between 7 to 1096 days.", _("Enter an integer between 7 and 1,096.")
)
LIMIT_INVALID = _bad("KMS.1601", "Invalid limit.")
MARKER_INVALID = _bad("KMS.1602", "marker must be greater than or equals 0.")

# Rotation
ROTATION_NOT_DISABLED = _bad("KMS.2901", "Key rotation is not disabled.", _("Change the rotation period instead."))
ROTATION_INTERVAL_INVALID = _bad("KMS.3001", "Invalid rotation_interval.", _("Enter an integer between 30 and 365."))

# Tags
TAG_LIST_EMPTY = _bad("KMS.0401", "Tag list cannot be empty.")
MATCH_VALUE_INVALID = _bad("KMS.0402", "Invalid match value.", _("A text of 1 to 255 characters."))
MATCH_KEY_INVALID = _bad("KMS.0403", "Invalid match key.", _("Only resource_name can be matched."))
TAG_ACTION_INVALID = _bad("KMS.0404", "Invalid action.")
TAG_VALUE_INVALID = _bad("KMS.0405", "Invalid tag value.")
TAG_KEY_INVALID = _bad("KMS.0406", "Invalid tag key.")
TAG_LIST_SIZE = _bad("KMS.0407", "Invalid tag list size.", _("At most 20 tags at once."))
RESOURCE_TYPE_INVALID = _bad("KMS.0408", "Invalid resourceType.")
TOO_MANY_TAGS = _bad("KMS.0409", "Too many tags.", _("A key can have at most 20 tags."))
TAG_VALUE_TOO_LONG = _bad("KMS.0410", "Invalid tag value length.", _("At most 255 characters."))
TAG_KEY_TOO_LONG = _bad("KMS.0411", "Invalid tag key length.", _("1 to 128 characters."))
TAG_LIST_INVALID = _bad("KMS.0412", "Invalid tag list.", _("The tag key already exists."))
TOO_MANY_TAG_VALUES = _bad("KMS.0413", "Too many tag values.", _("At most 20 values of one key."))
TAGS_INVALID = _bad("KMS.0414", "Invalid tags.")
MATCHES_INVALID = _bad("KMS.0415", "Invalid matches.")
TAG_NOT_FOUND = Code("KMS.0416", 404, "Invalid tag ID.", _("The key does not have this tag."))
OFFSET_INVALID = _bad("KMS.0417", "Invalid offset.")

# Using keys
DIGEST_LENGTH = _bad(
    "KMS.0329",
    "Hash algorithm does not match the digest length.",
    _("With DIGEST, send exactly the hash of the message."),
)
SIGNING_ALGORITHM = _bad("KMS.0332", "This key is not support the signing algorithm.")
RANDOM_LENGTH = _bad("KMS.1801", "random_data_length must be 512 bits.", _("8 to 8,192 bits, a multiple of 8."))
RANDOM_LENGTH_UNEVEN = _bad("KMS.1802", "random_data_length must be a multiple of 8.")
DATA_KEY_LENGTH = _bad("KMS.1901", "datakey_length must be in the range 8 bits to 8,192 bits.")
DATA_KEY_SPEC = _bad("KMS.1902", "key_spec can only be AES_128 or AES_256.")
DATA_KEY_LENGTH_UNEVEN = _bad("KMS.1903", "datakey_length must be a multiple of 8.")
PLAIN_TEXT_INVALID = _bad("KMS.2101", "Invalid plain_text.", _("1 to 4,096 bytes can be encrypted at once."))
DATA_KEY_PLAIN_LENGTH = _bad("KMS.2102", "datakey_plain_length must be 64 bytes.", _("1 to 1,024 bytes."))
DATA_KEY_DIGEST = _bad(
    "KMS.2103",
    "Failed to verify the DEK hash.",
    _("plain_text is the data key followed by its SHA-256 digest, both in hexadecimal."),
)
DATA_KEY_PLAIN_MISMATCH = _bad("KMS.2104", "The length of plain_text does not match datakey_plain_length.")
SYMMETRIC_ALGORITHM = _bad("KMS.2105", "The symmetric key not support this encryption algorithm.")
RSA_ALGORITHM = _bad("KMS.2106", "The rsa key not support this encryption algorithm.")
RSA_PLAIN_TEXT_TOO_LONG = _bad("KMS.2108", "The rsa encryption plain_text is over length.")
CIPHER_TEXT_INVALID = _bad(
    "KMS.2201",
    "Invalid cipher_text.",
    _("The ciphertext is incomplete, was changed, is of another project, or needs the context it was encrypted with."),
)
DATA_KEY_CIPHER_LENGTH = _bad("KMS.2202", "datakey_cipher_length must be 64 bytes.", _("1 to 1,024 bytes."))
DATA_KEY_CIPHER_MISMATCH = _bad("KMS.2204", "The length of cipher_text does not match datakey_cipher_length.")

# Grants
CREATE_GRANT_ALONE = _bad("KMS.2401", "Specify an operation in addition to create-grant.")
PRINCIPAL_INVALID = _bad(
    "KMS.2402",
    "Invalid user ID.",
    _("Invalid user ID. Use 1 to 64 letters and digits, as shown under My Credentials."),
)
TOO_MANY_GRANTS = _bad(
    "KMS.2404", "Too many CMK grants.", _("Revoke a grant that is no longer needed, then try again.")
)
GRANT_ID_INVALID = _bad("KMS.2501", "Invalid grant ID.")
GRANT_OF_ANOTHER_KEY = _bad("KMS.2502", "grant_id and key_id do not match.")

# Import
UNWRAP_FAILED = _bad(
    "KMS.0311",
    "Failed to decrypt data using the RSA private key.",
    _("Encrypt the material with the wrapping key of this import: RSAES_OAEP_SHA_256, SHA-256 for hash and MGF1."),
)
NOT_PENDING_IMPORT = _bad("KMS.0310", "The key is not in Pending import state.")
IMPORT_TOKEN_EXPIRED = _bad(
    "KMS.2601",
    "Token expired.",
    _("The import token is older than 24 hours, revoked or used. Download the import items again."),
)
EXPIRATION_IN_THE_PAST = _bad("KMS.2602", "Key expiration time must be later than the current time.")
TOKEN_OF_ANOTHER_KEY = _bad("KMS.2603", "Key IDs in the imported key and token do not match.")
MATERIAL_LENGTH = _bad("KMS.2604", "The external key plaintext length must be 32 bits.", _("Key material is 32 bytes."))
IMPORT_TOKEN_INVALID = _bad(
    "KMS.2605",
    "Token verification failed.",
    _("Obtain the wrapping key and the import token again, and use them together."),
)
MATERIAL_DIFFERS = _bad(
    "KMS.2606",
    "You are importing a deleted key again. The imported plaintext must be the same as the deleted key plaintext.",
)
PRIVATE_KEY_MISSING = _bad("KMS.2608", "The imported asymmetric private key can not be null.")
PRIVATE_KEY_INVALID = _bad("KMS.2609", "The imported asymmetric private is invalid.")
TEMPORARY_KEY_LENGTH = _bad("KMS.2610", "The temporary key length must be 16 or 32.")
MATERIAL_NOT_DELETABLE = _bad("KMS.2701", "Key material is not in Enabled or Disabled state and cannot be deleted.")
ASYMMETRIC_MATERIAL_STAYS = _bad(
    "KMS.2702",
    "The imported private key material can not be deleted.",
    _("Material of an asymmetric key lives as long as the key. Delete the key instead."),
)

# Enterprise projects: a service of its own with codes of its own.
EPS_BUSY = Code("EPS.0000", 503, "System busy.", _("Try again in a few seconds."))
EPS_INTERNAL = Code("EPS.0001", 500, "System error.")
EPS_BAD_REQUEST = _bad("EPS.0002", "Bad request.")
EPS_UNAUTHORIZED = Code("EPS.0003", 401, "Unauthorized user.")
EPS_NO_PERMISSION = Code("EPS.0004", 403, "Permission error.")
EPS_NOT_FOUND = Code("EPS.0005", 404, "Requested resources not found.")
EPS_NAME_INVALID = _bad(
    "EPS.0007", "Invalid enterprise project name.", _("1 to 255 letters, digits, _ and -, without the word default.")
)
EPS_DESCRIPTION_INVALID = _bad("EPS.0008", "Invalid enterprise project description.", _("At most 512 characters."))
EPS_QUOTA_USED_UP = _bad(
    "EPS.0009", "The enterprise project quota is used up.", _("Disabled enterprise projects count too.")
)
EPS_NAME_TAKEN = Code("EPS.0010", 409, "The enterprise project name already exists.")
EPS_DEFAULT_UNCHANGEABLE = _bad("EPS.0012", "The default enterprise project cannot be modified.")
EPS_ACTION_INVALID = _bad("EPS.0013", "Invalid action.", _("enable or disable."))
EPS_DISABLED = _bad("EPS.0014", "The disabled enterprise project cannot be modified.", _("Enable it first."))
EPS_DEFAULT_STAYS_ENABLED = _bad("EPS.0015", "The default enterprise project does not support the operation.")
EPS_LIMIT_INVALID = _bad("EPS.0017", "Invalid limit.")
EPS_OFFSET_INVALID = _bad("EPS.0018", "Invalid offset.")

# The service itself
INTERNAL = Code("KMS.0101", 500, "KMS error.")
SEALED = Code(
    "KMS.0104",
    503,
    "A system exception occurred. Contact technical support.",
    _("The service is sealed: its root key is missing or is not the right one."),
)
UNAVAILABLE = Code(
    SEALED.code,
    SEALED.status,
    SEALED.message,
    _("The service or something it needs is not available at the moment. Try again in a few seconds."),
)

CATALOGUE: dict[str, Code] = {value.code: value for value in list(globals().values()) if isinstance(value, Code)}

# The rest of the published list, and why nothing here answers with it. A test holds the two tables against the list.
NOT_APPLICABLE: dict[str, str] = {
    **dict.fromkeys(
        ("KMS.0100", "KMS.0102", "KMS.0103", "KMS.0105", "KMS.1108", "KMS.1109", "KMS.2403"),
        "Internal faults have one code here, KMS.0101.",
    ),
    "KMS.0106": "There are no replicas of keys.",
    "KMS.0212": "Another resource type earns KMS.0408.",
    "KMS.0214": "Wrong formats earn KMS.0202, KMS.0308, or the code of the field.",
    "KMS.0304": "There are no tokens of an open beta test.",
    "KMS.0305": "A path names the project by its ID; a wrong one earns KMS.0321.",
    **dict.fromkeys(("KMS.0307", "KMS.0326"), "A missing permission earns KMS.0306 for a key and KMS.0330 otherwise."),
    "KMS.0327": "Permissions are in the same database; they cannot be unavailable by themselves.",
    **dict.fromkeys(("KMS.0314", "KMS.0320", "KMS.0328"), "Nobody is billed: no real-name check, no frozen accounts."),
    **dict.fromkeys(
        ("KMS.0315", "KMS.0316", "KMS.0317", "KMS.0318", "KMS.0322", "KMS.0323", "KMS.2406"),
        "There are no partitions.",
    ),
    "KMS.0319": "Which key cannot be rotated, and why, is told by KMS.0211, KMS.0312, KMS.0324 and KMS.0341.",
    **dict.fromkeys(("KMS.0338", "KMS.0339", "KMS.0340"), "There are no dedicated keystores; naming one is ignored."),
    "KMS.0418": "An offset that is not needed is ignored.",
    "KMS.1102": "`realm` is ignored: a key is made in the region of its project.",
    "KMS.1404": "A key exists in one region; elsewhere it is not found.",
    "KMS.1603": "A bad offset earns KMS.0417.",
    "KMS.1904": "Data keys are wrapped by AES keys only, which take every length.",
    "KMS.2001": "Other lengths than 512 bits are accepted too; bad ones earn KMS.1901 and KMS.1903.",
    "KMS.2203": "A data key is authenticated with its ciphertext; a change earns KMS.2201.",
    **dict.fromkeys(
        ("KMS.2301", "KMS.2302", "KMS.2303", "KMS.2304", "KMS.2305"),
        "Quotas are changed by the operator of the installation, not through this API.",
    ),
    "KMS.2405": "Grants are limited for each key, not for a project.",
    "KMS.2801": "No operation takes a range of time.",
    **dict.fromkeys(
        (
            "KMS.3103", "KMS.3201", "KMS.3202", "KMS.3702", "KMS.3801", "KMS.3802", "KMS.3803", "KMS.3804", "KMS.3805",
            "KMS.3806", "KMS.3901", "KMS.3902", "KMS.3903", "KMS.4001", "KMS.4002", "KMS.5012", "KMS.5021", "KMS.5022",
            "KMS.5023",
        ),
        "They belong to parts that are not here: keystores, keys of several regions and their jobs, internal services.",
    ),
}  # fmt: skip

# In seconds: how long a client is asked to wait (`Retry-After`).
RETRY_AFTER = 5


def unavailable(hint: Text = "", *, retry_after: int = RETRY_AFTER) -> KmsError:
    """503: a database, a broker or a disk does not answer, or a wait reached its bound. `hint` names it for people."""
    return KmsError(UNAVAILABLE, hint=hint, retry_after=retry_after)


_IN_EPS_TERMS = {
    code.status: code
    for code in (EPS_BAD_REQUEST, EPS_UNAUTHORIZED, EPS_NO_PERMISSION, EPS_NOT_FOUND, EPS_INTERNAL, EPS_BUSY)
}


def in_eps_terms(code: Code) -> Code:
    """The enterprise project service's code for an error that it has in common with the key service."""
    if not code.code.startswith("KMS."):
        return code
    return _IN_EPS_TERMS.get(code.status) or replace(EPS_BAD_REQUEST, status=code.status)
