"""The command lines that wrap material for one very key, with its real file names: data for the wizard's pages.

They need a POSIX shell and OpenSSL 3; each is run by a test exactly as shown. Two traps, tried: a private key that is
asked for in DER may come as PKCS#1 or SEC 1, so it goes through `pkcs8`; `enc` takes any `-iv` and exits 0, so the
initial value of RFC 5649 section 3 is spelled out.
"""

from __future__ import annotations

from dataclasses import dataclass

from kmscrypto.specs import Family, KeySpec

MATERIAL = "PlaintextKeyMaterial.bin"
WRAPPED_MATERIAL = "EncryptedKeyMaterial.bin"
TEMPORARY_KEY = "TemporaryKey.bin"
WRAPPED_TEMPORARY_KEY = "EncryptedTemporaryKey.bin"
WRAPPED_PRIVATE_KEY = "EncryptedPrivateKey.bin"

OLDER = (
    "Any version from 1.0.2 on does this. OpenSSL 1.1.1 and older cannot wrap a private key on the command line, "
    "so there use Wrap in this browser for asymmetric keys."
)
OLDER_ASYMMETRIC = (
    "These need OpenSSL 3; see which one you have with: openssl version. OpenSSL 1.1.1 and older have no AES key wrap "
    "on the command line: choose Wrap in this browser instead."
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


def commands(spec: KeySpec, key_id: str) -> tuple[Command, ...]:
    return _asymmetric(spec, key_id) if spec.is_asymmetric else _symmetric(key_id)


def older_versions(spec: KeySpec) -> str:
    return OLDER_ASYMMETRIC if spec.is_asymmetric else OLDER


def _symmetric(key_id: str) -> tuple[Command, ...]:
    return (
        Command(
            "1. Make 32 random bytes",
            "Or use your own: 32 raw bytes, not hex text. Keep this file safe; it is your only copy.",
            (f"openssl rand -out {MATERIAL} 32",),
        ),
        Command(
            "2. Encrypt them with the wrapping key",
            f"Gives {WRAPPED_MATERIAL}, 256 bytes: the key material to choose above.",
            (_oaep(key_id, MATERIAL, WRAPPED_MATERIAL),),
        ),
    )


def _asymmetric(spec: KeySpec, key_id: str) -> tuple[Command, ...]:
    stem = f"{spec.family.value.lower()}_private_key"
    return (
        Command(
            "1. Make a private key",
            "Leave this out if you bring your own. Keep the file safe; it is your only copy.",
            (_generate(spec, f"{stem}.pem"),),
        ),
        Command(
            "2. Turn it into PKCS#8 in DER, not encrypted",
            "Takes every form that OpenSSL reads, and asks for the password of an encrypted one.",
            (f"openssl pkcs8 -topk8 -nocrypt -in {stem}.pem -outform DER -out {stem}.der",),
        ),
        Command(
            "3. Make a temporary key and encrypt it with the wrapping key",
            f"Gives {WRAPPED_TEMPORARY_KEY}, 256 bytes: the temporary key material.",
            (f"openssl rand -out {TEMPORARY_KEY} 32", _oaep(key_id, TEMPORARY_KEY, WRAPPED_TEMPORARY_KEY)),
        ),
        Command(
            "4. Wrap the private key with the temporary key",
            f"AES key wrap with padding, RFC 5649. Gives {WRAPPED_PRIVATE_KEY}: the private key ciphertext.",
            (_key_wrap(f"{stem}.der"),),
        ),
    )


def _generate(spec: KeySpec, file_name: str) -> str:
    option = f"rsa_keygen_bits:{spec.bits}" if spec.family is Family.RSA else f"ec_paramgen_curve:P-{spec.bits}"
    return f"openssl genpkey -algorithm {spec.family.value} -pkeyopt {option} -out {file_name}"


def _oaep(key_id: str, plain: str, wrapped: str) -> str:
    return (
        "openssl pkeyutl -encrypt -pubin -keyform DER \\\n"
        f"  -inkey {wrapping_key_file(key_id)} \\\n"
        f"  -in {plain} -out {wrapped} \\\n"
        f"  {_OAEP}"
    )


def _key_wrap(private_key: str) -> str:
    # od and tr rather than xxd, which is not everywhere.
    return (
        "openssl enc -id-aes256-wrap-pad -iv A65959A6 \\\n"
        f"  -K \"$(od -An -v -tx1 {TEMPORARY_KEY} | tr -d ' \\n')\" \\\n"
        f"  -in {private_key} -out {WRAPPED_PRIVATE_KEY}"
    )
