"""Files that no program wrote like this but people have: cut, joined, pasted, encoded once more; and rare DER."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_private_key

from tests.keyfiles.by_programs import NO_MD5, jwk_of, unsupported
from tests.keyfiles.table import PASSPHRASE, Table, encoded, encrypted, pem
from tests.kmscrypto.keys import (
    EC_OID,
    NULL,
    P256,
    P384,
    RSA_OID,
    ec_pkcs8,
    integer,
    octets,
    pkcs8,
    point,
    sequence,
    tlv,
)

UTF_8_MARK = b"\xef\xbb\xbf"


def add_to(table: Table) -> None:
    for add_rows in (pem_as_people_have_it, pem_refused, text, json_files, other_programs):
        add_rows(table)
    for add_rows in (lengths, versions, scalars, points, rsa_numbers, damaged):
        add_rows(table)
    for add_rows in (symmetric, symmetric_refused):
        add_rows(table)


def pem_as_people_have_it(table: Table) -> None:
    key = table.read("p256.pem")
    lines = key.splitlines()
    old = table.openssl("ec", "-in", "p256.pem", "-aes128", "-passout", f"pass:{PASSPHRASE}").splitlines()
    for name, content in (
        ("text before BEGIN", b"Here is the key, \xc3\xa9t\xc3\xa9.\n\n" + key),
        ("text after END", key + b"\nBest regards\n"),
        ("a byte order mark before PEM", UTF_8_MARK + key),
        ("\\n instead of line breaks", b"\\n".join(lines) + b"\\n"),
        ("\\r\\n instead of line breaks", b"\\r\\n".join(lines)),
        ("\\\\n instead of line breaks", b"\\\\n".join(lines)),
        ("spaces instead of line breaks", b" ".join(lines)),
        ("nothing instead of line breaks", b"".join(lines)),
        ("carriage returns instead of line breaks", b"\r".join(lines)),
        ("Windows line breaks", b"\r\n".join(lines) + b"\r\n"),
        ("indented PEM in YAML", b"key: |\n" + b"".join(b"    " + line + b"\n" for line in lines)),
        ("PEM in quotes", b'KEY="' + b"\\n".join(lines) + b'"\n'),
        ("PEM without a line break at the end", key.rstrip()),
        ("PEM with an empty line in it", b"\n\n".join(lines)),
        ("PEM in one long line", b"\n".join((lines[0], b"".join(lines[1:-1]), lines[-1]))),
        ("PEM with headers", lines[0] + b"\nComment: mine\nX-Origin: vault\n\n" + b"\n".join(lines[1:])),
        ("a PRIVATE KEY label on SEC1", pem("PRIVATE KEY", table.openssl("ec", "-in", "p256.pem", "-outform", "DER"))),
        ("an EC PRIVATE KEY label on PKCS#8", pem("EC PRIVATE KEY", table.read("p256.der"))),
    ):
        table.add(name, content, key="p256")
    browser = unsupported("", NO_MD5)
    for name, separator in (("spaces", b" "), ("\\n", b"\\n")):
        content = separator.join(line for line in old if line)
        table.add(
            f"traditional encrypted PEM with {name} instead of line breaks",
            content,
            key="p256",
            passphrase=PASSPHRASE,
            browser=browser,
        )


def pem_refused(table: Table) -> None:
    key = table.read("p256.pem")
    lines = key.splitlines()
    old = table.openssl("ec", "-in", "p256.pem", "-aes128", "-passout", f"pass:{PASSPHRASE}")
    says = ["line breaks were lost", "printf '%b'"]
    table.add("PEM where n is left of each \\n", b"n".join(lines) + b"n", refused="line-breaks-lost", says=says)
    joined = b"".join(old.splitlines())
    table.add("traditional encrypted PEM without line breaks", joined, refused="line-breaks-lost", says=says)
    for name, content in (
        ("PEM without its END line", b"\n".join(lines[:-1])),
        ("PEM with half of its END line", key[:-10]),
        ("PEM that lost characters", key.replace(lines[1][-3:], b"")),
        ("PEM with a foreign character", key.replace(lines[1][:4], lines[1][:3] + b"!")),
        ("PEM with another END label", key.replace(b"END PRIVATE", b"END EC PRIVATE")),
    ):
        table.add(name, content, refused="damaged-pem")
    lost = b"\n".join((lines[0], *lines[2:]))
    table.add("PEM that lost a line", lost, refused="damaged-der")
    table.add("the same key twice in PEM", key + key, refused="several-keys")
    for name, encoding in (("little", "utf-16-le"), ("big", "utf-16-be")):
        content = key.decode().encode(encoding)
        mark = "\ufeff".encode(encoding)
        table.add(f"PEM in UTF-16, {name} endian", mark + content, refused="utf-16", says=["iconv"])
        table.add(f"PEM in UTF-16, {name} endian, without a mark", content, refused="utf-16", says=["iconv"])


def text(table: Table) -> None:
    content = table.read("p256.der")
    code = base64.b64encode(content)
    for name, encoded_key in (
        ("Base64 of PKCS#8", code),
        ("Base64 of PKCS#8, in lines", base64.encodebytes(content)),
        ("Base64 of PKCS#8, URL-safe, without padding", base64.urlsafe_b64encode(content).rstrip(b"=")),
        ("base64: and Base64 of PKCS#8", b"base64:" + code),
        ("hex of PKCS#8", content.hex().encode()),
        ("hex of PKCS#8, with a line end", content.hex().upper().encode() + b"\r\n"),
        ("hex of PKCS#8, as xxd -p writes it", "\n".join(chunks(content.hex(), 60)).encode() + b"\n"),
        ("hex of PKCS#8, with colons", content.hex(":").encode()),
    ):
        table.add(name, encoded_key, key="p256")
    old = table.openssl("ec", "-in", "p256.pem", "-outform", "DER")
    table.add("Base64 of SEC1", base64.b64encode(old), key="p256")
    twice = base64.b64encode(table.read("p256.pem"))
    table.add("Base64 of PEM, as in a Kubernetes Secret", twice, refused="encoded-twice", says=["base64 -d"])
    table.add("Base64 of PKCS#8 that was cut", code[: len(code) // 2 // 4 * 4], refused="damaged-der")


def chunks(content: str, size: int) -> list[str]:
    return [content[at : at + size] for at in range(0, len(content), size)]


def json_files(table: Table) -> None:
    def written(value: object) -> bytes:
        return json.dumps(value).encode()

    rsa, p256, short = (jwk_of(table, name) for name in ("rsa", "p256", "p256-short"))
    key = table.read("p256.pem").decode()
    account = {"type": "service_account", "project_id": "x", "private_key_id": "1f", "private_key": key}
    table.add("JSON with private_key", written(account), key="p256")
    table.add("JSON with private_key, indented", json.dumps(account, indent=2).encode(), key="p256")
    old = table.openssl("rsa", "-traditional", "-in", "rsa.pem").decode()
    escaped = json.dumps(account).replace("/", "\\/").replace("=", "\\u003d").encode()
    table.add("JSON with private_key, escaped as PHP and Gson do", escaped, key="p256")
    written_by = json.dumps({"written_by": "Zoë", **account}, ensure_ascii=False).encode()
    table.add("JSON with private_key and other letters than ASCII", written_by, key="p256")
    vault = {"data": {"keys": {"1": key}, "name": "k", "type": "ecdsa-p256"}}
    table.add("JSON with PEM deeper down", written(vault), key="p256")
    several = {"one": key, "two": old}
    table.add("JSON with two private keys", written(several), refused="several-keys")
    table.add("JSON with private_key in PKCS#1", written({"private_key": old}), key="rsa")
    table.add("a byte order mark before a JWK", UTF_8_MARK + written(p256), key="p256")
    table.add("a set of one JWK", written({"keys": [p256]}), key="p256")
    three = {name: rsa[name] for name in ("kty", "n", "e", "d")}
    table.add("a JWK of n, e and d", written(three), key="rsa")
    without_crt = {name: rsa[name] for name in ("kty", "n", "e", "d", "p", "q")}
    table.add("a JWK without CRT values", written(without_crt), key="rsa")
    swapped = {**without_crt, "p": rsa["q"], "q": rsa["p"]}
    table.add("a JWK with the smaller prime first", written(swapped), key="rsa")
    shorter = {**short, "d": base64.urlsafe_b64encode(base64.urlsafe_b64decode(short["d"] + "=")[1:]).decode()}
    table.add("a JWK whose scalar lost its leading zero", written(shorter), key="p256-short")
    table.add("RSA-HSM with the private members", written({**rsa, "kty": "RSA-HSM"}), key="rsa")
    table.add("a JWK in the member key", written({"key": p256}), key="p256")

    public = {name: value for name, value in p256.items() if name != "d"}
    table.add("a JWK of a public key", written(public), refused="public-key")
    azure = {name: rsa[name] for name in ("n", "e")} | {"kid": "https://v.vault.azure.net/keys/k/1"}
    for kind in ("RSA", "RSA-HSM"):
        content = written({"attributes": {"enabled": True}, "key": {**azure, "kty": kind, "key_ops": ["sign"]}})
        table.add(f"what Azure answers, {kind}", content, spec="RSA_2048", refused="cloud-key", says=["Azure"])
    missing = {name: value for name, value in rsa.items() if name != "e"}
    row = {"spec": "RSA_2048", "refused": "missing-numbers", "says": ["public exponent e"]}
    table.add("a JWK without e", written(missing), **row)
    other = {"oth": [{"r": "AQ", "d": "AQ", "t": "AQ"}]}
    table.add("a JWK of three primes", written({**rsa, **other}), spec="RSA_2048", refused="multi-prime")
    table.add("two JWKs in a set", written({"keys": [p256, p256]}), refused="several-keys")
    table.add("JWK on P-521", written({**p256, "crv": "P-521"}), refused="not-importable", says=["P-521"])
    okp = {"kty": "OKP", "crv": "Ed25519", "d": p256["d"], "x": p256["x"]}
    table.add("JWK on Ed25519", written(okp), refused="not-importable", says=["Ed25519"])
    mixed = {**p256, "d": short["d"]}
    table.add("a JWK whose point is another's", written(mixed), refused="invalid-key")
    table.add("a JWE", written({"protected": "e30", "encrypted_key": "AA", "ciphertext": "AA"}), refused="jwe")
    table.add("JSON that was cut", written(p256)[:-9], refused="damaged-json")
    table.add("JSON that is no key", b'{"hello": "world"}', refused="damaged-json")


def other_programs(table: Table) -> None:
    numbers = load_der_private_key(table.read("rsa.der"), None).private_numbers()
    values = {
        "Modulus": numbers.public_numbers.n,
        "Exponent": numbers.public_numbers.e,
        "P": numbers.p,
        "Q": numbers.q,
        "DP": numbers.dmp1,
        "DQ": numbers.dmq1,
        "InverseQ": numbers.iqmp,
        "D": numbers.d,
    }
    members = "".join(
        f"<{name}>{encoded(value.to_bytes((value.bit_length() + 7) // 8))}</{name}>" for name, value in values.items()
    )
    content = f"<RSAKeyValue>{members}</RSAKeyValue>".encode()
    row = {"spec": "RSA_2048", "refused": "xml", "says": ["RSA.FromXmlString"]}
    table.add("RSAKeyValue of .NET", content, **row)
    parameters = content.replace(b"RSAKeyValue", b"RSAParameters")
    table.add("RSAParameters of .NET", UTF_8_MARK + b'<?xml version="1.0"?>\r\n' + parameters, **row)
    table.add("RSAKeyValue after an XML declaration", b'<?xml version="1.0"?>\n' + content, **row)


# --- DER ----------------------------------------------------------------------------------------------------------


def in_every_container(table: Table, name: str, content: bytes, inner: bytes = b"", **row: object) -> None:
    """The same key as DER, PEM and encrypted, and as `inner`, its PKCS#1 or SEC1: one verdict."""
    table.add(f"{name}, DER", content, **row)
    table.add(f"{name}, encrypted", encrypted(content), **row, passphrase=PASSPHRASE)
    if inner:
        label = "RSA PRIVATE KEY" if row.get("spec") == "RSA_2048" else "EC PRIVATE KEY"
        table.add(f"{name}, traditional", pem(label, inner), **row)


