// AES key wrap with padding (RFC 5649) over WebCrypto, which offers only RFC 3394 without padding.
// Only the mode is ours, the cipher is the browser's; tests compare it byte for byte with Python.
import { encryptBlock, importBlockKey } from "./aes-block.js";

/** A key-encrypting key of 16 or 32 bytes. */
export const importKek = importBlockKey;

/** The ciphertext of `data` (Uint8Array, at least one byte): 8 bytes longer than data rounded up to 8. */
export async function wrapWithPadding(kek, data) {
  if (data.length === 0) throw new RangeError("nothing to wrap");
  const blocks = Math.ceil(data.length / 8);
  const output = new Uint8Array(8 * (blocks + 1)); // A ‖ R[1] ‖ … ‖ R[n], worked on in place
  const view = new DataView(output.buffer);
  view.setUint32(0, 0xa65959a6); // RFC 5649 section 3: the constant half of the alternative initial value
  view.setUint32(4, data.length); // and the length of what is wrapped
  output.set(data, 8);
  if (blocks === 1) return (await encryptBlock(kek, output)).slice(); // section 4.1: one block needs no rounds

  const block = new Uint8Array(16);
  for (let j = 0; j < 6; j += 1) {
    for (let i = 1; i <= blocks; i += 1) { // RFC 3394 section 2.2.1
      block.set(output.subarray(0, 8));
      block.set(output.subarray(8 * i, 8 * i + 8), 8);
      const encrypted = await encryptBlock(kek, block);
      output.set(encrypted.subarray(0, 8));
      view.setUint32(4, view.getUint32(4) ^ (blocks * j + i)); // t fits 32 bits: 6 n < 2^32
      output.set(encrypted.subarray(8), 8 * i);
    }
  }
  block.fill(0); // it held plaintext
  return output;
}
