// The check value of key material, as kmscrypto/fingerprint.py computes it: ten hex digits by which people recognise
// material. For AES the start of the AES-CMAC of a block of zeros, for RSA and EC of the SHA-256 of the public key (DER).
import { encryptBlock, importBlockKey } from "./aes-block.js";
import { sha256, toHex } from "./bytes.js";

const DIGITS = 10;
const short = (hex) => hex.slice(0, DIGITS).toUpperCase();

/** RFC 4493 section 2.3: the block shifted left by one bit, reduced where a bit is shifted out. */
function doubled(block) {
  const output = block.map((byte, at) => ((byte << 1) | ((block[at + 1] ?? 0) >> 7)) & 0xff);
  if (block[0] & 0x80) output[15] ^= 0x87;
  return output;
}

/** Of 32 bytes for AES-256. The one block of zeros is whole, so AES-CMAC is the encryption of its first subkey. */
export async function checkValueOfAes(material) {
  const key = await importBlockKey(material);
  return short(toHex(await encryptBlock(key, doubled(await encryptBlock(key, new Uint8Array(16))))));
}

/** Of an RSA or EC key, from its SubjectPublicKeyInfo in DER. */
export const checkValueOfPublic = async (spki) => short(await sha256(spki));
