"""Known-answer tests, run at start: a service whose cryptography answers wrongly stays sealed (SEC-097).

They go through our own functions where we have one, with vectors of the standards. The envelope's answer is ours: it
also pins the ciphertext format for ever. Pairwise tests of new keys are in `rsa` and `ec`. A few milliseconds in all.
"""

from collections.abc import Callable
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateNumbers,
    RSAPublicNumbers,
    rsa_crt_dmp1,
    rsa_crt_dmq1,
    rsa_crt_iqmp,
    rsa_recover_private_exponent,
)
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from kmscrypto import aes, ec, envelope, hmac, rsa, wrapping
from kmscrypto.errors import SelfTestFailed
from kmscrypto.specs import SHA_256, EncryptionAlgorithm, MacAlgorithm, SigningAlgorithm

_hex = bytes.fromhex

# NIST CAVP, gcmEncryptExtIV256.rsp, PTlen 128, AADlen 128, count 0.
GCM_KEY = _hex("92e11dcdaa866f5ce790fd24501f92509aacf4cb8b1339d50c9c1240935dd08b")
GCM_NONCE = _hex("ac93a1a6145299bde902f21a")
GCM_PLAINTEXT = _hex("2d71bcfa914e4ac045b2aa60955fad24")
GCM_AAD = _hex("1e0889016f67601c8ebea4943bc23ad6")
GCM_CIPHERTEXT = _hex("8995ae2e6df3dbf96fac7b7137bae67feca5aa77d51d4a0a14d9c51e1da474ab")

# RFC 5869 A.1.
HKDF_MATERIAL, HKDF_SALT, HKDF_INFO = b"\x0b" * 22, bytes(range(13)), bytes(range(0xF0, 0xFA))
HKDF_OUTPUT = _hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")

# RFC 4231, case 2.
HMAC_KEY, HMAC_MESSAGE = b"Jefe", b"what do ya want for nothing?"
HMAC_OUTPUT = _hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")

# NIST CAVP, KWP_AE_256.txt, plaintext length 72, count 0.
KWP_KEY = _hex("70da43aac823c6dd37d1109f5b18feb4503c973288989745e2cc1cc21d9570c6")
KWP_PLAINTEXT = _hex("edf17d966ed896aee3")
KWP_CIPHERTEXT = _hex("d67b5b2ad15c645450e23b5e7b6d682f8ae20e716d470db7")

# RFC 6979 A.2.5, SHA-256, "sample".
ECDSA_POINT = _hex(
    "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
)
ECDSA_MESSAGE = b"sample"
ECDSA_SIGNATURE = _hex(
    "3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
    "022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
)

# pyca's OAEP SHA-256 vectors (derived from NIST's, checked there against Bouncy Castle), example 1: a published key.
OAEP_P = int(
    "e7e2f373592c2b9919851f238f1b1b67e9c761bbf252b334d5a12a6ea66974a1cb5f57dfa0595298f143ef958f745057"
    "1c31c682b91ea26a0349383088cbedd87e7edc6cb5287a56d7f73c31d02df6e3c58b01c27efdac951e279a3318951520"
    "c44c3903e5dc793c3cdacc40ad06551bd219bd6ecfd1c3f4f8ea513674ab286d",
    16,
)
OAEP_Q = int(
    "cc2279fb888ba03c22c6613bb1466c9e2cd161d99bbec2f75af82cf7f0e43eb1a8a8bc23c24fc2838bffb94e79181107"
    "3da55c53e07e1fec63cefd066dc631e25e74dae715ab3cc18b5e56ff2a786ddee92d32dc5bd4df849cb8246e3f42c127"
    "9985c5cb6909b0630424dc8a82d5604387e95fbb248720636b8e7208ca1f0639",
    16,
)
OAEP_PLAINTEXT = _hex("6628194e12073db03ba94cda9ef9532397d50dba79b987004afefe34")
OAEP_CIPHERTEXT = _hex(
    "6afdbc76de74458198a9c890cc5abb52580af01c2096036dca104d67f96a05de682da5c26970a808343527440aa80b9d"
    "043045d7983f442a3d376e5b039bcfb96c1b5fd0e46b5fff85646273293ced5e7272993850017f24f6133591d5c97887"
    "81a9952873ebfc45ad4d34fff2b4e9ababf49d9f9a3d7726bdce3eb2feb545db5cfef0b183bd55735a2d356b4278c558"
    "0ce0e4cfd21a0a3ad3b225de388fcfd688394710f97d5a3933e01d434fcff732542390f8915d5d291780ed63d425c0be"
    "a5bb0ad25aae3a70355e3f45a443ea111b80515b743d5bd226d339dc7516ce6c41414a0aa978198bc6762f443e957c7b"
    "e5edbd25fcdd226c5d967fa05d7c9079"
)

