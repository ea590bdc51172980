// A private key in DER, whatever its form: described, brought into the one form that the service stores (PKCS#8,
// RFC 5208 and 5958; RSA: RFC 8017; EC: RFC 5915 and 5480), and checked as the service checks it. What the service
// always refuses is refused here, so that a key which passes can be wrapped in good faith; the service judges again.
import { ascii, fromBase64 } from "./bytes.js";
import {
  BIT_STRING, CONTEXT_0, CONTEXT_1, CONTEXT_1_PRIMITIVE, DerError, encode, encodeInteger, encodeOid, INTEGER, NULL, OCTET_STRING, Reader, SEQUENCE,
  toNumber,
} from "./der.js";
import { KeyFileRefused, TrailingBytes } from "./key-file-refused.js";
import { bitLength, canonical, completed, recoverPrimes, weakness } from "./rsa-numbers.js";

const RSA = "1.2.840.113549.1.1.1";
const RSA_PSS = "1.2.840.113549.1.1.10";
const EC = "1.2.840.10045.2.1";
const PKCS7_PREFIX = "1.2.840.113549.1.7.";
const MOST_PADDING = 7; // zero octets behind the DER that the service accepts, too: tokens pad before they wrap

const RSA_SPECS = { 2048: "RSA_2048", 3072: "RSA_3072", 4096: "RSA_4096" };
const CURVES = {
  "1.2.840.10045.3.1.7": {
    spec: "EC_P256", name: "P-256", bytes: 32, order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  },
  "1.3.132.0.34": {
    spec: "EC_P384", name: "P-384", bytes: 48,
    order: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  },
};
const OTHER_CURVES = {
  "1.3.132.0.10": "secp256k1",
  "1.3.132.0.35": "P-521",
  "1.3.132.0.33": "P-224",
  "1.2.840.10045.3.1.1": "P-192",
  "1.2.156.10197.1.301": "SM2",
  "1.3.36.3.3.2.8.1.1.7": "brainpoolP256r1",
  "1.3.36.3.3.2.8.1.1.11": "brainpoolP384r1",
  "1.3.36.3.3.2.8.1.1.13": "brainpoolP512r1",
};
const OTHER_ALGORITHMS = {
  "1.2.840.113549.1.1.7": "RSAES-OAEP",
  "1.2.840.113549.1.3.1": "Diffie-Hellman",
  "1.2.840.10046.2.1": "Diffie-Hellman",
  "1.2.840.10040.4.1": "DSA",
  "1.3.132.1.12": "ECDH",
  "1.3.101.110": "X25519",
  "1.3.101.111": "X448",
  "1.3.101.112": "Ed25519",
  "1.3.101.113": "Ed448",
};
const SUPPORTED = "KMS imports RSA keys of 2048, 3072 and 4096 bits, and EC keys on P-256 and P-384.";

export const rsaPss = () => new KeyFileRefused("rsa-pss", "This RSA key is restricted to RSASSA-PSS, which cannot be imported.",
  "Import an RSA key without that restriction (rsaEncryption): it signs with RSASSA-PSS as well.");
export const multiPrime = () => new KeyFileRefused("multi-prime", "This RSA key has more than two primes, which cannot be imported.",
  "Generate a key of two primes: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072");
const notImportable = (found) => new KeyFileRefused("not-importable", `This key is ${found}.`, SUPPORTED);
const damaged = (detail) => new KeyFileRefused("damaged-der", `This is no well-formed DER: ${detail}.`, "Export the key again; the file may have been changed on its way.");
const invalid = (spec, reason) => new KeyFileRefused("invalid-key", `This ${spec} key is not valid: ${reason}.`, "KMS refuses such a key. Generate a new one.");

// --- what it is ----------------------------------------------------------------------------------------------------

/** The tags of the values in a SEQUENCE's content. Throws a DerError where these are none. */
function tagsOf(content) {
  const tags = [];
  const fields = new Reader(content);
  while (fields.tag !== undefined) {
    tags.push(fields.tag);
    fields.read(fields.tag);
  }
  return tags;
}

/** Private keys are told by their tags alone: what is damaged inside one is to be called so. */
const PRIVATE_SHAPES = {
  encrypted: (tags) => tags.join() === [SEQUENCE, OCTET_STRING].join(),
  pkcs8: (tags) => tags.slice(0, 3).join() === [INTEGER, SEQUENCE, OCTET_STRING].join(),
  sec1: (tags) => tags.slice(0, 2).join() === [INTEGER, OCTET_STRING].join(),
  pkcs1: (tags) => tags.length >= 9 && tags.slice(0, 9).every((tag) => tag === INTEGER),
};

