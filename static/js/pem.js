// PEM (RFC 7468) as people have it: text around the blocks, blocks that are no private key, and line breaks that were
// lost on the way. Exactly one private key is wanted.
import { ascii, fromBase64 } from "./bytes.js";
import { traditional } from "./encrypted-key.js";
import { KeyFileRefused } from "./key-file-refused.js";

const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,40})-----(.*?)-----END \1-----/gs;
const PGP = /-----BEGIN PGP /;
const HEADERS = /^\s*(?:[A-Za-z-]+:[^\n]*\n)+/;

const broken = () => new KeyFileRefused("damaged-pem", "This PEM file is cut off or damaged.", "Copy the whole file, from BEGIN to END.");

function noPrivateKey(labels) {
  const found = `This PEM file holds no private key (${labels.join(", ")}).`;
  const reason = labels.some((label) => /CERTIFICATE|X509|CMS|PKCS7/.test(label)) ? "certificate" : labels.some((label) => label.endsWith("PUBLIC KEY")) ? "public-key" : "no-key";
  return new KeyFileRefused(reason, found, "Choose the file with the private key.");
}

export const isPem = (text) => text.includes("-----BEGIN ");

/** The DER inside the one private key of the text, as bytes. */
export function derOfPem(original) {
  if (PGP.test(original)) {
    throw new KeyFileRefused("pgp", "This is an OpenPGP key.", "KMS imports keys in PKCS#8, PKCS#1 and SEC1. OpenPGP keys stay with their program.");
  }
  // line breaks as text, as environment variables and JSON hold them, and those of old Macs
  const text = original.replace(/\\r/g, "").replace(/\\n/g, "\n").replace(/\r\n?/g, "\n");
  const blocks = [...text.matchAll(BLOCK)].map(([, label, body]) => ({ label, body }));
  const keys = blocks.filter(({ label }) => label.endsWith("PRIVATE KEY"));
  if (blocks.length !== text.split("-----BEGIN ").length - 1) throw broken();
  if (keys.length === 0) throw noPrivateKey(blocks.map(({ label }) => label));
  if (keys.length > 1) {
    throw new KeyFileRefused("several-keys", `This PEM file holds ${keys.length} private keys.`, "Choose a file with the one key to be imported.");
  }
  const [{ label, body }] = keys;
  if (label === "OPENSSH PRIVATE KEY") {
    throw new KeyFileRefused("openssh", "This private key is in OpenSSH's own format.", "Convert a copy of the file: ssh-keygen -p -m PKCS8 -f COPY");
  }
  const cipher = /Proc-Type:\s*4,\s*ENCRYPTED/.test(body) ? /DEK-Info:\s*([\w-]+)/.exec(body)?.[1] ?? "unknown" : "";
  if (cipher) throw traditional(cipher);
  const der = fromBase64(ascii(body.replace(HEADERS, "")));
  if (!der) throw broken();
  return der;
}