def lengths(table: Table) -> None:
    content = table.read("p256.der")
    for count in (1, 7):
        table.add(f"DER and {count} zero octets", content + bytes(count), key="p256")
    says = ["head -c 138"]
    assert len(content) == 138
    table.add("DER and 8 zero octets", content + bytes(8), refused="trailing-bytes", says=says)
    table.add("DER and a line end", content + b"\n", refused="trailing-bytes", says=says)
    table.add("DER and other octets", content + b"\1\2\3", refused="trailing-bytes", says=says)
    table.add("PEM of DER and other octets", pem("PRIVATE KEY", content + b"\1\2\3"), refused="trailing-bytes")
    table.add("encrypted DER and 7 zero octets", encrypted(content + bytes(7)), key="p256", passphrase=PASSPHRASE)


def versions(table: Table) -> None:
    """PKCS#8 version 1 (RFC 5958), with and without the public key [1]; attributes; the NULL of RSA."""
    rsa = table.read("rsa.der")
    numbers = rsa[rsa.index(RSA_OID) + len(RSA_OID) + len(NULL) + 4 :]
    ec_key = load_der_private_key(table.read("p256.der"), None)
    private = sequence(integer(1), octets(ec_key.private_numbers().private_value.to_bytes(32)))
    public = load_der_private_key(rsa, None).public_key().public_numbers()
    rsa_public = tlv(0x81, b"\0", sequence(integer(public.n), integer(public.e)))
    ec_public = tlv(0x81, b"\0", point(ec_key))
    another = tlv(0x81, b"\0", point(ec.generate_private_key(ec.SECP256R1())))
    attribute = tlv(0xA0, sequence(bytes.fromhex("0603551d0f"), tlv(0x31, tlv(0x03, b"\0\x80"))))
    rsa_algorithm, ec_algorithm = sequence(RSA_OID, NULL), sequence(EC_OID, P256)
    in_every_container(table, "PKCS#8 version 1, RSA", pkcs8(rsa_algorithm, numbers, version=1), key="rsa")
    content = pkcs8(rsa_algorithm, numbers, rsa_public, version=1)
    in_every_container(table, "PKCS#8 version 1 with [1], RSA", content, key="rsa")
    in_every_container(table, "PKCS#8 version 1, EC", pkcs8(ec_algorithm, private, version=1), key="p256")
    content = pkcs8(ec_algorithm, private, ec_public, version=1)
    in_every_container(table, "PKCS#8 version 1 with [1], EC", content, key="p256")
    table.add("PKCS#8 version 1 with [1] in PEM", pem("PRIVATE KEY", content), key="p256")
    content = pkcs8(ec_algorithm, private, attribute, ec_public, version=1)
    in_every_container(table, "PKCS#8 version 1 with attributes and [1]", content, key="p256")
    content = pkcs8(ec_algorithm, private, another, version=1)
    in_every_container(table, "PKCS#8 version 1 with another's [1]", content, refused="invalid-key")
    in_every_container(table, "attributes of Windows", pkcs8(ec_algorithm, private, attribute), key="p256")
    content = pkcs8(sequence(RSA_OID), numbers)
    in_every_container(table, "RSA without NULL", content, key="rsa")
    in_every_container(table, "PKCS#8 version 2", pkcs8(ec_algorithm, private, version=2), refused="damaged-der")