const OTHER_SHAPES = {
  dsa(fields) {
    for (let count = 0; count < 6; count += 1) fields.integer();
    fields.end();
  },
  "pkcs1-public"(fields) {
    fields.integer();
    fields.integer();
    fields.end();
  },
  pkcs12(fields) {
    if (fields.integer() !== 3n || !fields.sequence().oid().startsWith(PKCS7_PREFIX)) throw new DerError("not PKCS#12");
  },
  public(fields) {
    fields.sequence().oid();
    fields.read(BIT_STRING);
    fields.end();
  },
  certificate(fields) {
    fields.sequence();
    fields.sequence().oid();
    fields.read(BIT_STRING);
    fields.end();
  },
};

/** What this DER is: the name of one of the shapes above, or "" for anything else. */
export function shapeOf(der) {
  let content;
  let tags;
  try {
    content = new Reader(der).read(SEQUENCE);
    tags = tagsOf(content);
  } catch {
    return "";
  }
  const fits = (name) => {
    try {
      OTHER_SHAPES[name](new Reader(content));
      return true;
    } catch {
      return false;
    }
  };
  return Object.keys(PRIVATE_SHAPES).find((name) => PRIVATE_SHAPES[name](tags)) ?? Object.keys(OTHER_SHAPES).find(fits) ?? "";
}

export const isPrivate = (shape) => ["pkcs8", "pkcs1", "sec1", "dsa"].includes(shape);

// --- reading -------------------------------------------------------------------------------------------------------

/** The content of the one SEQUENCE that the file is; few zero octets may follow. */
export function onlySequence(der) {
  const outer = new Reader(der);
  const content = outer.read(SEQUENCE);
  const { rest } = outer;
  if (rest.length > MOST_PADDING || rest.some((byte) => byte !== 0)) {
    throw new TrailingBytes(rest.length, der.length - rest.length);
  }
  return new Reader(content);
}

function readPkcs8(fields) {
  const version = fields.integer();
  const algorithm = fields.sequence();
  const oid = algorithm.oid();
  const content = fields.read(OCTET_STRING);
  fields.optional(CONTEXT_0); // attributes: of no interest, and not kept
  const beside = fields.optional(CONTEXT_1_PRIMITIVE); // the public key of version 1 (RFC 5958)
  fields.end();
  if (version > 1n) throw new DerError("PKCS#8 has versions 0 and 1");
  if (oid === RSA) {
    algorithm.optional(NULL); // RFC 8017 A.1 wants it; some programs leave it out
    algorithm.end();
    return { ...readPkcs1(new Reader(content), true), beside: beside && wholeOctets(beside) };
  }
  if (oid === EC) {
    const key = readSec1(new Reader(content), readCurve(algorithm), true);
    return { ...key, points: [...key.points, ...(beside ? [wholeOctets(beside)] : [])] };
  }
  if (oid === RSA_PSS) throw rsaPss();
  throw notImportable(OTHER_ALGORITHMS[oid] ?? `of the algorithm ${oid}`);
}

/** The octets of a BIT STRING's content. */
function wholeOctets(bits) {
  if (bits[0] !== 0) throw new DerError("a public key is not whole octets");
  return bits.subarray(1);
}

function readCurve(parameters) {
  if (parameters.tag === SEQUENCE) {
    throw new KeyFileRefused("explicit-parameters", "This EC key spells out the parameters of its curve instead of naming it.",
      "Name the curve: openssl ec -in KEY_FILE -param_enc named_curve -out key.pem");
  }
  if (parameters.tag === undefined || parameters.tag === NULL) {
    throw new KeyFileRefused("no-curve", "This EC key does not say on which curve it is.", "Write it again with its curve, by the program that made it; PKCS#8 always names the curve (certtool writes it with certtool --to-p8).");
  }
  const oid = parameters.oid();
  parameters.end();
  return oid;
}

function readPkcs1(outer, isInside = false) {
  const fields = isInside ? outer.sequence() : outer;
  if (isInside) outer.end();
  const version = fields.integer();
  if (version !== 0n) throw multiPrime();
  const [n, e, d, p, q, dp, dq, qInv] = Array.from({ length: 8 }, () => fields.integer());
  fields.end();
  return { family: "RSA", n, e, d, p, q, dp, dq, qInv };
}

