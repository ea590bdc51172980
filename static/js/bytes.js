// Bytes and the text that stands for them. Decoding works on bytes, because a string with a secret cannot be overwritten.

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const VALUES = new Map([...ALPHABET].map((letter, value) => [letter.charCodeAt(0), value]));
const isSpace = (byte) => byte === 32 || (byte >= 9 && byte <= 13);

/** Printable ASCII and white space only: what no ciphertext of useful length ever is. */
export const isText = (bytes) => bytes.length > 0 && bytes.every((byte) => (byte >= 32 && byte < 127) || isSpace(byte));

/** Standard Base64 in ASCII bytes, white space ignored; null where it is anything else. */
export function fromBase64(bytes) {
  const letters = bytes.filter((byte) => !isSpace(byte));
  if (letters.length === 0 || letters.length % 4 !== 0) return null;
  const padding = letters.at(-1) !== 61 ? 0 : letters.at(-2) !== 61 ? 1 : 2;
  const output = new Uint8Array((letters.length / 4) * 3 - padding);
  let bits = 0;
  let held = 0;
  let at = 0;
  for (let i = 0; i < letters.length - padding; i += 1) {
    const value = VALUES.get(letters[i]);
    if (value === undefined) return null;
    held = ((held << 6) | value) & 0xffffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      output[at] = (held >> bits) & 0xff;
      at += 1;
    }
  }
  letters.fill(0);
  // left-over bits must be zero: two spellings of the same bytes are one too many
  return (held & ((1 << bits) - 1)) === 0 ? output : null;
}

export function toBase64(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

export const ascii = (text) => new TextEncoder().encode(text);
export const toText = (bytes) => new TextDecoder().decode(bytes);
export const toHex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** SHA-256 in hexadecimal, or "" where the page is not a secure context. */
export async function sha256(bytes) {
  if (!globalThis.crypto?.subtle) return "";
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

/** Saves bytes as a file of that name. */
export function save(bytes, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}
