// What is in this key file? Bytes in any form in which people keep keys; the answer is 32 bytes for AES-256 or a private
// key in PKCS#8 DER, or a refusal that names what was found. Nothing is guessed: what can be read in two ways is refused.
// The same verdicts as kms-import; one table of files tests both (tests/keyfiles).
import { ascii, toText } from "./bytes.js";
import { checkValueOfAes, checkValueOfPublic } from "./check-value.js";
import { decrypt } from "./encrypted-key.js";
import { KeyFileRefused, TrailingBytes } from "./key-file-refused.js";
import { fromBase64Text, fromHex, fromJson, isBase64, isHex } from "./key-text.js";
import { derOfPem, isPem, openPgp } from "./pem.js";
import { checked, readPrivateKey, shapeOf } from "./private-key.js";

export { KeyFileRefused, PassphraseRequired } from "./key-file-refused.js";

export const AES_BYTES = 32;
const SHORTEST_DER = 40;
const AES = "AES_256";
const PKCS8_COMMAND = "openssl pkcs8 -topk8 -nocrypt";
const count = (number) => number.toLocaleString("en");

// --- files of other programs ---------------------------------------------------------------------------------------

/** Printable ASCII, tabs and line ends. */
const isText = (bytes) => bytes.every((byte) => (byte >= 32 && byte < 127) || byte === 9 || byte === 10 || byte === 13);
const startsWith = (bytes, ...head) => head.every((byte, at) => bytes[at] === byte);

const PUTTYGEN = "Convert it: puttygen KEY_FILE -O private-openssh -o key.pem";
const BINARIES = [
  [(bytes) => isUtf16(bytes), "utf-16", "This is text in UTF-16.", "Save it as plain text: iconv -f UTF-16 -t UTF-8 KEY_FILE > key.txt"],
  [(bytes) => (startsWith(bytes, 0xfe, 0xed, 0xfe, 0xed) || startsWith(bytes, 0xce, 0xce, 0xce, 0xce)) && startsWith(bytes.subarray(4), 0, 0, 0),
    "jks", "This is a Java key store (JKS or JCEKS).",
    "Take the key out: keytool -importkeystore -srckeystore KEY_FILE -destkeystore key.p12 -deststoretype PKCS12, then openssl pkcs12 -in key.p12 -nocerts -out key.pem"],
  [(bytes) => startsWith(bytes, 0x1e, 0xf1, 0xb5, 0xb0), "pvk", "This is a private key of Microsoft (PVK).", "Convert it: openssl rsa -inform PVK -in KEY_FILE -out key.pem"],
  [(bytes) => startsWith(bytes, 7, 2, 0, 0, 0, 0xa4, 0, 0, ...ascii("RSA2")), "pvk", "This is a private key of Microsoft (MSBLOB).",
    "Convert it: openssl rsa -inform MSBLOB -in KEY_FILE -out key.pem"],
  [(bytes) => startsWith(bytes, 0x3f, 0x6f, 0xf9, 0xeb), "ssh-com", "This is a private key of ssh.com (SSH2).", PUTTYGEN],
];
const TEXTS = [
  [/^PuTTY-User-Key-File-/, "putty", "This is a private key of PuTTY.", PUTTYGEN],
  [/^---- BEGIN SSH2 /, "ssh-com", "This is a private key of ssh.com (SSH2).", PUTTYGEN],
  [/^(?:<\?xml[^>]*>\s*)?<(?:RSAKeyValue|DSAKeyValue|RSAParameters)\b/, "xml", "This is a key in XML, as .NET writes it (RSAKeyValue).", "Convert it in .NET: RSA.FromXmlString, then RSA.ExportPkcs8PrivateKeyPem."],
  [/^(?:ssh-|ecdsa-sha2-)/, "public-key", "This is an OpenSSH public key.", "Choose the file with the private key."],
];

