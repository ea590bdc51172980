"""sign, verify and get-publickey."""

from __future__ import annotations

from dataclasses import dataclass

from keys.api.schemas import ANY_KEY, Proof
from keys.locate import the_key
from keys.services import signing
from keys.states import Use
from kmscrypto.specs import SigningAlgorithm
from operations import errors
from operations.answers import TEXT, record
from operations.fields import Base64, Choice, KeyReference, Request, encode_base64
from operations.operation import Operation


@dataclass(frozen=True, kw_only=True)
class SignatureField(Proof, Base64):
    name: str = "signature"
    required: bool = True
    about: str = "Base64. A malformed one is answered like a wrong one."


# Not canonical: the digest in the manual's own example has bits left over that are not zero.
MESSAGE = Base64(
    name="message",
    required=True,
    min_bytes=1,
    max_bytes=signing.MAX_BYTES,
    canonical=False,
    about="The message, or its digest: see `message_type`.",
)
# ECDSA_SHA_512 is documented although no key fits it: it earns SIGNING_ALGORITHM, like any other unknown name.
ALGORITHM = Choice(
    name="signing_algorithm",
    values=tuple(SigningAlgorithm),
    required=True,
    error=errors.SIGNING_ALGORITHM,
    traced=True,
    about="One that fits the key: RSASSA for RSA, ECDSA of the curve's size for EC.",
)
MESSAGE_TYPE = Choice(
    name="message_type",
    values=(signing.DIGEST, signing.RAW),
    default=signing.DIGEST,
    traced=True,
    about="DIGEST if `message` is the digest already, RAW if the service is to compute it.",
)

SIGN = Operation(
    name="sign",
    path="kms/sign",
    action="kms:cmk:sign",
    use=Use.SIGN,
    locate=the_key,
    run=signing.sign,
    request=Request((KeyReference(), MESSAGE, ALGORITHM, MESSAGE_TYPE)),
    respond=lambda result: {
        "key_id": result.key.key_id,
        "signature": encode_base64(result.signature),
    },
    answer=record(key_id=TEXT, signature=TEXT),
    refuses=(errors.DIGEST_LENGTH,),
    trace="sign",
    writes=False,
    brief=True,
    grantable=True,
    summary="Sign a message, or its digest, with an RSA or EC key.",
)

VERIFY = Operation(
    name="verify",
    path="kms/verify",
    action="kms:cmk:verify",
    use=Use.VERIFY,
    locate=the_key,
    run=signing.verify,
    request=Request((KeyReference(), MESSAGE, SignatureField(), ALGORITHM, MESSAGE_TYPE)),
    respond=lambda result: {
        "key_id": result.key.key_id,
        "signature_valid": "true" if result.signature_valid else "false",
    },
    answer=record(key_id=TEXT, signature_valid=TEXT),
    refuses=(errors.DIGEST_LENGTH,),
    trace="verify",
    writes=False,
    brief=True,
    grantable=True,
    summary="Verify a signature.",
)

GET_PUBLICKEY = Operation(
    name="get-publickey",
    path="kms/get-publickey",
    action="kms:cmk:getPublicKey",
    use=Use.PUBLIC_KEY,
    locate=the_key,
    run=signing.get_public_key,
    request=ANY_KEY,
    respond=lambda result: {"key_id": result.key.key_id, "public_key": result.pem},
    answer=record(key_id=TEXT, public_key=TEXT),
    trace="getPublicKey",
    writes=False,
    brief=True,
    grantable=True,
    summary="The public half of an RSA or EC key, PEM.",
)

OPERATIONS = (SIGN, VERIFY, GET_PUBLICKEY)