# Made once by `envelope.seal`; must open for ever.
ENVELOPE_MATERIAL, ENVELOPE_KEY_ID = bytes(range(32)), UUID("00112233-4455-6677-8899-aabbccddeeff")
ENVELOPE_PLAINTEXT, ENVELOPE_VERSION = b"known answer", 7
ENVELOPE_BLOB = _hex(
    "0101010000112233445566778899aabbccddeeff00000007000000000000000097561e81d2e526727d11e31064b1e491"
    "b006f5492145dab432d572d5e55da82bec5b136c14c5033ecce7d5e7e249b1335fdab4c0663f9445998cdddef0bd237e"
    "33d619e8c9c2603615ebe356abcaff3786d61c516f9ec5ec13cffe552b50f8fd0c9c48da0527edd904366620"
)


def run() -> None:
    """Returns, or raises `SelfTestFailed` naming the first algorithm that answers wrongly."""
    for name, answers in _TESTS.items():
        try:
            right = answers()
        except Exception:  # whatever is wrong with the library, the answer is the same: do not start
            right = False
        if not right:
            raise SelfTestFailed(name)


def _gcm() -> bool:
    return (
        aes.gcm_encrypt(GCM_KEY, GCM_NONCE, GCM_PLAINTEXT, GCM_AAD) == GCM_CIPHERTEXT
        and aes.gcm_decrypt(GCM_KEY, GCM_NONCE, GCM_CIPHERTEXT, GCM_AAD) == GCM_PLAINTEXT
    )


def _hkdf() -> bool:
    return HKDF(SHA_256, len(HKDF_OUTPUT), HKDF_SALT, HKDF_INFO).derive(HKDF_MATERIAL) == HKDF_OUTPUT


def _hmac() -> bool:
    return hmac.generate_mac(HMAC_KEY, MacAlgorithm.HMAC_SHA_256, HMAC_MESSAGE) == HMAC_OUTPUT


def _kwp() -> bool:
    return (
        wrapping.wrap_private_key(KWP_KEY, KWP_PLAINTEXT) == KWP_CIPHERTEXT
        and wrapping.unwrap_private_key(KWP_KEY, KWP_CIPHERTEXT) == KWP_PLAINTEXT
    )


def _ecdsa() -> bool:
    key = EllipticCurvePublicKey.from_encoded_point(ec.CURVES[256], ECDSA_POINT)
    algorithm = SigningAlgorithm.ECDSA_SHA_256
    return ec.verify(key, algorithm, ECDSA_MESSAGE, ECDSA_SIGNATURE, is_digest=False) and not ec.verify(
        key, algorithm, ECDSA_MESSAGE + b"s", ECDSA_SIGNATURE, is_digest=False
    )


def _oaep() -> bool:
    p, q = OAEP_P, OAEP_Q
    d = rsa_recover_private_exponent(rsa.PUBLIC_EXPONENT, p, q)
    key = RSAPrivateNumbers(
        p,
        q,
        d,
        rsa_crt_dmp1(d, p),
        rsa_crt_dmq1(d, q),
        rsa_crt_iqmp(p, q),
        RSAPublicNumbers(rsa.PUBLIC_EXPONENT, p * q),
    ).private_key(unsafe_skip_rsa_key_validation=True)
    return rsa.decrypt(key, EncryptionAlgorithm.RSAES_OAEP_SHA_256, OAEP_CIPHERTEXT) == OAEP_PLAINTEXT


def _envelope() -> bool:
    sealed = envelope.parse(ENVELOPE_BLOB)
    binding = envelope.bind("known", "answer")
    opened = envelope.open(ENVELOPE_MATERIAL, sealed, purpose=envelope.Purpose.DATA, binding=binding)
    identity = (sealed.key_id, sealed.version)
    return opened == ENVELOPE_PLAINTEXT and identity == (ENVELOPE_KEY_ID, ENVELOPE_VERSION)


_TESTS: dict[str, Callable[[], bool]] = {
    "AES-GCM": _gcm,
    "HKDF": _hkdf,
    "HMAC": _hmac,
    "AES-KWP": _kwp,
    "ECDSA": _ecdsa,
    "RSA-OAEP": _oaep,
    "envelope": _envelope,
}