def scalars(table: Table) -> None:
    """EC scalars written as numbers: without leading zeros, or with an octet for the sign."""
    short = load_der_private_key(table.read("p256-short.der"), None).private_numbers().private_value
    parameters = tlv(0xA0, P256)

    def ec_key(scalar: bytes, name: str, **row: object) -> None:
        inner = sequence(integer(1), octets(scalar), parameters)
        in_every_container(table, name, ec_pkcs8(scalar), inner, **row)

    ec_key(short.to_bytes(31), "a scalar that lost its leading zero", key="p256-short")
    ec_key(bytes(1) + short.to_bytes(32), "a scalar with a sign octet", key="p256-short")
    ec_key(b"\1" + short.to_bytes(32), "a scalar of 33 octets", refused="invalid-key")
    ec_key(bytes(32), "a scalar of zeros", refused="invalid-key")
    ec_key(b"\xff" * 32, "a scalar above the order", refused="invalid-key")


def points(table: Table) -> None:
    key = load_der_private_key(table.read("p256.der"), None)
    scalar = key.private_numbers().private_value.to_bytes(32)
    another = b"\0" + point(ec.generate_private_key(ec.SECP256R1()))

    def ec_key(name: str, public: bytes, **row: object) -> None:
        inner = sequence(integer(1), octets(scalar), tlv(0xA0, P256), tlv(0xA1, tlv(0x03, public)))
        in_every_container(table, name, ec_pkcs8(scalar, public=public), inner, **row)

    ec_key("another's public point", another, refused="invalid-key")
    ec_key("a public point beside the curve", b"\0\4" + bytes(63) + b"\1", refused="invalid-key")
    wrong = (6, 7)[1 - point(key)[-1] % 2]
    ec_key("a hybrid point of the wrong parity", b"\0" + bytes((wrong,)) + point(key)[1:], refused="invalid-key")
    inner = sequence(integer(1), octets(scalar), tlv(0xA1, tlv(0x03, b"\0", point(key))))
    for name, content in (("PEM", pem("EC PRIVATE KEY", inner)), ("DER", inner)):
        table.add(f"SEC1 without its curve, {name}", content, refused="no-curve", says=["curve"])
    content = ec_pkcs8(scalar, curve=NULL)
    in_every_container(table, "PKCS#8 without a curve", content, refused="no-curve")
    in_every_container(table, "two curves", ec_pkcs8(scalar, inner=P384), refused="invalid-key")
    table.add("the curve in PKCS#8 and in SEC1", ec_pkcs8(scalar, inner=P256), key="p256")


