/**
 * A key file that is refused. `reason` is an identifier of the table of key files (tests/keyfiles), `message` says what
 * was found and `hint` what to do; neither holds a secret.
 */
export class KeyFileRefused extends Error {
  constructor(reason, message, hint = "") {
    super([message, hint].filter(Boolean).join(" "));
    this.reason = reason;
    this.found = message;
  }
}

/** More bytes follow the key, which has `length` bytes in DER. */
export class TrailingBytes extends KeyFileRefused {
  constructor(count, length) {
    super("trailing-bytes", `${count.toLocaleString("en")} ${count === 1 ? "byte follows" : "bytes follow"} the key.`, "Export the key again.");
    this.length = length;
  }
}

/** The file is encrypted and no passphrase was given yet. */
export class PassphraseRequired extends Error {}
