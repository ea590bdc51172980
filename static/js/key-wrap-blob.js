// What a wrapped private key weighs, and RSA_AES_KEY_WRAP in one piece (PKCS#11 CKM_RSA_AES_KEY_WRAP), as HSMs and other
// clouds give it: the temporary AES key encrypted with the wrapping key, and behind it the private key wrapped under
// that AES key. Here these are two fields.

const WRAPPED_BYTES = 256; // RSA-2048
const bytesOf = (spec) => Number(/\d+$/.exec(spec)[0]) / 8;

/** The fewest bytes that a private key of that spec has, in PKCS#8 DER and wrapped by AES-KWP. */
export function leastWrappedBytes(spec) {
  // RSA: the modulus, five numbers of half its size, and a private exponent of half its size at least; EC: the scalar
  return spec.startsWith("RSA_") ? 4 * bytesOf(spec) : bytesOf(spec) + 32;
}

/** The most that it has, but for attributes, which nobody writes. */
const mostWrappedBytes = (spec) => (spec.startsWith("RSA_") ? 4.5 * bytesOf(spec) + 184 : 3 * bytesOf(spec) + 120);

/** { temporaryKey, privateKey } of bytes that are too long for a wrapped private key of that spec by one RSA ciphertext; else null. */
export function splitKeyWrapBlob(bytes, spec) {
  const rest = bytes.length - WRAPPED_BYTES;
  const isBoth = bytes.length > mostWrappedBytes(spec) && rest % 8 === 0 && rest >= leastWrappedBytes(spec) && rest <= mostWrappedBytes(spec);
  return isBoth ? { temporaryKey: bytes.slice(0, WRAPPED_BYTES), privateKey: bytes.slice(WRAPPED_BYTES) } : null;
}
