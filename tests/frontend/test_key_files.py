"""The reader of key files in the browser: the verdict of every row of the shared table (tests/keyfiles)."""

import base64
import json
import random
import re
from subprocess import run

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
        assert all(part in verdict["says"] for part in expected.get("says", ())), verdict["says"]
        return
    assert "refused" not in verdict, verdict
    secret = base64.b64decode(verdict["secret"])
    spec = SPECS[verdict["spec"]]
    assert (verdict["spec"], verdict["checkValue"]) == (file.key.spec, file.key.check_value)
    assert (read_private_key(secret, spec) if spec.is_asymmetric else secret) == file.key.material


def verdict_of(page, content: bytes, passphrase: str | None = None):
    [verdict] = page.evaluate(READ_ALL, [{"content": base64.b64encode(content).decode(), "passphrase": passphrase}])
    return verdict


def test_an_encrypted_key_asks_for_its_passphrase(modules):
    file = next(each for each in FILES if each.passphrase and each.key and not each.browser)

    assert verdict_of(modules, file.content)["refused"] == "passphrase-required"


MENDED = [
    each for each in FILES if each.key and each.browser and each.browser["refused"] == "unsupported-encryption"
    and each.made_by != "hand"
]  # fmt: skip


@pytest.mark.parametrize("file", MENDED, ids=[each.name for each in MENDED])
def test_the_command_for_an_unsupported_encryption_makes_a_file_that_is_read(modules, verdicts, tmp_path, file):
    command = re.search("(openssl .*) -in KEY_FILE -out key.pem", verdicts[file.name]["says"])[1].split()
    (tmp_path / "KEY_FILE").write_bytes(file.content)
    passphrases = ["-passin", f"pass:{file.passphrase}", "-passout", "pass:another"]
    run([*command, "-in", "KEY_FILE", "-out", "key.pem", *passphrases], cwd=tmp_path, check=True, capture_output=True)

    verdict = verdict_of(modules, (tmp_path / "key.pem").read_bytes(), "another")

    assert verdict.get("checkValue") == file.key.check_value, verdict


def test_a_damaged_file_is_refused_or_read_and_never_an_error_of_the_reader(modules):
    chance = random.Random(11)  # noqa: S311 - the same files in every run
    rows = []
    for file in FILES:
        content = bytearray(file.content)
        if len(content) > 40:
            content[chance.randrange(40)] ^= 1 << chance.randrange(8)
        content = content[: chance.choice([len(content), len(content) // 2])]
        rows.append({"content": base64.b64encode(content).decode(), "passphrase": file.passphrase})

    verdicts = modules.evaluate(READ_ALL, rows)

    assert [verdict for verdict in verdicts if verdict.get("refused") == "crash"] == []


def test_no_refusal_tells_what_is_in_the_file(verdicts):
    for file in FILES:
        words = json.dumps(verdicts[file.name].get("says", ""))
        for start in range(0, len(file.content) - 12, 12):
            piece = file.content[start : start + 12]
            assert not piece.isalnum() or piece.decode("latin-1") not in words, file.name
