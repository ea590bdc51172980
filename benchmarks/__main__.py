"""`make bench`: prints ratios to the floor. Absolute numbers belong to the machine, ratios to the product."""

from __future__ import annotations

import argparse
import base64
import json
import secrets
import subprocess
import sys

from benchmarks.load import Sample, Work, interleaved, steps
from benchmarks.product import ROOT, Product, started
from kmscrypto import wrapping

ALGORITHM = "RSAES_OAEP_SHA_256"
ROTATING_KEYS = 500


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--keys", type=int, nargs="+", default=[1_000, 100_000])
    options.add_argument("--imports", type=int, default=200)
    chosen = options.parse_args()
    for count in chosen.keys:
        with started() as product:
            _fill(product, count)
            print(f"\n{count:,} keys")
            _print(interleaved(_works(product), rounds=chosen.rounds))
            if count == min(chosen.keys):
                _imports(product, chosen.imports)


def _fill(product: Product, count: int) -> None:
    command = [sys.executable, "-m", "benchmarks.fill", str(count)]
    subprocess.run(command, cwd=ROOT, env=product.environment, check=True)


def _works(product: Product) -> list[Work]:
    page = product.kms("list-keys", {"limit": ROTATING_KEYS})
    cipher_text = product.kms("encrypt-data", {"key_id": page["keys"][0], "plain_text": "x" * 32})["cipher_text"]
    encrypt = [json.dumps({"key_id": key_id, "plain_text": "x" * 32}) for key_id in page["keys"]]
    listing = json.dumps({"limit": 100, "marker": page["next_marker"]})

    def work(name: str, bodies: list[str]) -> Work:
        return Work(name, product.url(product.path(name)), bodies, product.token)

    return [
        Work("floor", product.url("/v1.0/floor"), ["{}"]),
        work("encrypt-data", encrypt),
        work("decrypt-data", [json.dumps({"cipher_text": cipher_text})]),
        work("describe-key", [json.dumps({"key_id": key_id}) for key_id in page["keys"]]),
        work("list-keys", [listing]),
    ]


def _print(samples: dict[str, Sample]) -> None:
    floor = samples["floor"].per_second
    print(f"{'':16}{'of floor':>10}{'per s':>10}{'p50 ms':>10}{'p99 ms':>10}")
    for name, sample in samples.items():
        row = (
            f"{sample.per_second / floor:>10.3f}{sample.per_second:>10.0f}{sample.p50_ms:>10.1f}{sample.p99_ms:>10.1f}"
        )
        print(f"{name:16}{row}")


def _imports(product: Product, jobs: int) -> None:
    """Import end to end: parameters, wrapping, import; beside it the same threads on the floor, three calls a job."""
    keys = [
        product.kms("create-key", {"key_alias": f"bench-import/{number}", "origin": "external"})["key_info"]["key_id"]
        for number in range(jobs)
    ]

    def one(number: int) -> None:
        offer = product.kms("get-parameters-for-import", {"key_id": keys[number], "wrapping_algorithm": ALGORITHM})
        wrapped = wrapping.wrap(base64.b64decode(offer["public_key"]), ALGORITHM, secrets.token_bytes(32))
        body = {"key_id": keys[number], "import_token": offer["import_token"]}
        product.kms("import-key-material", {**body, "encrypted_key_material": base64.b64encode(wrapped).decode()})

    def bare(_number: int) -> None:
        for _call in range(2):
            product.call("POST", "/v1.0/floor", {})

    floor = steps(bare, jobs=jobs)
    imports = steps(one, jobs=jobs)
    print(f"{'import, whole':16}{imports / floor:>10.3f}{imports:>10.0f}   (of two bare calls by the same threads)")


if __name__ == "__main__":
    main()
