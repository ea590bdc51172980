/**
 * A key file that is refused. `reason` is an identifier of the table of key files (tests/keyfiles), `message` says what
 * was found and `hint` what to do; neither holds a secret.
 */
export class KeyFileRefused extends Error {
  constructor(reason, message, hint = "") {
    super([message, hint].filter(Boolean).join(" "));
    this.reason = reason;
  }
}

/** The file is encrypted and no passphrase was given yet. */
export class PassphraseRequired extends Error {}
