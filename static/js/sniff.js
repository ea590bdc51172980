// What a chosen or pasted value is, told at once and in words. Pure: bytes in, findings out.
// The hints are those of console.md C; the service judges again.
import { ascii, fromBase64, isText, toHex, toText } from "./bytes.js";
import { isPrivate, shapeOf } from "./private-key.js";

const NOT_SENT = "It was not sent.";
const SPKI_RSA = "300d06092a864886f70d0101010500"; // AlgorithmIdentifier of rsaEncryption
const count = (number) => number.toLocaleString("en");

const isWrappingKey = (bytes) => shapeOf(bytes) === "public" && toHex(bytes.subarray(0, 40)).includes(SPKI_RSA);

function wantedWords({ bytes, minBytes, maxBytes }) {
  if (bytes) return `expected ${count(bytes)}`;
  return `expected ${count(minBytes)} to ${count(maxBytes)}`;
}

/** Text is PEM, hex or Base64; says which, and gives the bytes where it is Base64. */
function fromText(bytes, wanted) {
  const text = toText(bytes).trim();
  const label = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text)?.[1];
  if (label?.includes("PRIVATE KEY")) return { fault: `This is a private key in PEM, in the clear: wrap it first. ${NOT_SENT}` };
  if (label?.includes("PUBLIC KEY")) return { fault: "This is a public key in PEM, not a ciphertext. Give what was encrypted with the wrapping key." };
  if (label) return { fault: `This is PEM (${label}). Give the binary file or plain Base64, without the BEGIN and END lines.` };
  const digits = text.replace(/\s+/g, "");
  if (/^([0-9a-f]{2})+$/i.test(digits)) {
    const size = digits.length / 2;
    if (size === 16 || size === 32) return { fault: `${size} bytes in hex text: this looks like the plaintext. Encrypt it with the wrapping key first. ${NOT_SENT}` };
    if (size === wanted.bytes || digits.length % 4 !== 0) return { fault: `This is hex text of ${count(size)} bytes. Give the binary file or Base64; xxd -r -p turns hex into bytes.` };
  }
  const decoded = fromBase64(ascii(text));
  return decoded ? { bytes: decoded } : { fault: otherBase64(digits) || "This is not Base64." };
}

/** Names Base64 that is not the standard one, and how to mend it; "" for anything else. As base64_fault of the service. */
function otherBase64(text) {
  const isUrlSafe = /[-_]/.test(text) && /^[0-9A-Za-z_-]+={0,2}$/.test(text);
  const standard = isUrlSafe ? text.replaceAll("-", "+").replaceAll("_", "/") : text;
  const missing = (4 - (standard.length % 4)) % 4;
  if (!fromBase64(ascii(standard + "=".repeat(missing))) || !(isUrlSafe || missing)) return "";
  const mending = [isUrlSafe && "write + for - and / for _", missing && `add ${"=".repeat(missing)} at the end`].filter(Boolean).join(" and ");
  return `This is ${isUrlSafe ? "URL-safe Base64" : "Base64"}${missing ? " without its padding" : ""}: ${mending}.`;
}

function sizeFault(bytes, wanted) {
  const size = `${count(bytes.length)} bytes; ${wantedWords(wanted)}.`;
  if (isWrappingKey(bytes)) return `${size} This is the wrapping key itself. Give what was encrypted with it.`;
  if (isPrivate(shapeOf(bytes))) return `${size} This is a private key in the clear: wrap it first. ${NOT_SENT}`;
  if (!wanted.spec && isKeyWrapBlob(bytes, wanted)) {
    return `${size} This looks like RSA_AES_KEY_WRAP in one piece: an encrypted AES key (${count(wanted.bytes)} bytes) with the material wrapped under it. Encrypt the 32 bytes with the wrapping key directly (RSA-OAEP).`;
  }
  const fits = wanted.bytes ? bytes.length === wanted.bytes : bytes.length >= wanted.minBytes && bytes.length <= wanted.maxBytes;
  if (!fits) {
    const plain = bytes.length === 16 || bytes.length === 32 ? ` This looks like the plaintext: encrypt it with the wrapping key first. ${NOT_SENT}` : "";
    return size + plain;
  }
  // RFC 5649: a ciphertext of AES-KWP is whole half-blocks
  if (wanted.kind === "private-key-ciphertext" && bytes.length % 8 !== 0) return `${count(bytes.length)} bytes; AES-KWP gives a multiple of 8. The file is cut or is not a ciphertext.`;
  return "";
}

/** 32 bytes wrapped by AES-KWP behind the ciphertext of the AES key. */
const isKeyWrapBlob = (bytes, wanted) => wanted.kind === "ciphertext" && wanted.bytes > 0 && bytes.length === wanted.bytes + 40;

/** The bytes of a chosen file or pasted text, Base64 decoded; null where there are none. */
export const bytesOf = (raw, wanted) => (wanted.isPasted || isText(raw) ? fromBase64(ascii(toText(raw).trim())) : raw);

/**
 * Looks at `raw` for a field that wants { kind, bytes | minBytes, maxBytes, expected }; isPasted: it can only be text.
 * Returns { bytes, base64, ticks: [sentence] } or { fault: sentence }.
 */
export function sniff(raw, wanted) {
  if (raw.length === 0) return { fault: "The file is empty." };
  const text = wanted.isPasted || isText(raw);
  const found = text ? fromText(raw, wanted) : { bytes: raw };
  if (found.fault) return found;
  const fault = sizeFault(found.bytes, wanted);
  if (fault) return { fault };
  const size = `${count(found.bytes.length)} bytes${wanted.expected ? `, ${wanted.expected}` : ""}.`;
  const form = wanted.kind === "token" ? "A token; it is verified on OK." : `${text ? "Base64" : "Binary"}; not the plaintext, not the wrapping key.`;
  return { bytes: found.bytes, base64: text, ticks: [size, form] };
}
