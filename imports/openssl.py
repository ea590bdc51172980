"""The command lines that wrap material for one key, with its real file names: data for the wizard's pages.

They need a POSIX shell and OpenSSL 3; each is run by a test exactly as shown. Two traps, tried: a private key that is
asked for in DER may come as PKCS#1 or SEC 1, so it goes through `pkcs8`; `enc` takes any `-iv` and exits 0, so the
initial value of RFC 5649 section 3 is spelled out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from kmscrypto.specs import Family, KeySpec

# The file names of the cloud's manual. For a private key, the material is the temporary key that wraps it.
MATERIAL = "PlaintextKeyMaterial.bin"
WRAPPED_MATERIAL = "EncryptedKeyMaterial.bin"
PARAMETERS = "ImportParameters.json"
PUBLIC_KEY_BASE64 = "PublicKey.b64"
PUBLIC_KEY = "PublicKey.bin"
IMPORT_TOKEN = "ImportToken.b64"  # noqa: S105 - the name of a file

OLDER = (
    "Any version from 1.0.2 on does this. OpenSSL 1.1.1 and older cannot wrap a private key on the command line, "
    "so there use Wrap in this browser for asymmetric keys."
)
OLDER_ASYMMETRIC = (
    "These need OpenSSL 3; see which one you have with: openssl version. OpenSSL 1.1.1 and older have no AES key wrap "
    "on the command line: choose Wrap in this browser instead, after Download and Continue."
)

_OAEP = "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256"


@dataclass(frozen=True, slots=True)
class Command:
    """`lines` are whole commands, to be run one after the other in the folder that holds the wrapping key."""

    title: str
    note: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def wrapping_key_file(key_id: str) -> str:
    """The exact name under which the wrapping key is saved; it has no extension."""
    return f"wrappingKey_{key_id}"


def private_key_file(spec: KeySpec) -> str:
    return f"{spec.family.value.lower()}_private_key.der"


def wrapped_private_key_file(spec: KeySpec) -> str:
    return f"out_{private_key_file(spec)}"


def commands(spec: KeySpec, wrapping_key: str) -> tuple[Command, ...]:
    """Wrap material with the wrapping key of that file."""
    return _asymmetric(spec, wrapping_key) if spec.is_asymmetric else _symmetric(wrapping_key)


def older_versions(spec: KeySpec) -> str:
    return OLDER_ASYMMETRIC if spec.is_asymmetric else OLDER


def api_commands(base_url: str, project_id: str, key_id: str, algorithm: str) -> tuple[Command, ...]:
    """Obtain the wrapping key and the import token through the API, and save them in files."""
    body = json.dumps({"key_id": key_id, "wrapping_algorithm": algorithm})
    request = (
        f"curl -sS -X POST {base_url}/v1.0/{project_id}/kms/get-parameters-for-import \\\n"
        '  -H "X-Auth-Token: $TOKEN" -H "Content-Type: application/json" \\\n'
        f"  -d '{body}' \\\n"
        f"  -o {PARAMETERS}"
    )
    return (
        Command(
            "Request the wrapping key and import token",
            f"TOKEN is your authentication token. The response is saved as {PARAMETERS}.",
            (request,),
        ),
        Command(
            "Save and convert the wrapping key",
            f"Saves public_key as {PUBLIC_KEY_BASE64} and converts it to {PUBLIC_KEY}."
            " Only material encrypted using the converted wrapping key can be imported.",
            (
                _member("public_key", PUBLIC_KEY_BASE64),
                f"openssl enc -d -base64 -A -in {PUBLIC_KEY_BASE64} -out {PUBLIC_KEY}",
            ),
        ),
        Command(
            "Save the import token",
            f"Saves import_token as {IMPORT_TOKEN}: the file to select in the step Import Key Token.",
            (_member("import_token", IMPORT_TOKEN),),
        ),
    )


def example_response(key_id: str, expires_at: int) -> str:
    return json.dumps(
        {
            "key_id": key_id,
            "import_token": "import token in Base64",
            "expiration_time": expires_at,
            "public_key": "wrapping key in Base64",
        },
        indent=2,
    )


def _member(name: str, file_name: str) -> str:
    """One text of the saved JSON response. sed is everywhere, and Base64 needs no unescaping."""
    return f'sed -n \'s/.*"{name}": *"\\([^"]*\\)".*/\\1/p\' {PARAMETERS} > {file_name}'


def _symmetric(wrapping_key: str) -> tuple[Command, ...]:
    return (
        Command(
            "Make 32 random bytes",
            "Or use your own: 32 raw bytes, not hex text. Keep this file safe; it is your only copy.",
            (f"openssl rand -out {MATERIAL} 32",),
        ),
        Command(
            "Encrypt them with the wrapping key",
            f"Gives {WRAPPED_MATERIAL}, 256 bytes: the key material to choose above.",
            (_oaep(wrapping_key),),
        ),
    )


def _asymmetric(spec: KeySpec, wrapping_key: str) -> tuple[Command, ...]:
    private_key = private_key_file(spec)
    pem = private_key.replace(".der", ".pem")
    return (
        Command(
            "Make a private key",
            "Leave this out if you bring your own. Keep the file safe; it is your only copy.",
            (_generate(spec, pem),),
        ),
        Command(
            "Turn it into PKCS#8 in DER, not encrypted",
            "Takes every form that OpenSSL reads, and asks for the password of an encrypted one.",
            (f"openssl pkcs8 -topk8 -nocrypt -in {pem} -outform DER -out {private_key}",),
        ),
        Command(
            "Make a temporary key and encrypt it with the wrapping key",
            f"Gives {WRAPPED_MATERIAL}, 256 bytes: the temporary key material.",
            (f"openssl rand -out {MATERIAL} 32", _oaep(wrapping_key)),
        ),
        Command(
            "Wrap the private key with the temporary key",
            f"AES key wrap with padding, RFC 5649. Gives {wrapped_private_key_file(spec)}: the private key ciphertext.",
            (_key_wrap(spec),),
        ),
    )


def _generate(spec: KeySpec, file_name: str) -> str:
    option = f"rsa_keygen_bits:{spec.bits}" if spec.family is Family.RSA else f"ec_paramgen_curve:P-{spec.bits}"
    return f"openssl genpkey -algorithm {spec.family.value} -pkeyopt {option} -out {file_name}"


def _oaep(wrapping_key: str) -> str:
    return (
        "openssl pkeyutl -encrypt -pubin -keyform DER \\\n"
        f"  -inkey {wrapping_key} \\\n"
        f"  -in {MATERIAL} -out {WRAPPED_MATERIAL} \\\n"
        f"  {_OAEP}"
    )


def _key_wrap(spec: KeySpec) -> str:
    # od and tr rather than xxd, which is not everywhere.
    return (
        "openssl enc -id-aes256-wrap-pad -iv A65959A6 \\\n"
        f"  -K \"$(od -An -v -tx1 {MATERIAL} | tr -d ' \\n')\" \\\n"
        f"  -in {private_key_file(spec)} -out {wrapped_private_key_file(spec)}"
    )
