// Key files that are text: hex, Base64, JSON Web Keys (RFC 7517, RFC 7518 section 6) and JSON that holds PEM.
import { ascii, fromBase64 } from "./bytes.js";
import { toBytes, toNumber } from "./der.js";
import { KeyFileRefused } from "./key-file-refused.js";
import { derOfPem, isPem } from "./pem.js";
import { multiPrime } from "./private-key.js";

const HEX = /^(?:0x)?[0-9a-f\s]+$|^[0-9a-f]{2}(?::\s*[0-9a-f]{2})+\s*$/i;
const HEX_BYTES = /^[[{("']?\s*(?:0x[0-9a-f]{2}\s*,?\s*|\\x[0-9a-f]{2})+[\]})"']?;?$/i; // as in the source of a program
const BASE64 = /^(?:[0-9A-Za-z+/]+|[0-9A-Za-z_-]+)={0,2}$/;
const BASE64_URL = /^[0-9A-Za-z_-]+$/;

export const isHex = (text) => HEX.test(text) || HEX_BYTES.test(text);
export const isBase64 = (text) => BASE64.test(text.replace(/\s+/g, ""));
const hexDigits = (text) => (HEX_BYTES.test(text) && !HEX.test(text)
  ? [...text.matchAll(/[0\\]x([0-9a-f]{2})/gi)].map(([, digits]) => digits).join("")
  : text.replace(/^0x|[\s:]/gi, ""));

/** { bytes, found } of hex text. */
export function fromHex(text) {
  const digits = hexDigits(text);
  if (digits.length === 43) {
    throw new KeyFileRefused("ambiguous", "These are 43 characters that are all hex digits: hex text that lost a digit, or Base64 text of 32 bytes without padding.",
      "Give all 64 hex digits, or Base64 with its padding.");
  }
  if (digits.length % 2) throw new KeyFileRefused("damaged-hex", `This is hex text with an odd number of digits, ${digits.length}.`, "One digit is missing or too many.");
  return { bytes: Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16)), found: `hex text of ${digits.length} digits` };
}

/** Standard or URL-safe, with its padding or without; null for anything else. */
function looseBase64(text) {
  const standard = text.replace(/=+$/, "").replaceAll("-", "+").replaceAll("_", "/");
  const padded = standard + "=".repeat((4 - (standard.length % 4)) % 4);
  const paddings = [0, padded.length - standard.length];
  return paddings.includes(text.length - standard.length) ? fromBase64(ascii(padded)) : null;
}

/** { bytes, found } of Base64 text. */
export function fromBase64Text(text) {
  const joined = text.replace(/\s+/g, "");
  const bytes = looseBase64(joined);
  if (!bytes) throw new KeyFileRefused("damaged-base64", `This looks like Base64 text, but its ${joined.length} characters are cut off or damaged.`, "Copy the whole text again.");
  return { bytes, found: `Base64 text of ${joined.length} characters` };
}

// --- JSON ----------------------------------------------------------------------------------------------------------

const notAKey = (detail) => new KeyFileRefused("damaged-json", `This looks like a JSON Web Key, but ${detail}.`, "Export the key again as a JWK with its private members.");

function octets(members, name) {
  const value = members[name];
  const bare = typeof value === "string" ? value.replace(/=+$/, "") : "";
  const bytes = BASE64_URL.test(bare) ? looseBase64(bare) : null;
  if (!bytes) throw notAKey(`its member ${name} is missing or not Base64url`);
  return bytes;
}

const number = (members, name) => toNumber(octets(members, name));
const CURVES = { "P-256": { oid: "1.2.840.10045.3.1.7", bytes: 32 }, "P-384": { oid: "1.3.132.0.34", bytes: 48 } };
const otherCurve = (members) => new KeyFileRefused("not-importable", `This JSON Web Key is on the curve ${String(members.crv).slice(0, 16)}.`, "KMS imports EC keys on P-256 and P-384.");
const publicOnly = () => new KeyFileRefused("public-key", "This JSON Web Key is the public half.", "Choose the file with the private key.");

function rsaOf(members) {
  if (!("d" in members)) throw publicOnly();
  if ("oth" in members) throw multiPrime();
  const [n, e, d, p, q, dp, dq, qInv] = ["n", "e", "d", "p", "q", "dp", "dq", "qi"].map((name) => (name in members ? number(members, name) : 0n));
  return { family: "RSA", n, e, d, p, q, dp, dq, qInv };
}

function ecOf(members) {
  if (!("d" in members)) throw publicOnly();
  const curve = Object.hasOwn(CURVES, members.crv) ? CURVES[members.crv] : null;
  if (!curve) throw otherCurve(members);
  const [x, y] = ["x", "y"].map((name) => toBytes(number(members, name), curve.bytes));
  return { family: "EC", curve: curve.oid, scalar: octets(members, "d"), points: [Uint8Array.of(4, ...x, ...y)] };
}

/** All strings in parsed JSON, at any depth. */
function stringsIn(parsed) {
  const strings = [];
  const pending = [parsed];
  while (pending.length > 0) {
    const value = pending.pop();
    if (typeof value === "string") strings.push(value);
    else if (value !== null && typeof value === "object") pending.push(...Object.values(value));
  }
  return strings;
}

/** What JSON holds: { der }, { key, found } or { bytes, found }. */
export function fromJson(text) {
  let parsed;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw notAKey("it is not JSON");
  }
  if (typeof parsed !== "object" || parsed === null) throw notAKey("it is not an object");
  const pems = "kty" in parsed ? [] : stringsIn(parsed).filter(isPem);
  if (pems.length > 0) return { der: derOfPem(pems.join("\n")), found: "PEM in JSON" };
  const keys = Array.isArray(parsed.keys) ? parsed.keys : [parsed];
  if (keys.length !== 1) {
    throw new KeyFileRefused(keys.length ? "several-keys" : "no-key", `This is a set of ${keys.length} JSON Web Keys.`, "Choose a file with the one key to be imported.");
  }
  if (typeof keys[0] !== "object" || keys[0] === null) throw notAKey("it is not an object");
  const isAnswer = typeof keys[0].key === "object" && keys[0].key !== null;
  const members = isAnswer ? keys[0].key : keys[0];
  if ("ciphertext" in members || "encrypted_key" in members) throw new KeyFileRefused("jwe", "This is an encrypted JSON Web Key (JWE).", "Decrypt it with the program that made it, and import the JWK.");
  const isOfAzure = isAnswer || /-HSM$/.test(members.kty);
  const kind = String(members.kty).replace(/-HSM$/, "");
  if (isOfAzure && ["oct", "RSA", "EC"].includes(kind) && !((kind === "oct" ? "k" : "d") in members)) {
    throw new KeyFileRefused("cloud-key", `This is a key of Azure Key Vault (${kind.slice(0, 16)}): its answer holds the public half alone.`, "The private key does not leave Azure. Import the original from where it was made.");
  }
  switch (kind) {
    case "oct":
      if (!("k" in members)) throw new KeyFileRefused("missing-numbers", "This JSON Web Key (oct) lacks its member k, the key.", "Export it again with the key.");
      return { bytes: octets(members, "k"), found: "JWK (oct)" };
    case "RSA": return { key: rsaOf(members), found: "JWK (RSA)" };
    case "EC": return { key: ecOf(members), found: "JWK (EC)" };
    case "OKP": throw otherCurve(members);
    default: throw notAKey("its member kty is missing or unknown");
  }
}
