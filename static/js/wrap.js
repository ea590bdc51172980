// Wrapping in the browser: what leaves this module is ciphertext. The wrapping key is RSA-2048 in DER; RSA-OAEP with
// SHA-256, MGF1 with SHA-256, no label. A private key goes under a temporary AES-256 key first (AES-KWP), that key
// under the wrapping key. Overwriting buffers is the best script can do; it cannot promise that no copy remains.
import { KeyFileRefused, PassphraseRequired, readKeyFile } from "./key-file.js";
import { importKek, wrapWithPadding } from "./kwp.js";

/** WebCrypto exists only in a secure context: https, or a loopback address. */
export const canWrap = () => Boolean(globalThis.crypto?.subtle);
export const WHY_NOT = "This browser wraps keys only over https or on this machine itself. Wrap with OpenSSL instead.";

export const MATERIAL_BYTES = 32;

async function encryptOaep(wrappingKey, data) {
  const key = await crypto.subtle.importKey("spki", wrappingKey, { name: "RSA-OAEP", hash: "SHA-256" }, false, ["encrypt"]);
  return new Uint8Array(await crypto.subtle.encrypt({ name: "RSA-OAEP" }, key, data));
}

export const randomMaterial = () => crypto.getRandomValues(new Uint8Array(MATERIAL_BYTES));

/** The ciphertext of 32 bytes of key material, which are overwritten. */
export async function wrapMaterial(wrappingKey, material) {
  if (material.length !== MATERIAL_BYTES) throw new RangeError(`${material.length} bytes; expected ${MATERIAL_BYTES}.`);
  try {
    return await encryptOaep(wrappingKey, material);
  } finally {
    material.fill(0);
  }
}

/** { temporaryKey, privateKey }: both ciphertexts of a private key in DER, which is overwritten. */
export async function wrapPrivateKey(wrappingKey, der) {
  const temporary = randomMaterial();
  try {
    const privateKey = await wrapWithPadding(await importKek(temporary), der);
    return { temporaryKey: await encryptOaep(wrappingKey, temporary), privateKey };
  } finally {
    temporary.fill(0);
    der.fill(0);
  }
}

export const isAsymmetric = (spec) => /^(RSA|EC)_/.test(spec);

function requireSpec(found, spec) {
  if (found === spec) return;
  const what = isAsymmetric(found) ? `an ${found} key` : `${found} key material`;
  throw new KeyFileRefused("other-spec", `This is ${what}; this key takes ${spec}.`, `Choose another file, or create an empty key with the algorithm ${found}.`);
}

/** Refuses other material than the key was bound to by its first import: `known` is its check value, "" at first. */
function requireSame(found, known) {
  if (!known || found === known) return;
  throw new KeyFileRefused("other-material", `This material has check value ${found}; the material of this key has ${known}.`, "Only the same material can be imported again.");
}

/**
 * A key file as chosen, wrapped for a key with that algorithm: { ciphertexts, found, checkValue, length }, one ciphertext
 * of 32 bytes, or those of the temporary key and of the private key. Throws what readKeyFile throws. The file is
 * overwritten, except where a passphrase may still decrypt it.
 */
export async function wrapKeyFile(wrappingKey, file, spec, { passphrase, known } = {}) {
  let key = null;
  let isKept = false;
  try {
    key = await readKeyFile(file, passphrase);
    requireSpec(key.spec, spec);
    requireSame(key.checkValue, known);
    const { secret, found, checkValue } = key;
    const { length } = secret;
    if (!isAsymmetric(spec)) return { ciphertexts: [await wrapMaterial(wrappingKey, secret)], found, checkValue, length };
    const { temporaryKey, privateKey } = await wrapPrivateKey(wrappingKey, secret);
    return { ciphertexts: [temporaryKey, privateKey], found, checkValue, length };
  } catch (error) {
    isKept = error instanceof PassphraseRequired || error.reason === "passphrase-wrong";
    throw error;
  } finally {
    key?.secret.fill(0);
    if (!isKept) file.fill(0);
  }
}