/** A secret-key packet (RFC 9580 section 4.2, tag 5) of version 4 to 6, behind a length of one to five bytes. */
function isOpenPgp(bytes) {
  const lengthBytes = { 0x94: 1, 0x95: 2, 0xc5: bytes[1] < 0xc0 ? 1 : bytes[1] < 0xe0 ? 2 : bytes[1] === 0xff ? 5 : NaN }[bytes[0]];
  return [4, 5, 6].includes(bytes[1 + lengthBytes]);
}

/** A byte order mark of UTF-16 and a letter, or eight letters with a zero beside each. */
function isUtf16(bytes) {
  const hasMark = startsWith(bytes, 0xff, 0xfe) || startsWith(bytes, 0xfe, 0xff);
  const first = hasMark ? bytes.subarray(2, 4) : bytes.subarray(0, 16);
  if (first.length < (hasMark ? 2 : 16)) return false;
  return [0, 1].some((parity) => first.every((byte, at) => (at % 2 === parity ? byte === 0 : byte >= 9 && byte < 127)));
}

/** Refuses what a row of these tables matches. */
function refuseForeign(row) {
  if (row) throw new KeyFileRefused(...row.slice(1));
}

function refuseForeignBinary(bytes) {
  if (isOpenPgp(bytes)) throw openPgp();
  refuseForeign(BINARIES.find(([matches]) => matches(bytes)));
}

// --- what was found ------------------------------------------------------------------------------------------------

const KINDS = { 16: "AES-128 keys cannot be imported. ", 24: "AES-192 keys cannot be imported. ", 48: "HMAC keys cannot be imported. ", 64: "HMAC keys cannot be imported. " };

/** Whether these are 32 bytes and a line end. */
const hasLineEnd = (bytes) => ["\n", "\r", "\r\n"].includes(toText(bytes.subarray(AES_BYTES)));

function wrongLength(bytes, found) {
  if (hasLineEnd(bytes)) return new KeyFileRefused("line-end", "These are 32 bytes and a line end.", "Cut it off: head -c 32 KEY_FILE > key.bin");
  return new KeyFileRefused("wrong-length", `The file holds ${found}.`,
    `${KINDS[bytes.length] ?? ""}AES_256 needs exactly 32 bytes: raw, in 64 hex digits, or in 44 characters of Base64.`);
}

/** One of 256 symmetric keys begins as DER does; of the lengths of these, only what is DER to the end counts as DER. */
const looksLikeDer = (bytes) => bytes[0] === 0x30 && bytes.length > SHORTEST_DER && (!(bytes.length in KINDS) || shapeOf(bytes) !== "");

async function aes(bytes, found) {
  if (bytes.every((byte) => byte === bytes[0])) throw new KeyFileRefused("degenerate", "All 32 bytes are the same.", "Key material must be random.");
  return { spec: AES, secret: bytes, found, checkValue: await checkValueOfAes(bytes) };
}

async function withCheckValue({ spec, der, spki }, found) {
  return { spec, secret: der, found, checkValue: await checkValueOfPublic(spki) };
}

const FORMS = { pkcs8: "PKCS#8", pkcs1: "PKCS#1", sec1: "SEC1", encrypted: "encrypted PKCS#8" };

/** The command that writes the DER of a container, to be cut. */
const DECODE = { PEM: "grep -v -e ----- KEY_FILE | base64 -d | head", Base64: "base64 -d < KEY_FILE | head", hex: "xxd -r -p KEY_FILE | head" };

async function fromDer(der, container, passphrase) {
  try {
    return await fromCleanDer(der, container, passphrase);
  } catch (error) {
    if (!(error instanceof TrailingBytes) || shapeOf(der) === "encrypted") throw error;
    const decode = DECODE[container.split(" ")[0]];
    const command = decode ? `${decode} -c ${error.length}` : `head -c ${error.length} KEY_FILE`;
    throw new KeyFileRefused(error.reason, error.found, `If the key is whole, cut them off: ${command} > key.der`);
  }
}

