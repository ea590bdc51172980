// Exports a private key as Node does: node exports.js FILE.pem PASSPHRASE; a line "name Base64" each.
const { createPrivateKey } = require("node:crypto");
const { readFileSync } = require("node:fs");

const [, , file, passphrase] = process.argv;
const key = createPrivateKey(readFileSync(file));
const print = (name, content) => console.log(name, Buffer.from(content).toString("base64"));
print("PKCS#8", key.export({ type: "pkcs8", format: "pem" }));
print("encrypted", key.export({ type: "pkcs8", format: "pem", cipher: "aes-128-cbc", passphrase }));
print("JWK", JSON.stringify(key.export({ format: "jwk" })));