def rsa_numbers(table: Table) -> None:
    numbers = load_der_private_key(table.read("rsa.der"), None).private_numbers()
    n, e = numbers.public_numbers.n, numbers.public_numbers.e
    whole = {
        "n": n, "e": e, "d": numbers.d, "p": numbers.p, "q": numbers.q,
        "dp": numbers.dmp1, "dq": numbers.dmq1, "qi": numbers.iqmp,
    }  # fmt: skip

    def rsa_key(name: str, changes: Mapping[str, int], **row: object) -> None:
        inner = sequence(integer(0), *(integer(number) for number in (whole | changes).values()))
        in_every_container(table, name, pkcs8(sequence(RSA_OID, NULL), inner), inner, spec="RSA_2048", **row)

    zeros = dict.fromkeys(("p", "q", "dp", "dq", "qi"), 0)
    rsa_key("RSA of n, e, d and zeros", zeros, key="rsa")
    rsa_key("RSA without CRT values", dict.fromkeys(("dp", "dq", "qi"), 0), key="rsa")
    swapped = {"p": numbers.q, "q": numbers.p, "dp": numbers.dmq1, "dq": numbers.dmp1,
               "qi": pow(numbers.p, -1, numbers.q)}  # fmt: skip
    rsa_key("RSA with the smaller prime first", swapped, key="rsa")
    period = (numbers.p - 1) * (numbers.q - 1)
    rsa_key("RSA with d modulo φ(n)", {"d": pow(e, -1, period)}, key="rsa")
    missing = {"refused": "missing-numbers"}
    rsa_key("RSA without e", {**zeros, "e": 0}, **missing, says=["public exponent e"])
    rsa_key("RSA without d", {"d": 0}, **missing, says=["private exponent d"])
    rsa_key("RSA of n, e, d that do not fit", {**zeros, "d": numbers.d ^ 2}, refused="invalid-key")
    rsa_key("RSA with a wrong CRT value", {"qi": numbers.iqmp ^ 1}, refused="invalid-key")