/** An ECPrivateKey: on the curve of its container, else on its own. */
function readSec1(outer, outerCurve, isInside = false) {
  const fields = isInside ? outer.sequence() : outer;
  if (isInside) outer.end();
  if (fields.integer() !== 1n) throw new DerError("not a version of SEC1");
  const scalar = fields.read(OCTET_STRING);
  const parameters = fields.optional(CONTEXT_0);
  const wrapper = fields.optional(CONTEXT_1);
  fields.end();
  const innerCurve = parameters && readCurve(new Reader(parameters));
  const curve = outerCurve ?? innerCurve ?? readCurve(new Reader(new Uint8Array()));
  if (innerCurve && innerCurve !== curve) throw new KeyFileRefused("invalid-key", "This EC key names two different curves.", "Export the key again.");
  const points = [];
  if (wrapper) {
    const inner = new Reader(wrapper);
    points.push(wholeOctets(inner.read(BIT_STRING)));
    inner.end();
  }
  return { family: "EC", curve, scalar, points };
}

// --- checking and the one form -------------------------------------------------------------------------------------

const algorithmOf = (oid, parameters) => encode(SEQUENCE, encodeOid(oid), parameters);
const privateKeyInfo = (algorithm, content) => encode(SEQUENCE, encodeInteger(0n), algorithm, encode(OCTET_STRING, content));
const publicKeyInfo = (algorithm, content) => encode(SEQUENCE, algorithm, encode(BIT_STRING, new Uint8Array([0]), content));

function requireNumbers({ n, e, d }) {
  const missing = Object.entries({ "the modulus n": n, "the public exponent e": e, "the private exponent d": d }).filter(([, number]) => number === 0n);
  if (missing.length === 0) return;
  const words = missing.map(([name]) => name).join(" and ");
  throw new KeyFileRefused("missing-numbers", `This RSA key lacks ${words}.`, "An RSA key needs n, e and d at least: export the whole key from where it was made.");
}

/** All eight numbers; primes and CRT values that are missing are computed from the others. */
function complete(key, spec) {
  const { n, e, d, p, q } = key;
  if (p && q && key.dp && key.dq && key.qInv) return key;
  const primes = p && q ? { p, q } : recoverPrimes(key);
  const whole = primes && completed({ n, e, d, ...primes });
  if (!whole) throw invalid(spec, "its numbers do not belong together");
  if (!(p && q)) return whole;
  return { ...whole, dp: key.dp || whole.dp, dq: key.dq || whole.dq, qInv: key.qInv || whole.qInv };
}

function isRsaPublic(der, { n, e }) {
  const outer = new Reader(der);
  const fields = outer.sequence();
  outer.end();
  const isSame = fields.integer() === n && fields.integer() === e;
  fields.end();
  return isSame;
}

function checkedRsa(read) {
  requireNumbers(read);
  const bits = bitLength(read.n);
  const spec = RSA_SPECS[bits];
  if (!spec) throw notImportable(`RSA_${bits}`);
  const key = complete(read, spec);
  const reason = weakness(key, bits);
  if (reason) throw invalid(spec, reason);
  if (read.beside && !isRsaPublic(read.beside, key)) throw invalid(spec, "the public key beside it is another's");
  const numbers = canonical(key);
  const { n, e, d, p, q, dp, dq, qInv } = numbers;
  const algorithm = algorithmOf(RSA, encode(NULL));
  const content = encode(SEQUENCE, ...[0n, n, e, d, p, q, dp, dq, qInv].map(encodeInteger));
  return { spec, der: privateKeyInfo(algorithm, content), spki: publicKeyInfo(algorithm, encode(SEQUENCE, encodeInteger(n), encodeInteger(e))) };
}

/** The scalar in as many bytes as the curve has: a lost leading zero is put back, a sign octet taken off. */
function sizedScalar(scalar, { spec, bytes, order }) {
  const from = scalar.findIndex((byte) => byte !== 0);
  const digits = from < 0 ? new Uint8Array() : scalar.subarray(from);
  const number = digits.length > bytes ? 0n : toNumber(digits);
  if (number < 1n || number >= order) throw invalid(spec, "its private scalar is not between 1 and the order of the curve");
  const sized = new Uint8Array(bytes);
  sized.set(digits, bytes - digits.length);
  return sized;
}

