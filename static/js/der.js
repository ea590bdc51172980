// A strict reader and a writer of the little DER that private keys need (X.690 sections 8 and 10): definite, shortest
// lengths only. As kmscrypto/der.py.
import { toHex } from "./bytes.js";

export const INTEGER = 0x02;
export const BIT_STRING = 0x03;
export const OCTET_STRING = 0x04;
export const NULL = 0x05;
export const OID = 0x06;
export const SEQUENCE = 0x30;
export const SET = 0x31;
export const CONTEXT_0 = 0xa0; // [0], constructed
export const CONTEXT_1 = 0xa1; // [1], constructed
export const CONTEXT_1_PRIMITIVE = 0x81; // [1], implicit over a primitive type

/** The bytes are not the DER that was expected. */
export class DerError extends Error {}

/** A big-endian unsigned number. */
export const toNumber = (bytes) => (bytes.length === 0 ? 0n : BigInt(`0x${toHex(bytes)}`));

/** A number as `length` big-endian bytes. */
export function toBytes(number, length) {
  const output = new Uint8Array(length);
  for (let at = length - 1, rest = number; at >= 0; at -= 1, rest >>= 8n) output[at] = Number(rest & 0xffn);
  return output;
}

function dotted(content) {
  if (content.length === 0 || content.at(-1) & 0x80 || content.length > 64) throw new DerError("an object identifier is cut off");
  const arcs = [];
  let arc = 0n;
  let isFirst = true;
  for (const octet of content) {
    if (isFirst && octet === 0x80) throw new DerError("an object identifier has a superfluous zero");
    arc = (arc << 7n) | BigInt(octet & 0x7f);
    isFirst = !(octet & 0x80);
    if (isFirst) {
      arcs.push(arc);
      arc = 0n;
    }
  }
  const first = arcs[0] < 80n ? arcs[0] / 40n : 2n;
  return [first, arcs[0] - 40n * first, ...arcs.slice(1)].join(".");
}

/** Reads one value after another from the content of a constructed value. */
export class Reader {
  #data;
  #at = 0;

  constructor(data) {
    this.#data = data;
  }

  /** The tag of the next value, undefined at the end. */
  get tag() {
    return this.#data[this.#at];
  }

  get rest() {
    return this.#data.subarray(this.#at);
  }

  /** The content of the next value, which must have that tag. */
  read(tag) {
    if (this.tag !== tag) throw new DerError("another type was expected");
    const [length, start] = this.#length(this.#at + 1);
    if (start + length > this.#data.length) throw new DerError("the value is cut off");
    this.#at = start + length;
    return this.#data.subarray(start, this.#at);
  }

  optional(tag) {
    return this.tag === tag ? this.read(tag) : null;
  }

  sequence() {
    return new Reader(this.read(SEQUENCE));
  }

  /** A non-negative INTEGER in its shortest form, as a BigInt; nothing in a private key is negative. */
  integer() {
    const content = this.read(INTEGER);
    if (content.length === 0 || content[0] & 0x80) throw new DerError("an integer is empty or negative");
    if (content.length > 1 && content[0] === 0 && !(content[1] & 0x80)) throw new DerError("an integer has a superfluous zero");
    return toNumber(content);
  }

  /** An OBJECT IDENTIFIER in dotted form. */
  oid() {
    return dotted(this.read(OID));
  }

  end() {
    if (this.tag !== undefined) throw new DerError("there are trailing bytes");
  }

  #length(at) {
    const first = this.#data[at];
    if (first === undefined) throw new DerError("the length is missing");
    if (first < 0x80) return [first, at + 1];
    const count = first & 0x7f;
    const octets = this.#data.subarray(at + 1, at + 1 + count);
    if (count < 1 || count > 4 || octets.length !== count) throw new DerError("the length is indefinite, oversized or cut off");
    const length = octets.reduce((value, octet) => value * 256 + octet, 0);
    if (octets[0] === 0 || length < 0x80) throw new DerError("the length is not in its shortest form");
    return [length, at + 1 + count];
  }
}

/** One value: the tag, the length and the contents one after another. */
export function encode(tag, ...contents) {
  const length = contents.reduce((sum, each) => sum + each.length, 0);
  const head = [tag];
  if (length < 0x80) head.push(length);
  else if (length < 0x100) head.push(0x81, length);
  else if (length < 0x10000) head.push(0x82, length >> 8, length & 0xff);
  else throw new RangeError("longer than any key");
  const output = new Uint8Array(head.length + length);
  output.set(head);
  let at = head.length;
  for (const each of contents) {
    output.set(each, at);
    at += each.length;
  }
  return output;
}

/** A non-negative INTEGER. */
export function encodeInteger(number) {
  const digits = number.toString(16);
  // one bit more than the number has, so that the first bit is no sign
  return encode(INTEGER, toBytes(number, Math.floor((digits.length * 4 - Math.clz32(parseInt(digits[0], 16)) + 28) / 8) + 1));
}

export function encodeOid(dottedForm) {
  const [first, second, ...rest] = dottedForm.split(".").map(Number);
  const content = [];
  for (const arc of [40 * first + second, ...rest]) {
    const septets = [arc & 0x7f];
    for (let high = Math.floor(arc / 128); high > 0; high = Math.floor(high / 128)) septets.unshift((high & 0x7f) | 0x80);
    content.push(...septets);
  }
  return encode(OID, new Uint8Array(content));
}