def damaged(table: Table) -> None:
    content = table.read("p256.der")
    assert content[:3] == b"\x30\x81\x87"
    for name, damaged_key in (
        ("DER that was cut", content[:-5]),
        ("DER of indefinite length", b"\x30\x80" + content[3:] + b"\0\0"),
        ("DER with a length in a long form", b"\x30\x82\0" + content[2:]),
    ):
        table.add(name, damaged_key, refused="damaged-der")
        table.add(f"{name}, in PEM", pem("PRIVATE KEY", damaged_key), refused="damaged-der")
    table.add("encrypted PKCS#8 that was cut", encrypted(content)[:-5], refused="damaged-der")
    table.add("encrypted PKCS#8 with less ciphertext", encrypted(content, cut=5), refused="damaged-der")


# --- 32 bytes -----------------------------------------------------------------------------------------------------


def symmetric(table: Table) -> None:
    raw = table.material("aes")
    code, url, digits = base64.b64encode(raw), base64.urlsafe_b64encode(raw), raw.hex()
    for name, content in (
        ("32 raw bytes", raw),
        ("hex", digits.encode()),
        ("hex in capitals", digits.upper().encode()),
        ("hex and a line end", digits.encode() + b"\n"),
        ("hex and a Windows line end", digits.encode() + b"\r\n"),
        ("hex in two lines", digits[:32].encode() + b"\n" + digits[32:].encode() + b"\n"),
        ("hex with colons", raw.hex(":").encode()),
        ("hex with spaces", raw.hex(" ").encode()),
        ("hex after 0x", b"0x" + digits.encode()),
        ("hex after hex:", b"hex:" + digits.encode()),
        ("hex after a byte order mark", UTF_8_MARK + digits.encode()),
        ("0x.. bytes with commas", ", ".join(f"0x{byte:02x}" for byte in raw).encode()),
        ("0x.. bytes with spaces", " ".join(f"0x{byte:02x}" for byte in raw).encode()),
        ("0x.. bytes in braces", b"{" + ",".join(f"0x{byte:02X}" for byte in raw).encode() + b"};\n"),
        ("\\x.. bytes", "".join(f"\\x{byte:02x}" for byte in raw).encode()),
        ("Base64", code),
        ("Base64 and a line end", code + b"\n"),
        ("Base64 without padding", code.rstrip(b"=")),
        ("Base64, URL-safe", url),
        ("Base64, URL-safe, without padding", url.rstrip(b"=")),
        ("Base64 after base64:", b"base64:" + code),
        ("Base64 after a byte order mark", UTF_8_MARK + code),
        ("a JWK (oct)", json.dumps({"kty": "oct", "k": url.decode().rstrip("=")}).encode()),
        ("a JWK (oct-HSM)", json.dumps({"kty": "oct-HSM", "k": url.decode().rstrip("=")}).encode()),
    ):
        table.add(name, content, key="aes")


