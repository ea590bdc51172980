// Reads just enough of a private key to say what it is before it is wrapped: PKCS#8 (RFC 5958), not encrypted, which
// family and size. The service reads it again, strictly; this saves a person a wasted round.
import { fromBase64, isText, toHex, toText } from "./bytes.js";

/** A sentence for the person who chose the file. */
export class KeyFault extends Error {}

const CONVERT = "Convert it with: openssl pkcs8 -topk8 -nocrypt -outform DER -in key.pem -out key.der";
const FAMILIES = { "2a864886f70d010101": "RSA", "2a8648ce3d0201": "EC" };
const CURVES = { "2a8648ce3d030107": "P-256", "2b81040022": "P-384", "2b81040023": "P-521", "2b8104000a": "secp256k1" };
const PEM_FAULTS = {
  "ENCRYPTED PRIVATE KEY": `This private key is encrypted with a password. ${CONVERT}`,
  "RSA PRIVATE KEY": `This is PKCS#1, not PKCS#8. ${CONVERT}`,
  "EC PRIVATE KEY": `This is SEC 1, not PKCS#8. ${CONVERT}`,
  "EC PARAMETERS": `This is SEC 1, not PKCS#8. ${CONVERT}`,
  "OPENSSH PRIVATE KEY": "This is an OpenSSH key, not PKCS#8. Convert a copy with: ssh-keygen -p -m PKCS8 -f key",
  "PUBLIC KEY": "This is a public key; the private key is needed.",
  "RSA PUBLIC KEY": "This is a public key; the private key is needed.",
  CERTIFICATE: "This is a certificate; the private key is needed.",
};

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const OCTETS = 0x04;
const OID = 0x06;

/** The DER element at `at`: { tag, value, end }, or null where there is none (RFC 5280 uses definite lengths only). */
function element(bytes, at = 0) {
  if (at + 2 > bytes.length) return null;
  let length = bytes[at + 1];
  let start = at + 2;
  if (length > 0x80 && length <= 0x83) {
    const size = length - 0x80;
    length = 0;
    for (const byte of bytes.subarray(start, start + size)) length = length * 256 + byte;
    start += size;
  } else if (length >= 0x80) {
    return null;
  }
  const end = start + length;
  return end <= bytes.length ? { tag: bytes[at], value: bytes.subarray(start, end), end } : null;
}

function children(bytes) {
  const found = [];
  for (let at = 0; at < bytes.length;) {
    const next = element(bytes, at);
    if (!next) return null;
    found.push(next);
    at = next.end;
  }
  return found;
}

const tags = (list) => (list ?? []).map((each) => each.tag).join(",");

function bitLength(integer) {
  const from = integer.findIndex((byte) => byte !== 0);
  return from < 0 ? 0 : (integer.length - from) * 8 - Math.clz32(integer[from]) + 24;
}

/** What a DER file is: "pkcs8", "pkcs1", "sec1", "encrypted", "public", or "" for anything else. */
export function kindOf(bytes) {
  const outer = element(bytes);
  if (outer?.tag !== SEQUENCE) return "";
  const inside = tags(children(outer.value));
  if (inside.startsWith(`${INTEGER},${SEQUENCE},${OCTETS}`)) return "pkcs8";
  if (inside.startsWith(`${INTEGER},${INTEGER},${INTEGER},${INTEGER}`)) return "pkcs1";
  if (inside.startsWith(`${INTEGER},${OCTETS}`)) return "sec1";
  if (inside === `${SEQUENCE},${OCTETS}`) return "encrypted";
  if (inside === `${SEQUENCE},3`) return "public";
  return "";
}

const DER_FAULTS = {
  pkcs1: PEM_FAULTS["RSA PRIVATE KEY"],
  sec1: PEM_FAULTS["EC PRIVATE KEY"],
  encrypted: PEM_FAULTS["ENCRYPTED PRIVATE KEY"],
  public: PEM_FAULTS["PUBLIC KEY"],
};

function fromPem(bytes) {
  const text = toText(bytes);
  const label = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text)?.[1];
  if (!label) return null;
  if (PEM_FAULTS[label]) throw new KeyFault(PEM_FAULTS[label]);
  const begin = text.indexOf("\n", text.indexOf("-----BEGIN"));
  const end = text.indexOf("-----END", begin);
  const der = label === "PRIVATE KEY" && begin > 0 && end > 0 ? fromBase64(bytes.slice(begin, end)) : null;
  if (!der) throw new KeyFault("This PEM file is damaged or holds something other than a private key.");
  return der;
}

/** { der, family, bits?, curve?, words } of a PEM or DER file, or a KeyFault that says what it is instead. */
export function readPrivateKey(bytes) {
  const der = isText(bytes) ? fromPem(bytes) : bytes.slice();
  const kind = der ? kindOf(der) : "";
  if (kind !== "pkcs8") throw new KeyFault(DER_FAULTS[kind] ?? "This is not a private key in PKCS#8, PEM or DER.");
  const outer = element(der);
  if (outer.end !== der.length) throw new KeyFault(`${der.length - outer.end} bytes follow the key. Give a file that holds the key alone.`);
  const [, algorithm, octets] = children(outer.value);
  const [oid, parameters] = children(algorithm.value) ?? [];
  const family = oid?.tag === OID ? FAMILIES[toHex(oid.value)] : undefined;
  if (family === "RSA") {
    const [, modulus] = children(element(octets.value)?.value ?? new Uint8Array()) ?? [];
    if (modulus?.tag !== INTEGER) throw new KeyFault("This RSA key is damaged.");
    const bits = bitLength(modulus.value);
    return { der, family, bits, words: `RSA, ${bits} bits` };
  }
  if (family === "EC") {
    const curve = parameters?.tag === OID ? CURVES[toHex(parameters.value)] ?? "unknown curve" : "unnamed curve";
    return { der, family, curve, words: `EC, ${curve}` };
  }
  throw new KeyFault("This key is neither RSA nor EC.");
}

const SPECS = {
  RSA_2048: { family: "RSA", bits: 2048 },
  RSA_3072: { family: "RSA", bits: 3072 },
  RSA_4096: { family: "RSA", bits: 4096 },
  EC_P256: { family: "EC", curve: "P-256" },
  EC_P384: { family: "EC", curve: "P-384" },
};
export const isAsymmetric = (spec) => spec in SPECS;

/** Refuses a key that is not what the empty key was created for. */
export function mustMatch(key, spec) {
  const wanted = SPECS[spec];
  if (key.family !== wanted.family || key.bits !== wanted.bits || key.curve !== wanted.curve) {
    throw new KeyFault(`This key is ${key.words}; expected ${spec}.`);
  }
}
