"""Files that programs wrote, as they wrote them."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pkcs11
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap
from pkcs11.util.ec import decode_ec_private_key
from pkcs11.util.rsa import decode_rsa_private_key

from tests.keyfiles.table import PASSPHRASE, PRIVATE_KEYS, Table
from tests.kmscrypto.keys import der

HERE = Path(__file__).parent
LEGACY = ("-provider", "legacy", "-provider", "default")

CONVERT = "openssl pkcs8 -topk8"
NO_DES = "WebCrypto has no DES"
NO_SCRYPT = "WebCrypto has no scrypt"
NO_AES_192 = "Chromium's WebCrypto has no AES-192"
NO_MD5 = "WebCrypto has no MD5, from which OpenSSL's traditional PEM derives its keys"


def add_to(table: Table) -> None:
    for add_rows in (keys, openssl, openssl_encrypted, openssl_points, openssl_beside, openssl_refused):
        add_rows(table)
    for add_rows in (jdk, go, node, gnutls, putty, openssh, gnupg, softhsm):
        add_rows(table)


def unsupported(scheme: str, because: str) -> dict[str, object]:
    return {"refused": "unsupported-encryption", "says": [scheme, CONVERT], "because": because}


def keys(table: Table) -> None:
    # It happens to begin as DER does, and is no text.
    table.add_key("aes", "AES_256", b"\x30\x1e" + os.urandom(29) + b"\xe9")
    table.openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "rsa.pem")
    for name in ("p256", "p384"):
        table.openssl("ecparam", "-name", {"p256": "prime256v1"}.get(name, "secp384r1"), "-genkey", "-out", "ec.pem")
        table.openssl("pkcs8", "-topk8", "-nocrypt", "-in", "ec.pem", "-out", f"{name}.pem")
    # A scalar with a leading zero: one of 256.
    while True:
        short = ec.generate_private_key(ec.SECP256R1())
        if short.private_numbers().private_value.bit_length() <= 248:
            break
    table.openssl("pkey", "-inform", "DER", "-out", "p256-short.pem", data=der(short))
    for name, spec in PRIVATE_KEYS.items():
        table.openssl("pkcs8", "-topk8", "-nocrypt", "-in", f"{name}.pem", "-outform", "DER", "-out", f"{name}.der")
        table.add_key(name, spec, table.read(f"{name}.der"))


# --- OpenSSL ------------------------------------------------------------------------------------------------------


def openssl(table: Table) -> None:
    for name in PRIVATE_KEYS:
        file, old = f"{name}.pem", ["rsa", "-traditional"] if name == "rsa" else ["ec"]
        kinds = {
            "PKCS#8": ["pkcs8", "-topk8", "-nocrypt", "-in", file],
            "PKCS#1" if name == "rsa" else "SEC1": [*old, "-in", file],
        }
        for kind, command in kinds.items():
            for armour in ("PEM", "DER"):
                content = table.openssl(*command, "-outform", armour)
                table.add(f"{kind} in {armour}, {name}", content, by="OpenSSL", key=name)
    content = table.openssl("ec", "-in", "p256.pem", "-no_public")
    table.add("SEC1 without the public point", content, by="OpenSSL", key="p256")


ENCRYPTIONS: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    # name, options, scheme, why a browser need not
    ("AES-128-CBC, HMAC-SHA-1", ("-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA1"), "", ""),
    ("AES-192-CBC", ("-v2", "aes-192-cbc"), "2.16.840.1.101.3.4.1.22", NO_AES_192),
    ("AES-256-CBC, HMAC-SHA-512", ("-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA512"), "", ""),
    ("3DES in PBES2", ("-v2", "des3"), "1.2.840.113549.3.7", NO_DES),
    ("scrypt", ("-scrypt", "-scrypt_N", "1024"), "1.3.6.1.4.1.11591.4.11", NO_SCRYPT),
    ("PBE-SHA1-3DES", ("-v1", "PBE-SHA1-3DES"), "1.2.840.113549.1.12.1.3", NO_DES),
    ("PBE-SHA1-2DES", ("-v1", "PBE-SHA1-2DES"), "1.2.840.113549.1.12.1.4", NO_DES),
    ("PBE-MD5-DES", ("-v1", "PBE-MD5-DES"), "1.2.840.113549.1.5.3", NO_DES),
    ("PBE-SHA1-DES", ("-v1", "PBE-SHA1-DES"), "1.2.840.113549.1.5.10", NO_DES),
)
UNKNOWN_ENCRYPTIONS = (
    ("Camellia", ("-v2", "camellia-256-cbc"), "1.2.392.200011.61.1.1.1.4"),
    ("ARIA", ("-v2", "aria-256-cbc"), "1.2.410.200046.1.1.12"),
    ("HMAC-MD5", ("-v2", "aes-256-cbc", "-v2prf", "hmacWithMD5"), "1.2.840.113549.2.6"),
    ("PBE-SHA1-RC2-40", ("-v1", "PBE-SHA1-RC2-40"), "1.2.840.113549.1.12.1.6"),
    ("PBE-SHA1-RC4-128", ("-v1", "PBE-SHA1-RC4-128"), "1.2.840.113549.1.12.1.1"),
)


def openssl_encrypted(table: Table) -> None:
    def encrypted(name: str, *options: str, passphrase: str = PASSPHRASE) -> bytes:
        command = ["pkcs8", "-topk8", "-in", f"{name}.pem", "-passout", f"pass:{passphrase}", *LEGACY]
        return table.openssl(*command, *options)

    for name in ("rsa", "p384"):
        for armour in ("PEM", "DER"):
            content = encrypted(name, "-outform", armour)
            table.add(f"encrypted PKCS#8 in {armour}, {name}", content, by="OpenSSL", key=name, passphrase=PASSPHRASE)
    for scheme, options, oid, because in ENCRYPTIONS:
        table.add(
            f"encrypted with {scheme}",
            encrypted("p256", *options),
            by="OpenSSL",
            key="p256",
            passphrase=PASSPHRASE,
            browser=unsupported(oid, because) if because else None,
        )
    for scheme, options, oid in UNKNOWN_ENCRYPTIONS:
        content = encrypted("p256", *options)
        table.add(
            f"encrypted with {scheme}", content, by="OpenSSL", refused="unsupported-encryption", says=[oid, CONVERT]
        )
    content = encrypted("p256", passphrase="pässphrase")
    table.add("a passphrase that is not ASCII", content, by="OpenSSL", key="p256", passphrase="pässphrase")
    content = encrypted("p256", passphrase="another")
    table.add("another passphrase", content, by="OpenSSL", refused="passphrase-wrong", passphrase=PASSPHRASE)
    content = base64.b64encode(encrypted("p256", "-outform", "DER"))
    table.add("Base64 of encrypted PKCS#8", content, by="OpenSSL", key="p256", passphrase=PASSPHRASE)
    for cipher, name, old in (
        ("aes256", "rsa", ("rsa", "-traditional")),
        ("aes256", "p256", ("ec",)),
        ("des3", "p256", ("ec",)),
    ):
        content = table.openssl(*old, "-in", f"{name}.pem", f"-{cipher}", "-passout", f"pass:{PASSPHRASE}")
        table.add(
            f"traditional PEM encrypted with {cipher}, {name}",
            content,
            by="OpenSSL",
            key=name,
            passphrase=PASSPHRASE,
            browser=unsupported("", NO_MD5),
        )
    content = table.openssl("ec", "-in", "p256.pem", "-aes256", "-passout", "pass:another")
    table.add(
        "traditional PEM and another passphrase",
        content,
        by="OpenSSL",
        refused="passphrase-wrong",
        passphrase=PASSPHRASE,
        browser=unsupported("", NO_MD5),
    )
    content = table.openssl("ec", "-in", "p256.pem", "-camellia256", "-passout", f"pass:{PASSPHRASE}")
    table.add(
        "traditional PEM encrypted with Camellia",
        content,
        by="OpenSSL",
        refused="unsupported-encryption",
        says=["CAMELLIA-256-CBC", CONVERT],
        browser=unsupported("", NO_MD5),
    )


def openssl_points(table: Table) -> None:
    """The same key with its point and its curve spelt in other ways: the verdict is the same in every container."""
    for form in ("compressed", "hybrid"):
        for kind, content in spelt(table, "p256", "-ec_conv_form", form).items():
            passphrase = PASSPHRASE if "encrypted" in kind else None
            table.add(f"a {form} point in {kind}", content, by="OpenSSL", key="p256", passphrase=passphrase)
    for kind, content in spelt(table, "p256", "-ec_param_enc", "explicit").items():
        passphrase = PASSPHRASE if "encrypted" in kind else None
        table.add(
            f"explicit parameters in {kind}",
            content,
            by="OpenSSL",
            refused="explicit-parameters",
            says=["openssl ec", "-param_enc named_curve"],
            passphrase=passphrase,
        )


def spelt(table: Table, name: str, *options: str) -> dict[str, bytes]:
    command = ["pkey", "-in", f"{name}.pem", *options]
    encrypted = [*command, "-aes256", "-passout", f"pass:{PASSPHRASE}"]
    plain = table.openssl(*command)
    return {
        "PKCS#8": plain,
        "encrypted PKCS#8": table.openssl(*encrypted),
        "SEC1": table.openssl(*command, "-traditional"),
        "DER": table.openssl("base64", "-d", "-A", data=b"".join(plain.splitlines()[1:-1])),
    }


def openssl_beside(table: Table) -> None:
    """What stands beside the key in one PEM file."""
    key = table.read("p256.pem")
    certificate = table.openssl("req", "-x509", "-key", "p256.pem", "-subj", "/CN=Prüfung", "-utf8", "-days", "1")
    table.write("certificate.pem", certificate)
    request = table.openssl("req", "-new", "-key", "p256.pem", "-subj", "/CN=test")
    public = table.openssl("pkey", "-in", "p256.pem", "-pubout")
    parameters = table.openssl("ecparam", "-name", "prime256v1")
    groups = table.openssl("genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048")
    for name, before in (
        ("a certificate", certificate),
        ("a certificate request", request),
        ("a public key", public),
        ("EC PARAMETERS", parameters),
        ("DH PARAMETERS", groups),
        ("a certificate as text", table.openssl("x509", "-in", "certificate.pem", "-text")),
    ):
        table.add(f"{name} before the key", before + key, by="OpenSSL", key="p256")
    table.add("certificates after the key", key + certificate + certificate, by="OpenSSL", key="p256")
    old = table.openssl("ecparam", "-name", "prime256v1") + table.openssl("ec", "-in", "p256.pem")
    table.add("SEC1 as openssl ecparam writes it", old, by="OpenSSL", key="p256")
    bundle = table.openssl(
        *("pkcs12", "-export", "-inkey", "p256.pem", "-in", "certificate.pem"),
        *("-name", "Schlüssel", "-passout", "pass:", "-out", "bundle.p12"),
    )
    bundle = table.openssl("pkcs12", "-in", "bundle.p12", "-nodes", "-passin", "pass:")
    table.add("bag attributes of openssl pkcs12", bundle, by="OpenSSL", key="p256")
    rsa = table.read("rsa.pem")
    table.add("two private keys", key + rsa, by="OpenSSL", refused="several-keys")
    table.add("a certificate alone", certificate, by="OpenSSL", refused="certificate")
    table.add("a certificate request alone", request, by="OpenSSL", refused="certificate")
    table.add("a public key alone", public, by="OpenSSL", refused="public-key")
    table.add("parameters alone", parameters, by="OpenSSL", refused="no-key")
    for name, command in (("a public key", ["pkey", "-pubout"]), ("a PKCS#1 public key", ["rsa", "-RSAPublicKey_out"])):
        content = table.openssl(*command, "-in", "rsa.pem", "-outform", "DER")
        table.add(f"{name} in DER", content, by="OpenSSL", spec="RSA_2048", refused="public-key")
    content = table.openssl("x509", "-in", "certificate.pem", "-outform", "DER")
    table.add("a certificate in DER", content, by="OpenSSL", refused="certificate")


def openssl_refused(table: Table) -> None:
    store = table.read("bundle.p12")
    table.add("PKCS#12", store, by="OpenSSL", refused="pkcs12", says=["openssl pkcs12"])
    table.add("PKCS#12 in Base64", base64.encodebytes(store), by="OpenSSL", refused="pkcs12")
    for name, options in (("PVK", ("-outform", "PVK", "-pvk-none", *LEGACY)), ("MSBLOB", ("-outform", "MSBLOB"))):
        content = table.openssl("rsa", "-in", "rsa.pem", *options)
        table.add(name, content, by="OpenSSL", spec="RSA_2048", refused="pvk", says=[f"openssl rsa -inform {name}"])

    def generated(algorithm: str, *options: str) -> bytes:
        settings = [part for option in options for part in ("-pkeyopt", option)]
        return table.openssl("genpkey", "-algorithm", algorithm, *settings)

    for name, content, says in (
        ("Ed25519", generated("ED25519"), ["Ed25519"]),
        ("X25519", generated("X25519"), ["X25519"]),
        ("P-521", generated("EC", "ec_paramgen_curve:P-521"), ["P-521"]),
        ("secp256k1", generated("EC", "ec_paramgen_curve:secp256k1"), ["secp256k1"]),
        ("brainpoolP256r1", generated("EC", "ec_paramgen_curve:brainpoolP256r1"), ["brainpoolP256r1"]),
        ("RSA of 1,024 bits", generated("RSA", "rsa_keygen_bits:1024"), ["1024"]),
    ):
        spec = "RSA_2048" if "RSA" in name else "EC_P256"
        table.add(name, content, by="OpenSSL", spec=spec, refused="not-importable", says=says)
        if name in ("secp256k1", "RSA of 1,024 bits"):
            encrypted = table.openssl("pkcs8", "-topk8", "-passout", f"pass:{PASSPHRASE}", data=content)
            traditional = table.openssl("pkey", "-traditional", data=content)
            table.add(
                f"{name}, encrypted",
                encrypted,
                by="OpenSSL",
                spec=spec,
                refused="not-importable",
                says=says,
                passphrase=PASSPHRASE,
            )
            table.add(f"{name}, traditional", traditional, by="OpenSSL", spec=spec, refused="not-importable", says=says)
    for name, content, refused in (
        ("RSASSA-PSS", generated("RSA-PSS", "rsa_keygen_bits:2048"), "rsa-pss"),
        ("three primes", generated("RSA", "rsa_keygen_bits:2048", "rsa_keygen_primes:3"), "multi-prime"),
        ("the exponent 3", generated("RSA", "rsa_keygen_bits:2048", "rsa_keygen_pubexp:3"), "invalid-key"),
    ):
        encrypted = table.openssl("pkcs8", "-topk8", "-passout", f"pass:{PASSPHRASE}", data=content)
        traditional = table.openssl("rsa", "-traditional", data=content)
        row = {"by": "OpenSSL", "spec": "RSA_2048", "refused": refused}
        table.add(f"RSA with {name}", content, **row)
        table.add(f"RSA with {name}, encrypted", encrypted, **row, passphrase=PASSPHRASE)
        table.add(f"RSA with {name}, traditional", traditional, **row)
    dsa = table.openssl("genpkey", "-genparam", "-algorithm", "DSA", "-pkeyopt", "dsa_paramgen_bits:1024")
    content = table.openssl("genpkey", "-paramfile", table.write("dsa.pem", dsa))
    table.add("DSA", content, by="OpenSSL", spec="RSA_2048", refused="not-importable", says=["DSA"])
    content = table.openssl("pkey", "-traditional", data=content)
    table.add("DSA, traditional", content, by="OpenSSL", spec="RSA_2048", refused="not-importable", says=["DSA"])


# --- other programs -----------------------------------------------------------------------------------------------


def jdk(table: Table) -> None:
    for name, algorithm in (("rsa", "RSA"), ("p256", "EC")):
        exports = table.lines("java", str(HERE / "Exports.java"), f"{name}.der", algorithm, PASSPHRASE)
        table.add(f"PKCS#8 of a JDK, {name}", exports["PKCS#8"], by="JDK", key=name)
    for scheme, oid, because in (
        ("PBEWithHmacSHA256AndAES_256", "", ""),
        ("PBEWithSHA1AndDESede", "1.2.840.113549.1.12.1.3", NO_DES),
        ("PBEWithMD5AndDES", "1.2.840.113549.1.5.3", NO_DES),
    ):
        browser = unsupported(oid, because) if because else None
        table.add(scheme, exports[scheme], by="JDK", key="p256", passphrase=PASSPHRASE, browser=browser)
    for kind in ("JKS", "JCEKS", "PKCS12"):
        words = ["-keyalg", "EC", "-groupname", "secp256r1", "-alias", "a", "-dname", "CN=test"]
        secret = ["-storepass", "changeit", "-keypass", "changeit"]
        table.run("keytool", "-genkeypair", "-keystore", f"store.{kind}", "-storetype", kind, *words, *secret)
        refused, says = ("pkcs12", "openssl pkcs12") if kind == "PKCS12" else ("jks", "keytool -importkeystore")
        table.add(
            f"a key store of keytool, {kind}", table.read(f"store.{kind}"), by="JDK", refused=refused, says=[says]
        )


def go(table: Table) -> None:
    for name in ("rsa", "p256", "p256-short"):
        exports = table.lines("go", "run", str(HERE / "exports.go"), f"{name}.der", PASSPHRASE)
        table.add(f"PKCS#8 of Go, {name}", exports["PKCS#8"], by="Go", key=name)
        table.add(f"traditional PEM of Go, {name}", exports["traditional"], by="Go", key=name)
    browser = unsupported("", NO_MD5)
    content = exports["encrypted"]
    table.add("encrypted PEM of Go", content, by="Go", key=name, passphrase=PASSPHRASE, browser=browser)


def node(table: Table) -> None:
    for name in ("rsa", "p256", "p384", "p256-short"):
        exports = table.lines("node", str(HERE / "exports.js"), f"{name}.pem", PASSPHRASE)
        table.add(f"JWK of Node, {name}", exports["JWK"], by="Node", key=name)
        table.write(f"{name}.jwk", exports["JWK"])
    table.add("PKCS#8 of Node", exports["PKCS#8"], by="Node", key=name)
    table.add("encrypted PKCS#8 of Node", exports["encrypted"], by="Node", key=name, passphrase=PASSPHRASE)


def gnutls(table: Table) -> None:
    content = table.run("certtool", "-k", "--infile", "rsa.pem")
    table.add("certtool -k, with text before", content, by="GnuTLS", key="rsa")
    content = table.run("certtool", "-k", "--infile", "p256.pem")  # 3.7 writes no curve, and cannot read it again
    table.add("certtool -k of an EC key", content, by="GnuTLS", refused="no-curve", says=["certtool --to-p8"])
    content = table.run("certtool", "--to-p8", "--load-privkey", "p256.pem", "--password", PASSPHRASE)
    table.add("certtool --to-p8", content, by="GnuTLS", key="p256", passphrase=PASSPHRASE)
    content = table.run("certtool", "--to-rsa", "--load-privkey", "rsa.pem")
    table.add("certtool --to-rsa", content, by="GnuTLS", key="rsa")


def putty(table: Table) -> None:
    old = table.openssl("rsa", "-traditional", "-in", "rsa.pem")
    table.write("rsa-old.pem", old)
    table.openssl("ec", "-in", "p256.pem", "-out", "p256-old.pem")
    command = "puttygen KEY_FILE -O private-openssh -o key.pem"
    for name, version in (("rsa", "2"), ("p256", "3")):
        table.run("puttygen", f"{name}-old.pem", "-O", "private", "--ppk-param", f"version={version}", "-o", "out.ppk")
        content = table.read("out.ppk")
        spec = PRIVATE_KEYS[name]
        table.add(f"PuTTY, version {version}", content, by="PuTTY", spec=spec, refused="putty", says=[command])
        table.run("puttygen", "out.ppk", "-O", "private-openssh", "-o", "out.pem")
        table.add(f"PuTTY, version {version}, converted", table.read("out.pem"), by="PuTTY", key=name)
    table.run("puttygen", "rsa-old.pem", "-O", "private-sshcom", "-o", "out.ssh")
    content = table.read("out.ssh")
    table.add("ssh.com", content, by="PuTTY", spec="RSA_2048", refused="ssh-com", says=[command])
    table.run("puttygen", "out.ssh", "-O", "private-openssh", "-o", "out.pem")
    table.add("ssh.com, converted", table.read("out.pem"), by="PuTTY", key="rsa")


def openssh(table: Table) -> None:
    for kind, bits in (("rsa", "2048"), ("ecdsa", "256"), ("ed25519", "256")):
        table.run("ssh-keygen", "-q", "-t", kind, "-b", bits, "-N", "", "-f", f"id_{kind}")
        content = table.read(f"id_{kind}")
        spec = "RSA_2048" if kind == "rsa" else "EC_P256"
        says = ["ssh-keygen -p -m PKCS8 -f COPY"]
        table.add(f"OpenSSH, {kind}", content, by="OpenSSH", spec=spec, refused="openssh", says=says)
    table.add("a public key of OpenSSH", table.read("id_ecdsa.pub"), by="OpenSSH", refused="public-key")
    table.write("copy", table.read("p256-old.pem"))
    table.run("ssh-keygen", "-q", "-p", "-m", "PKCS8", "-N", "", "-f", "copy")
    table.add("converted by ssh-keygen", table.read("copy"), by="OpenSSH", key="p256")


def gnupg(table: Table) -> None:
    table.run("gpg", "--batch", "--quiet", "--passphrase", "", "--quick-gen-key", "test", "rsa2048")
    armoured = table.run("gpg", "--batch", "--armor", "--export-secret-keys")
    table.add("OpenPGP, armoured", armoured, by="GnuPG", spec="RSA_2048", refused="pgp")
    binary = table.run("gpg", "--batch", "--export-secret-keys")
    table.add("OpenPGP, binary", binary, by="GnuPG", spec="RSA_2048", refused="pgp")
    table.run("gpgconf", "--kill", "gpg-agent")


def softhsm(table: Table) -> None:
    """PKCS#11's CKM_AES_KEY_WRAP takes whole octets of eight, so SoftHSM fills a private key up with zeros."""
    (table.directory / "tokens").mkdir()
    table.write("softhsm2.conf", f"directories.tokendir = {table.directory}/tokens\n".encode())
    os.environ["SOFTHSM2_CONF"] = str(table.directory / "softhsm2.conf")
    table.run("softhsm2-util", "--init-token", "--free", "--label", "t", "--so-pin", "12345678", "--pin", "1234")
    library = next(Path("/usr/lib").glob("**/softhsm/libsofthsm2.so"))
    token = pkcs11.lib(str(library)).get_token(token_label="t")
    attributes = {pkcs11.Attribute.EXTRACTABLE: True, pkcs11.Attribute.SENSITIVE: False}
    with token.open(user_pin="1234", rw=True) as session:
        wrapping = os.urandom(32)
        wrapper = session.create_object(
            {
                pkcs11.Attribute.CLASS: pkcs11.ObjectClass.SECRET_KEY,
                pkcs11.Attribute.KEY_TYPE: pkcs11.KeyType.AES,
                pkcs11.Attribute.VALUE: wrapping,
                pkcs11.Attribute.WRAP: True,
            }
        )
        for name, decode in (("rsa", decode_rsa_private_key), ("p256", decode_ec_private_key)):
            old = table.openssl(*(["rsa", "-traditional"] if name == "rsa" else ["ec"]), "-in", f"{name}.pem",
                                "-outform", "DER")  # fmt: skip
            key = session.create_object({**decode(old), **attributes})
            content = aes_key_unwrap(wrapping, wrapper.wrap_key(key, mechanism=pkcs11.Mechanism.AES_KEY_WRAP))
            table.add(f"as SoftHSM fills it up before wrapping, {name}", content, by="SoftHSM", key=name)


def jwk_of(table: Table, name: str) -> dict[str, str]:
    return json.loads(table.read(f"{name}.jwk"))
