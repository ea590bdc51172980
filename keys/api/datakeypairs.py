"""create-rsa-datakey-pair and create-ec-datakey-pair."""

from __future__ import annotations

from keys.api.schemas import ADDITIONAL_DATA
from keys.locate import make_default_key, the_key
from keys.services import datakeypairs
from keys.services.datakeypairs import DataKeyPair
from keys.states import Use
from operations.answers import TEXT, Schema, record
from operations.fields import Choice, Flag, KeyReference, Request, encode_base64
from operations.limits import Rate
from operations.operation import Operation

WITH_PLAIN_TEXT = Flag(
    name="with_plain_text",
    default=True,
    traced=True,
    about="Whether the answer holds the private key in the clear as well.",
)

_ALWAYS = {"key_id": TEXT, "key_spec": TEXT, "public_key": TEXT, "private_key_cipher_text": TEXT}
ANSWER: Schema = {**record(**_ALWAYS, private_key_plain_text=TEXT), "required": list(_ALWAYS)}


def _request(specs: tuple[str, ...]) -> Request:
    spec = Choice(name="key_spec", values=specs, required=True, traced=True, about="Algorithm and size, or curve.")
    return Request((KeyReference(), spec, WITH_PLAIN_TEXT, ADDITIONAL_DATA))


def _answer(pair: DataKeyPair) -> dict[str, str]:
    """Base64 throughout, so that the ciphertext is as decrypt-data takes it."""
    members = {
        "key_id": pair.key.key_id,
        "key_spec": pair.spec_name,
        "public_key": encode_base64(pair.public),
        "private_key_cipher_text": encode_base64(pair.private_cipher_text),
    }
    return members if pair.private is None else {**members, "private_key_plain_text": encode_base64(pair.private)}


CREATE_RSA_DATAKEY_PAIR = Operation(
    name="create-rsa-datakey-pair",
    path="kms/create-rsa-datakey-pair",
    action="kms:dek:create",
    use=Use.DATA_KEY,
    locate=the_key,
    supply=make_default_key,
    run=datakeypairs.create_data_key_pair,
    request=_request(datakeypairs.RSA_SPECS),
    respond=_answer,
    answer=ANSWER,
    trace="createRsaDatakeyPair",
    writes=False,
    # Searching for primes takes up to seconds.
    rate=Rate("create-rsa-datakey-pair", calls=60),
    summary="Make an RSA key pair for use elsewhere, its private key encrypted under the key.",
)

CREATE_EC_DATAKEY_PAIR = Operation(
    name="create-ec-datakey-pair",
    path="kms/create-ec-datakey-pair",
    action="kms:dek:create",
    use=Use.DATA_KEY,
    locate=the_key,
    supply=make_default_key,
    run=datakeypairs.create_data_key_pair,
    request=_request(tuple(datakeypairs.EC_SPECS)),
    respond=_answer,
    answer=ANSWER,
    trace="createEcDatakeyPair",
    writes=False,
    summary="Make an EC key pair for use elsewhere, its private key encrypted under the key.",
)

OPERATIONS = (CREATE_RSA_DATAKEY_PAIR, CREATE_EC_DATAKEY_PAIR)