const ecPrivateKey = (scalar, point) => encode(SEQUENCE, encodeInteger(1n), encode(OCTET_STRING, scalar),
  ...(point ? [encode(CONTEXT_1, encode(BIT_STRING, new Uint8Array([0]), point))] : []));

const fromBase64Url = (text) => fromBase64(ascii(text.replaceAll("-", "+").replaceAll("_", "/") + "=".repeat((4 - (text.length % 4)) % 4)));

/** The public point of the scalar, uncompressed. The browser computes it; one that is given, it compares with the scalar. */
async function publicPoint(oid, { spec, name }, scalar, given) {
  const info = privateKeyInfo(algorithmOf(EC, encodeOid(oid)), ecPrivateKey(scalar, given));
  try {
    const key = await crypto.subtle.importKey("pkcs8", info, { name: "ECDSA", namedCurve: name }, true, ["sign"]);
    const { x, y } = await crypto.subtle.exportKey("jwk", key);
    return Uint8Array.of(4, ...fromBase64Url(x), ...fromBase64Url(y));
  } catch {
    if (given) throw invalid(spec, NOT_ITS_POINT);
    throw new KeyFileRefused("invalid-key", "This EC key does not hold its public point, and this browser cannot compute it.", "Add it: openssl pkey -in KEY_FILE -out key.pem");
  } finally {
    info.fill(0);
  }
}

const NOT_ITS_POINT = "its public point is not that of its private scalar";

/** Whether `given` is that point: whole, compressed (RFC 5480), or hybrid as X9.62 has it, the parity of y and y. */
function isPoint(given, point) {
  const parity = point.at(-1) & 1;
  const forms = { 2: 1 + (point.length - 1) / 2, 3: 1 + (point.length - 1) / 2, 4: point.length, 6: point.length, 7: point.length };
  return given.length === forms[given[0]] && (given[0] === 4 || (given[0] & 1) === parity) && given.every((byte, at) => at === 0 || byte === point[at]);
}

async function checkedEc({ curve: oid, scalar: read, points }) {
  const curve = CURVES[oid];
  if (!curve) throw notImportable(`on ${OTHER_CURVES[oid] ?? `the curve ${oid}`}`);
  const scalar = sizedScalar(read, curve);
  const point = await publicPoint(oid, curve, scalar, points.find((given) => given[0] === 4) ?? null);
  if (!points.every((given) => isPoint(given, point))) throw invalid(curve.spec, NOT_ITS_POINT);
  const algorithm = algorithmOf(EC, encodeOid(oid));
  const der = privateKeyInfo(algorithm, ecPrivateKey(scalar, point));
  scalar.fill(0);
  return { spec: curve.spec, der, spki: publicKeyInfo(algorithm, point) };
}

/** As checked, from numbers that are no DER (a JWK): the members of RSAPrivateKey, or { curve, scalar, points }. */
export const checked = async (key) => (key.family === "RSA" ? checkedRsa(key) : checkedEc(key));

const OTHERS = {
  public: ["public-key", "This is a public key.", "Choose the file with the private key."],
  "pkcs1-public": ["public-key", "This is a public key.", "Choose the file with the private key."],
  certificate: ["certificate", "This is a certificate or a certificate request.", "Choose the file with the private key."],
  pkcs12: ["pkcs12", "This is a PKCS#12 file.", "Take the key out: openssl pkcs12 -in KEY_FILE -nocerts -out key.pem (it asks for a new passphrase)."],
  dsa: ["not-importable", "This key is DSA.", SUPPORTED],
};

/** { spec, der, spki } of a private key in DER that is not encrypted: the form that the service stores, and its public key. */
export async function readPrivateKey(der) {
  const shape = shapeOf(der);
  try {
    const fields = onlySequence(der);
    if (shape in OTHERS) throw new KeyFileRefused(...OTHERS[shape]);
    if (shape === "pkcs8") return await checked(readPkcs8(fields));
    if (shape === "pkcs1") return await checked(readPkcs1(fields));
    if (shape === "sec1") return await checked(readSec1(fields));
  } catch (error) {
    if (error instanceof DerError) throw damaged(error.message);
    throw error;
  }
  throw new KeyFileRefused("no-key", "This is DER, but not a private key.", "Choose the private key: PKCS#8, PKCS#1 or SEC1, in PEM or DER, or a JWK. Or the file is damaged.");
}
