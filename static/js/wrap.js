// Wrapping in the browser: what leaves this module is ciphertext. The wrapping key is RSA-2048 in DER; RSA-OAEP with
// SHA-256, MGF1 with SHA-256, no label. A private key goes under a temporary AES-256 key first (AES-KWP), that key
// under the wrapping key. Overwriting buffers is the best script can do; it cannot promise that no copy remains.
import { importKek, wrapWithPadding } from "./kwp.js";
import { mustMatch, readPrivateKey } from "./pkcs8.js";

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

/** As wrapPrivateKey, from a file as chosen and for the key's algorithm; refuses with a KeyFault. */
export async function wrapKeyFile(wrappingKey, file, spec) {
  try {
    const key = readPrivateKey(file);
    try {
      mustMatch(key, spec);
    } catch (fault) {
      key.der.fill(0);
      throw fault;
    }
    const { words, der: { length } } = key;
    return { ...(await wrapPrivateKey(wrappingKey, key.der)), words, length };
  } finally {
    file.fill(0);
  }
}
