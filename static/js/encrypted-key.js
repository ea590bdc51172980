// Decrypting a private key: PKCS#8's EncryptedPrivateKeyInfo with PBES2 (RFC 8018), of which WebCrypto has PBKDF2 and
// AES-CBC. Other schemes are named, with the command that writes the file anew.
import { DerError, INTEGER, OCTET_STRING, SEQUENCE } from "./der.js";
import { KeyFileRefused, PassphraseRequired } from "./key-file-refused.js";
import { onlySequence } from "./private-key.js";

const PBES2 = "1.2.840.113549.1.5.13";
const PBKDF2 = "1.2.840.113549.1.5.12";
const HASHES = {
  "1.2.840.113549.2.7": "SHA-1",
  "1.2.840.113549.2.9": "SHA-256",
  "1.2.840.113549.2.10": "SHA-384",
  "1.2.840.113549.2.11": "SHA-512",
};
const AES_CBC_BITS = { "2.16.840.1.101.3.4.1.2": 128, "2.16.840.1.101.3.4.1.22": 192, "2.16.840.1.101.3.4.1.42": 256 };
const BLOCK = 16;
const MOST_ITERATIONS = 10_000_000;
const NAMES = {
  "1.3.6.1.4.1.11591.4.11": "scrypt",
  "1.2.840.113549.3.7": "DES-EDE3-CBC",
  "1.2.840.113549.3.2": "RC2-CBC",
  "1.2.840.113549.1.5.3": "PBE-MD5-DES",
  "1.2.840.113549.1.5.10": "PBE-SHA1-DES",
  "1.2.840.113549.1.12.1.3": "PBE-SHA1-3DES",
  "1.2.840.113549.1.12.1.6": "PBE-SHA1-RC2-40",
  "1.2.840.113549.2.8": "HMAC-SHA224",
};
const ENCRYPT_ANEW = "openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256";

// OpenSSL 3 keeps DES, RC2 and RC4 in its legacy provider.
const IS_LEGACY = /^1\.2\.840\.113549\.1\.(?:5\.(?!13$)|12\.1\.[1256]$)/;

const unsupported = (oid, isPem) => new KeyFileRefused("unsupported-encryption",
  `This private key is encrypted with ${NAMES[oid] ? `${NAMES[oid]} (${oid})` : oid}, which this browser does not decrypt.`,
  `Encrypt it anew: ${ENCRYPT_ANEW}${IS_LEGACY.test(oid) ? " -provider legacy -provider default" : ""}${isPem ? "" : " -inform DER"} -in KEY_FILE -out key.pem`);

/** A PEM block with a DEK-Info header: its key derivation is MD5, which WebCrypto does not have. */
export const traditional = (cipher) => new KeyFileRefused("unsupported-encryption",
  `This private key is encrypted in OpenSSL's traditional format (${cipher}), which this browser does not decrypt.`,
  `Encrypt it anew as PKCS#8: ${ENCRYPT_ANEW} -in KEY_FILE -out key.pem`);

/** What the file says of its encryption. Throws with the OID of a scheme that the browser does not have. */
function parameters(outer, isPem) {
  const algorithm = outer.sequence();
  const scheme = algorithm.oid();
  if (scheme !== PBES2) throw unsupported(scheme, isPem);
  const schemes = algorithm.sequence();
  const derivation = schemes.sequence();
  const kdf = derivation.oid();
  if (kdf !== PBKDF2) throw unsupported(kdf, isPem);
  const fields = derivation.sequence();
  const salt = fields.read(OCTET_STRING);
  const iterations = Number(fields.integer());
  if (iterations < 1 || iterations > MOST_ITERATIONS) throw new DerError(`it asks for ${iterations} iterations`);
  const keyBytes = fields.tag === INTEGER ? fields.integer() : null;
  const prf = fields.tag === SEQUENCE ? fields.sequence().oid() : "1.2.840.113549.2.7";
  if (!HASHES[prf]) throw unsupported(prf, isPem);
  const encryption = schemes.sequence();
  const cipher = encryption.oid();
  if (!AES_CBC_BITS[cipher]) throw unsupported(cipher, isPem);
  if (keyBytes !== null && keyBytes !== BigInt(AES_CBC_BITS[cipher] / 8)) throw new DerError("the key has another length than its cipher takes");
  const iv = encryption.read(OCTET_STRING);
  const ciphertext = outer.read(OCTET_STRING);
  outer.end();
  if (ciphertext.length === 0 || ciphertext.length % BLOCK || iv.length !== BLOCK) throw new DerError("the ciphertext is cut off");
  return { salt, iterations, hash: HASHES[prf], cipher, bits: AES_CBC_BITS[cipher], iv, ciphertext };
}

function isSequence(bytes) {
  try {
    onlySequence(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Whether the browser has that cipher: Chromium has no AES with 192 bits. */
const hasCipher = (bits) => crypto.subtle.importKey("raw", new Uint8Array(bits / 8), "AES-CBC", false, ["decrypt"]).then(() => true, () => false);

/** The private key in DER. Schemes are looked at before a passphrase is asked for, so that nobody types one in vain. */
export async function decrypt(der, passphrase, isPem) {
  let found;
  try {
    found = parameters(onlySequence(der), isPem);
  } catch (error) {
    if (error instanceof DerError) throw new KeyFileRefused("damaged-der", `This encrypted private key is damaged: ${error.message}.`);
    throw error;
  }
  const { salt, iterations, hash, cipher, bits, iv, ciphertext } = found;
  if (!(await hasCipher(bits))) throw unsupported(cipher, isPem);
  if (passphrase === undefined) throw new PassphraseRequired();
  const typed = new TextEncoder().encode(passphrase);
  const secret = await crypto.subtle.importKey("raw", typed, "PBKDF2", false, ["deriveKey"]);
  typed.fill(0);
  const key = await crypto.subtle.deriveKey({ name: "PBKDF2", salt, iterations, hash }, secret, { name: "AES-CBC", length: bits }, false, ["decrypt"]);
  let plain;
  try {
    plain = new Uint8Array(await crypto.subtle.decrypt({ name: "AES-CBC", iv }, key, ciphertext));
  } catch {
    plain = null;
  }
  // a wrong passphrase leaves valid padding once in 256 times, but no DER
  if (!plain || !isSequence(plain)) {
    plain?.fill(0);
    throw new KeyFileRefused("passphrase-wrong", "The passphrase does not decrypt the private key.", "Type it again; if it is right, the file is damaged.");
  }
  return plain;
}
