// PEM (RFC 7468) as people have it: text around the blocks, blocks that are no private key, and line breaks that were
// lost on the way. Exactly one private key is wanted.
import { ascii, fromBase64 } from "./bytes.js";
import { traditional } from "./encrypted-key.js";
import { KeyFileRefused } from "./key-file-refused.js";
import { rsaPss } from "./private-key.js";

const LABEL = /-----BEGIN ([A-Z0-9 -]{1,40}?)-----/g;
// line breaks as programming languages, environment variables and JSON spell them, and those of old Macs
const LINE_BREAK = /(?:\\+r)?\\+n|\\+r|\r\n?/g;
const ENCRYPTION = /^\s*Proc-Type:\s*4,ENCRYPTED\s+DEK-Info:\s*([A-Za-z0-9-]+),[0-9A-F]+\s/i;
const HEADERS = /^\s*(?:[A-Za-z][A-Za-z0-9-]*:[^\n]*\n)+/;

export const openPgp = () => new KeyFileRefused("pgp", "This is an OpenPGP key.", "gpg writes it in no other format: import a key that OpenSSL or an HSM made.");
const broken = () => new KeyFileRefused("damaged-pem", "This PEM file is cut off or damaged.", "Copy the whole file, from BEGIN to END.");

function noPrivateKey(labels) {
  const found = `This PEM file holds no private key (${labels.join(", ")}).`;
  const reason = labels.some((label) => /CERTIFICATE|X509|CMS|PKCS7/.test(label)) ? "certificate" : labels.some((label) => label.endsWith("PUBLIC KEY")) ? "public-key" : "no-key";
  return new KeyFileRefused(reason, found, "Choose the file with the private key.");
}

export const isPem = (text) => text.includes("-----BEGIN ");

/** The DER of a body; of one whose line breaks were lost, where the backslash or nothing is left of them, the reason. */
function decoded(body) {
  const text = body.replace(/\s+/g, "");
  if (text.startsWith("n") || text.includes(":")) { // every DER in Base64 begins with M
    throw new KeyFileRefused("line-breaks-lost", "This looks like PEM whose line breaks were lost.",
      "Write it again with line breaks; from a variable that has them as \\n: printf '%b' \"$KEY\" > key.pem");
  }
  const der = fromBase64(ascii(text));
  if (!der) throw broken();
  return der;
}

/** The DER inside the one private key of the text, as bytes. */
export function derOfPem(original) {
  const text = original.replace(LINE_BREAK, "\n");
  const labels = [...text.matchAll(LABEL)];
  const keys = labels.filter(([, label]) => label.includes("PRIVATE KEY"));
  if (labels.length === 0) throw broken();
  if (keys.length === 0) throw noPrivateKey(labels.map(([, label]) => label));
  if (keys.length > 1) {
    throw new KeyFileRefused("several-keys", `This PEM file holds ${keys.length} private keys.`, "Choose a file with the one key to be imported.");
  }
  const [{ 0: begin, 1: label, index }] = keys;
  if (label === "OPENSSH PRIVATE KEY") {
    throw new KeyFileRefused("openssh", "This private key is in OpenSSH's own format.", "Convert a copy of the file: ssh-keygen -p -m PKCS8 -f COPY");
  }
  if (label === "PGP PRIVATE KEY BLOCK") throw openPgp();
  if (label === "RSA-PSS PRIVATE KEY") throw rsaPss();
  const end = text.indexOf(`-----END ${label}-----`, index);
  if (end < 0) throw broken();
  const body = text.slice(index + begin.length, end);
  const encryption = ENCRYPTION.exec(body);
  if (encryption) throw traditional(encryption[1]);
  return decoded(body.replace(HEADERS, ""));
}
