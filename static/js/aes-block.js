// One AES block, from WebCrypto, which offers modes only: AES-CBC with a zero IV over one block begins with the
// encrypted block; what follows is the padding of CBC. No cipher is written here.

const ZERO_IV = new Uint8Array(16);

/** A key of 16 or 32 bytes, not extractable, usable for nothing but encryptBlock. */
export const importBlockKey = (bytes) => crypto.subtle.importKey("raw", bytes, "AES-CBC", false, ["encrypt"]);

export async function encryptBlock(key, block) {
  return new Uint8Array(await crypto.subtle.encrypt({ name: "AES-CBC", iv: ZERO_IV }, key, block), 0, 16);
}
