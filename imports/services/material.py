"""Importing, deleting and expiring key material. The order of the checks is console.md section C, and SEC-024:
nothing secret is touched before the token is proved, nothing is changed before everything is. One exception: that the
factors of an RSA key are primes is proved after everything else, for it takes long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import F

from imports import base64_text, proofs, queries, tokens
from imports.models import WrappingKey
from imports.services import parameters
from keys import material
from keys.models import Key
from keys.services import expiry
from keys.states import Event
from kmscrypto import fingerprint, pkcs8, wrapping
from kmscrypto import material as mathematics
from kmscrypto.errors import InvalidPrivateKey, KeyUnwrapFailed, UnwrapFailed
from kmscrypto.specs import Family
from operations import errors, timekeeping
from operations.caller import Caller
from operations.errors import Code, KmsError
from operations.fields import decode_base64
from vault import sealing

WRAPPED_BYTES = parameters.WRAPPING_KEY_BITS // 8
TEMPORARY_KEY_BYTES = (16, 32)
PRIVATE_KEY_BYTES = range(16, 8192 + 1, 8)
LATEST = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Known:
    """What is told of material: ten hex digits, or nothing where there never was any."""

    key: Key
    check_value: str


def compare(caller: Caller, key: Key) -> Known:
    return Known(key, queries.check_value(key))


def unwrap(
    caller: Caller,
    key: Key,
    *,
    import_token: str,
    encrypted_key_material: str,
    encrypted_privatekey: str | None,
    expiration_time: int | None,
) -> bytes | None:
    """The material that was wrapped for this very key. Before the transaction: every check is made here, without a lock
    and the costly one last, so that nobody waits for who computes. None where the token has ended: which import ended
    it is told under the lock.

    A refused try does not use up the token, but after 200 failed unwraps its offer is closed (SEC-026).
    """
    offer = _offer_of(import_token, key, lock=False)
    if offer is None or not offer.is_live():
        return None
    _check_offer(offer, key)
    ciphertext = _bytes(encrypted_key_material, "encrypted_key_material")
    if len(ciphertext) != WRAPPED_BYTES:
        raise _refused(errors.PARAMETER_INVALID, "encrypted_key_material", _length_hint(key, len(ciphertext)))
    wrapped_key = _private_key_ciphertext(key, encrypted_privatekey)
    unwrapped = _unwrap(offer, ciphertext)
    if key.spec.is_asymmetric:
        plain = _private_key(key, offer, temporary_key=unwrapped, ciphertext=wrapped_key)
    else:
        plain = _symmetric(offer, unwrapped)
    _check_sameness(key, plain)
    _expiration(key, expiration_time)
    if key.spec.family is Family.RSA:
        _prove(key, offer, plain)
    return plain


def import_material(
    caller: Caller,
    key: Key,
    *,
    import_token: str,
    expiration_time: int | None,
    prepared: bytes | None,
    **_wrapped: str | None,
) -> Key:
    """Enabled, with the material that `unwrap` found. All or nothing, in the caller's transaction, and only where the
    token still stands and the material is still the right one.

    `expiration_time` is in seconds since 1970; None never expires.
    """
    offer = _offer_of(import_token, key, lock=True)
    if prepared is None or offer is None or not offer.is_live():
        raise parameters.why_ended(offer)
    _check_offer(offer, key)
    _check_sameness(key, prepared)
    expires_at = _expiration(key, expiration_time)

    expiry.settle(key)
    material.store(key, prepared, wrapping_algorithm=offer.algorithm)
    key.material_fingerprint = material.fingerprint(key, prepared)
    key.material_expires_at = expires_at
    key.move(Event.IMPORT_MATERIAL)
    key.save(update_fields=["state", "material_fingerprint", "material_expires_at"])
    parameters.end(offer, used=True)
    return key


def delete_material(caller: Caller, key: Key) -> Key:
    """The key waits for an import again, of the same material."""
    expiry.lose(key)
    key.save(update_fields=["state", "material_expires_at"])
    return key


def expire_material(caller: Caller, key: Key) -> Key:
    """By the clock alone. Raises MATERIAL_NOT_DELETABLE where nothing is due: a repeated message does nothing."""
    if not expiry.settle(key):
        raise KmsError(errors.MATERIAL_NOT_DELETABLE)
    key.save(update_fields=["state", "material_expires_at"])
    return key


def count_failed_unwrap(error: KmsError) -> None:
    """Beside the trace of a refused import: what must survive the refusal (SEC-026)."""
    if isinstance(error.evidence, WrappingKey):
        WrappingKey.objects.filter(pk=error.evidence.pk).update(failed_unwraps=F("failed_unwraps") + 1)


# --- checks 5 to 7: the token -------------------------------------------------------------------------------------


def _offer_of(import_token: str, key: Key, *, lock: bool) -> WrappingKey | None:
    return tokens.offer_of(tokens.read(import_token, project_id=key.project_id), lock=lock)


def _check_offer(offer: WrappingKey, key: Key) -> None:
    if offer.key_id != key.pk:
        hint = f"The token is for key {offer.key.key_id}; this is {key.key_id}."
        raise _refused(errors.TOKEN_OF_ANOTHER_KEY, "import_token", hint)
    offer.key = key


# --- check 8: syntax and length -----------------------------------------------------------------------------------


def _bytes(text: str, field: str) -> bytes:
    raw = decode_base64(text)
    if raw is None:
        raise _refused(errors.PARAMETER_INVALID, field, base64_text.explain(text))
    return raw


def _length_hint(key: Key, found: int) -> str:
    hint = f"Got {found} bytes; expected {WRAPPED_BYTES}."
    if found == 32:
        return f"{hint} This looks like the plaintext: encrypt it with the wrapping key first."
    if found == 64:
        return f"{hint} This looks like the plaintext as hex text: encrypt the 32 raw bytes with the wrapping key."
    if key.spec.is_asymmetric and found - WRAPPED_BYTES in PRIVATE_KEY_BYTES:
        return (
            f"{hint} This looks like both ciphertexts in one, as CKM_RSA_AES_KEY_WRAP makes it: give the first "
            f"{WRAPPED_BYTES} bytes as encrypted_key_material and the other {found - WRAPPED_BYTES} as "
            "encrypted_privatekey."
        )
    return f"{hint} Encrypt with the wrapping key of this import, RSA-2048."


def _private_key_ciphertext(key: Key, text: str | None) -> bytes:
    """Syntax only; whether there must be one is check 12, after the unwrapping."""
    if not text or not key.spec.is_asymmetric:
        return b""
    raw = _bytes(text, "encrypted_privatekey")
    if len(raw) not in PRIVATE_KEY_BYTES:
        raise _refused(
            errors.PARAMETER_INVALID,
            "encrypted_privatekey",
            f"Got {len(raw)} bytes. AES key wrap with padding (RFC 5649) gives 16 to 8,192 bytes, a multiple of 8.",
        )
    return raw


# --- checks 9 to 13: unwrapping, and what came out ----------------------------------------------------------------


def _unwrap(offer: WrappingKey, ciphertext: bytes) -> bytes:
    private = sealing.open(parameters.binding(offer), bytes(offer.private_sealed or b""))
    try:
        return wrapping.unwrap(private, offer.algorithm, ciphertext)
    except UnwrapFailed:
        # One answer for every reason, and the reason is not kept (SEC-025).
        raise _refused(errors.UNWRAP_FAILED, "encrypted_key_material", evidence=offer) from None


def _symmetric(offer: WrappingKey, plain: bytes) -> bytes:
    if len(plain) != 32:
        hint = f"Got {len(plain)} bytes, expected 32."
        if len(plain) in (64, 65):
            hint = f"{hint} {len(plain)} bytes look like hex text: encrypt the raw bytes instead."
        elif len(plain) in (44, 45):
            hint = f"{hint} {len(plain)} bytes look like Base64 text: encrypt the raw bytes instead."
        raise _refused(errors.MATERIAL_LENGTH, "encrypted_key_material", hint, evidence=offer)
    if mathematics.is_degenerate(plain):
        hint = "All bytes are the same. Key material must be random."
        raise _refused(errors.PARAMETER_INVALID, "encrypted_key_material", hint, evidence=offer)
    return plain


def _private_key(key: Key, offer: WrappingKey, *, temporary_key: bytes, ciphertext: bytes) -> bytes:
    if len(temporary_key) not in TEMPORARY_KEY_BYTES:
        hint = f"Got {len(temporary_key)} bytes. The temporary key is 32 raw bytes."
        raise _refused(errors.TEMPORARY_KEY_LENGTH, "encrypted_key_material", hint, evidence=offer)
    if not ciphertext:
        raise _refused(errors.PRIVATE_KEY_MISSING, "encrypted_privatekey", "Add the private key ciphertext.")
    try:
        der = wrapping.unwrap_private_key(temporary_key, ciphertext)
    except KeyUnwrapFailed:
        hint = "It was not wrapped by AES key wrap with padding (RFC 5649) under this temporary key."
        raise _refused(errors.PRIVATE_KEY_INVALID, "encrypted_privatekey", hint, evidence=offer) from None
    try:
        return pkcs8.parse_private_key(der, key.spec)
    except InvalidPrivateKey as cause:
        raise _invalid(cause, offer) from None


def _invalid(cause: InvalidPrivateKey, offer: WrappingKey) -> KmsError:
    # Safe to tell: integrity was proved, so this is the importer's own key (SEC-028).
    hint = f"Found {cause.found}, expected {cause.expected}: {cause.reason}. {_conversion(cause.found)}".rstrip()
    return _refused(errors.PRIVATE_KEY_INVALID, "encrypted_privatekey", hint, evidence=offer)


def _prove(key: Key, offer: WrappingKey, plain: bytes) -> None:
    """The last part of check 13. It takes as long as all else a hundred times, so what is refused anyway never gets
    here."""
    try:
        proofs.prove(plain, key.spec)
    except InvalidPrivateKey as cause:
        raise _invalid(cause, offer) from None


def _conversion(found: str) -> str:
    """What turns this kind of private key file into what an import takes; "" where nothing does."""
    if found.startswith(("PKCS#1 ", "SEC1", "PEM text", "encrypted PKCS#8")) and "PUBLIC" not in found:
        return "Convert it before wrapping: openssl pkcs8 -topk8 -nocrypt -outform DER -in KEY_FILE -out key.der"
    if found.endswith("PKCS#8 version 1"):
        return "Import it with kms-import, which converts it."
    return ""


# --- checks 14 to 16: the same as before, and for how long --------------------------------------------------------


def _check_sameness(key: Key, plain: bytes) -> None:
    before = key.material_fingerprint
    if before is None or fingerprint.matches(bytes(before), material.fingerprint(key, plain)):
        return
    known = key.versions.filter(number=key.current_version).values_list("check_value", flat=True).first()
    new = fingerprint.check_value(key.spec, plain)
    hint = f"This material has check value {new}; the material of this key has {known}."
    raise _refused(errors.MATERIAL_DIFFERS, "encrypted_key_material", hint)


def _expiration(key: Key, expiration_time: int | None) -> datetime | None:
    if expiration_time is None:
        return None
    if expiration_time <= timekeeping.latest().timestamp():
        raise _refused(errors.EXPIRATION_IN_THE_PAST, "expiration_time", "Choose a later time.")
    if key.spec.is_asymmetric:
        raise _refused(errors.PARAMETER_INVALID, "expiration_time", "Material of an asymmetric key never expires.")
    if expiration_time >= LATEST.timestamp():
        raise _refused(errors.PARAMETER_INVALID, "expiration_time", "The time is in seconds since 1970.")
    return datetime.fromtimestamp(expiration_time, UTC)


def _refused(code: Code, field: str, hint: str = "", *, evidence: WrappingKey | None = None) -> KmsError:
    return KmsError(code, field=field, hint=hint, evidence=evidence)
