"""The program that proves RSA private keys: `python -m imports.prover`, started by `imports.proofs`.

A line of its input is a key, a line of its output why that is none, or nothing; both are JSON. It ends with its input.
"""

from __future__ import annotations

import base64
import json
import sys

from kmscrypto.priority import give_way, take_idle_time
from vault.process import harden

NICENESS = 5


def main(pace: str) -> None:
    harden()  # a new program is dumpable again, whatever its parent was
    if pace == "calm":
        take_idle_time()
    else:
        give_way(NICENESS)
    from kmscrypto import pkcs8  # what takes long to load is loaded at that pace too
    from kmscrypto.errors import InvalidPrivateKey
    from kmscrypto.specs import SPECS

    for line in sys.stdin.buffer:
        question = json.loads(line)
        reason = ""
        try:
            pkcs8.prove_private_key(base64.b64decode(question["der"]), SPECS[question["spec"]])
        except InvalidPrivateKey as invalid:
            reason = invalid.reason
        sys.stdout.write(f"{json.dumps(reason)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