def symmetric_refused(table: Table) -> None:
    raw = table.material("aes")
    code, digits = base64.b64encode(raw), raw.hex().encode()
    for name, content, refused, says in (
        ("nothing", b"", "empty", []),
        ("32 raw bytes and a line end", raw + b"\n", "line-end", ["head -c 32"]),
        ("32 raw bytes and a Windows line end", raw + b"\r\n", "line-end", ["head -c 32"]),
        ("31 raw bytes", b"\xe9" + raw[2:], "wrong-length", ["31 bytes"]),
        ("16 raw bytes", b"\xe9" + raw[1:15] + b"\xe9", "wrong-length", ["AES-128"]),
        ("24 raw bytes", b"\xe9" + raw[1:23] + b"\xe9", "wrong-length", ["AES-192"]),
        ("64 raw bytes", b"\xe9" + raw[1:] + raw, "wrong-length", ["HMAC"]),
        ("64 raw bytes that begin as JSON", b"{" + raw[1:] + raw, "wrong-length", ["HMAC"]),
        ("hex of 16 bytes and a line end", digits[:32] + b"\n", "wrong-length", ["AES-128"]),
        ("Base64 of 16 bytes", base64.b64encode(raw[:16]), "wrong-length", ["AES-128"]),
        ("hex that lost a digit", digits[:-1], "damaged-hex", ["63"]),
        ("Base64 that lost a character", code[:-2] + b"=", "damaged-base64", []),
        ("Base64 with too much padding", code + b"=", "damaged-base64", []),
        ("32 characters of text", b"correct horse battery staple....", "ambiguous", ["--format raw"]),
        ("32 hex digits", digits[:32], "ambiguous", ["hex text of 16 bytes"]),
        ("43 hex digits", b"deadbeef" * 5 + b"f00", "ambiguous", ["Base64"]),
        ("Base64 of hex", base64.b64encode(digits), "encoded-twice", []),
        ("Base64 of Base64", base64.b64encode(code), "encoded-twice", []),
        ("Base64 of 32 bytes and a line end", base64.b64encode(raw + b"\n"), "line-end", []),
        ("32 zero bytes", bytes(32), "degenerate", []),
        ("hex of 32 equal bytes", b"ab" * 32, "degenerate", []),
        ("hex in UTF-16", "\ufeff".encode("utf-16-le") + digits.decode().encode("utf-16-le"), "utf-16", ["iconv"]),
        ("words", b"this is not a key at all, sorry", "no-key", []),
        ("a JWK (oct) of 16 bytes", json.dumps({"kty": "oct", "k": "A" * 22}).encode(), "wrong-length", ["16 bytes"]),
    ):
        browser = None
        if "--format raw" in says:
            browser = {"refused": "ambiguous", "because": "a browser's reader has no --format"}
        table.add(name, content, spec="AES_256", refused=refused, says=says, browser=browser)