async function fromCleanDer(der, container, passphrase) {
  const shape = shapeOf(der);
  const isEncrypted = shape === "encrypted";
  const plain = isEncrypted ? await decrypt(der, passphrase, container.startsWith("PEM")) : der;
  try {
    return await withCheckValue(await readPrivateKey(plain), `${FORMS[shape]} in ${container}`);
  } finally {
    if (isEncrypted) plain.fill(0);
  }
}

/** What a text encoding holds: 32 bytes, or a private key in DER. */
async function fromDecoded({ bytes, found }, passphrase) {
  if (bytes.length === AES_BYTES) return aes(bytes, found);
  if (looksLikeDer(bytes)) return fromDer(bytes, found, passphrase);
  if (bytes.length > AES_BYTES && (isText(bytes) || isPem(toText(bytes)))) {
    throw new KeyFileRefused("encoded-twice", `The file holds ${found}, and inside it ${bytes.length} characters of text: it is encoded twice.`, found.startsWith("Base64") ? "Decode it once: base64 -d < KEY_FILE > key.txt" : "Decode it once.");
  }
  refuseForeignBinary(bytes);
  throw wrongLength(bytes, `${found}, which are ${count(bytes.length)} bytes`);
}

async function fromJsonText(text, passphrase) {
  const { der, key, found, bytes } = fromJson(text);
  if (der) return fromDer(der, found, passphrase);
  if (key) return withCheckValue(await checked(key), found);
  if (bytes.length !== AES_BYTES) throw wrongLength(bytes, `a ${found} of ${bytes.length} bytes`);
  return aes(bytes, found);
}

function isUtf8(bytes) {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

async function fromText(bytes, passphrase) {
  const text = new TextDecoder("utf-8").decode(bytes).trim();
  if (bytes.length === AES_BYTES) {
    throw new KeyFileRefused("ambiguous", `These are 32 characters of text: ${isHex(text) ? "the hex text of 16 bytes" : "a password or other text"}, or 32 raw bytes that happen to be printable.`,
      "AES_256 needs 32 random bytes. If these really are the bytes of the key, give them in Base64.");
  }
  refuseForeign(TEXTS.find(([pattern]) => pattern.test(text)));
  if (text.startsWith("{") && !isHex(text) && isUtf8(bytes)) return fromJsonText(text, passphrase);
  if (isPem(text)) return fromDer(derOfPem(text), "PEM", passphrase);
  if (!isText(bytes)) return null;
  if (isHex(text)) return fromDecoded(fromHex(text), passphrase);
  const bare = text.replace(/^(?:base64|hex):\s*/i, "");
  if (/^hex:/i.test(text) && isHex(bare)) return fromDecoded(fromHex(bare), passphrase);
  if (isBase64(bare)) return fromDecoded(fromBase64Text(bare), passphrase);
  throw new KeyFileRefused("no-key", `The file holds ${count(bytes.length)} bytes of text that is no hex, Base64, PEM or JWK.`, `Choose the key file, for example one written by ${PKCS8_COMMAND}.`);
}

/**
 * { spec, secret, found, checkValue }: secret is 32 bytes, or PKCS#8 DER in the form that the service stores. Throws a
 * KeyFileRefused, or PassphraseRequired where the key is encrypted and no passphrase (a string) was given.
 */
export async function readKeyFile(file, passphrase) {
  const bytes = startsWith(file, 0xef, 0xbb, 0xbf) && file.length !== AES_BYTES ? file.subarray(3) : file; // a byte order mark
  if (bytes.length === 0) throw new KeyFileRefused("empty", "The file is empty.");
  if (bytes.length === AES_BYTES && !isText(bytes)) return aes(bytes.slice(), "32 raw bytes");
  if (hasLineEnd(bytes) && !isText(bytes)) throw wrongLength(bytes);
  refuseForeignBinary(bytes);
  const found = await fromText(bytes, passphrase);
  if (found) return found;
  if (looksLikeDer(bytes)) return fromDer(bytes, "DER", passphrase);
  throw wrongLength(bytes, `${count(bytes.length)} bytes of binary data`);
}
