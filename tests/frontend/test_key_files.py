"""The reader of key files in the browser: the verdict of every row of the shared table (tests/keyfiles)."""

import base64
import json

import pytest

from kmscrypto.pkcs8 import read_private_key
from kmscrypto.specs import SPECS
from tests.keyfiles import KeyFile, key_files

READ_ALL = """async (rows) => {
  const { readKeyFile, KeyFileRefused, PassphraseRequired } = await import("/static/js/key-file.js");
  const { fromBase64, toBase64, ascii } = await import("/static/js/bytes.js");
  const read = async ({ content, passphrase }) => {
    const bytes = fromBase64(ascii(content)) ?? new Uint8Array();
    try {
      const { spec, secret, checkValue } = await readKeyFile(bytes, passphrase ?? undefined);
      return { spec, secret: toBase64(secret), checkValue };
    } catch (error) {
      if (error instanceof PassphraseRequired) return { refused: "passphrase-required", says: "" };
      if (error instanceof KeyFileRefused) return { refused: error.reason, says: error.message };
      return { refused: "crash", says: `${error.name}: ${error.message}\\n${error.stack}` };
    }
  };
  const verdicts = [];
  for (const row of rows) verdicts.push(await read(row));
  return verdicts;
}"""

FILES = key_files()


@pytest.fixture(scope="module")
def verdicts(modules):
    rows = [{"content": base64.b64encode(each.content).decode(), "passphrase": each.passphrase} for each in FILES]
    found = modules.evaluate(READ_ALL, rows)
    return {each.name: verdict for each, verdict in zip(FILES, found, strict=True)}


@pytest.mark.parametrize("file", FILES, ids=[each.name for each in FILES])
def test_a_key_file_gets_the_same_verdict_in_the_browser(verdicts, file: KeyFile):
    verdict = verdicts[file.name]
    expected = file.browser or {"refused": file.refused, "says": file.says}

    if expected["refused"]:
        assert verdict.get("refused") == expected["refused"], verdict
        assert all(part in verdict["says"] for part in expected["says"]), verdict["says"]
        return
    assert "refused" not in verdict, verdict
    secret = base64.b64decode(verdict["secret"])
    spec = SPECS[verdict["spec"]]
    assert (verdict["spec"], verdict["checkValue"]) == (file.key.spec, file.key.check_value)
    assert (read_private_key(secret, spec) if spec.is_asymmetric else secret) == file.key.material


def test_an_encrypted_key_asks_for_its_passphrase(modules):
    [file] = [each for each in FILES if each.name == "EC_P256 as encrypted PKCS#8 in PEM"]

    [verdict] = modules.evaluate(READ_ALL, [{"content": base64.b64encode(file.content).decode()}])

    assert verdict["refused"] == "passphrase-required"


def test_no_refusal_tells_what_is_in_the_file(verdicts):
    for file in FILES:
        words = json.dumps(verdicts[file.name].get("says", ""))
        for start in range(0, len(file.content) - 12, 12):
            piece = file.content[start : start + 12]
            assert not piece.isalnum() or piece.decode("latin-1") not in words, file.name
