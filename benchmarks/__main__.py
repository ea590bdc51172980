"""`make bench`: prints ratios, mostly to the floor. Absolute numbers belong to the machine, ratios to the product.

`make bench ARGS="calls imports"` measures some parts only; the goals are written beside what was measured.
"""

from __future__ import annotations

import argparse
import base64
import json
import secrets
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from typing import Any

from benchmarks import other, raw
from benchmarks.load import Sample, Work, at_once, interleaved, measure, median, steps
from benchmarks.product import ROOT, Product, started
from kmscrypto import rsa, wrapping
from kmscrypto.material import private_der

ALGORITHM = "RSAES_OAEP_SHA_256"
ROTATING_KEYS = 500
CROWD = 100
WORKERS = 2
# Signed requests wear out: the same one is taken again for a few seconds only, so few are signed, just before.
SIGNED = 50


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("parts", nargs="*", help=f"all by default: {', '.join(PARTS)}")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--keys", type=int, default=100_000, help="in the long lists and in the sweep")
    options.add_argument("--imports", type=int, default=200)
    options.add_argument("--database", default="", help="KMS_DATABASE_URL of an empty PostgreSQL database; else SQLite")
    chosen = options.parse_args()
    for part in chosen.parts or PARTS:
        print(f"\n{part}", flush=True)
        PARTS[part](chosen)


def _started(chosen: argparse.Namespace, **settings: str) -> AbstractContextManager[Product]:
    database = {"KMS_DATABASE_URL": chosen.database} if chosen.database else {}
    return started(**{"KMS_WEB_WORKERS": str(WORKERS), **database, **settings})


# --- calls ---------------------------------------------------------------------------------------------------------


def calls(chosen: argparse.Namespace) -> None:
    """P1 to P6: one call each, with a token and signed, and another service beside."""
    with _started(chosen) as product, other.works() as others:
        _run("benchmarks.fill", product, "1000")
        works = [_floor(product), *_calls(product), *others]
        # Before and after, for machines change their speed.
        before = raw.rsa_2048_per_second(processes=WORKERS)
        samples = interleaved(works, rounds=chosen.rounds)
        rsa = (before + raw.rsa_2048_per_second(processes=WORKERS)) / 2
    _print(samples)
    allowed = 1 / (1 / samples["floor"].per_second + 1 / rsa)
    print(f"sign RSA_2048 of what floor and raw signing ({rsa:.0f}/s) allow: ", end="")
    print(f"{samples['sign RSA_2048'].per_second / allowed:.2f}")
    for ours, theirs in (("encrypt-data", "Encrypt"), ("create-datakey", "GenerateDataKey"), ("sign EC_P256", "Sign")):
        print(f"{ours} to moto's {theirs}: {samples[ours].per_second / samples[f'moto {theirs}'].per_second:.1f} times")


def _floor(product: Product) -> Work:
    return Work("floor", product.url("/v1.0/floor"), ["{}"])


def _calls(product: Product) -> list[Work]:
    keys = product.kms("list-keys", {"limit": ROTATING_KEYS})["keys"]
    cipher_text = product.kms("encrypt-data", {"key_id": keys[0], "plain_text": "x" * 32})["cipher_text"]
    signing = {spec: _signing_body(product, spec, algorithm) for spec, algorithm in _SIGNATURES.items()}
    bodies = {
        "encrypt-data": [{"key_id": key, "plain_text": "x" * 32} for key in keys],
        "decrypt-data": [{"cipher_text": cipher_text}],
        "create-datakey": [{"key_id": key, "datakey_length": "512"} for key in keys],
        "describe-key": [{"key_id": key} for key in keys],
        "sign EC_P256": [signing["EC_P256"]],
        "sign RSA_2048": [signing["RSA_2048"]],
        "list-keys": [{"limit": 100}],
    }
    by_token = [_work(product, name, each) for name, each in bodies.items()]
    signed = []
    for name, body in bodies.items():
        # A member that the service ignores makes each body, and so each signature, another one.
        each = [{**body[number % len(body)], "n": number} for number in range(SIGNED)]
        signed.append(_work(product, name, each, signed=True))
    return by_token + signed


def _work(product: Product, name: str, bodies: list[dict[str, Any]], *, signed: bool = False) -> Work:
    path = product.path(name.split()[0])
    headers_of = partial(product.signed, path) if signed else product.with_token
    return Work(name + (" AK/SK" if signed else ""), product.url(path), list(map(json.dumps, bodies)), headers_of)


def _signing_body(product: Product, spec: str, algorithm: str) -> dict[str, Any]:
    made = product.kms("create-key", {"key_alias": f"bench-{spec}", "key_spec": spec})
    message = base64.b64encode(b"x" * 32).decode()
    return {"key_id": made["key_info"]["key_id"], "message": message, "signing_algorithm": algorithm}


def _print(samples: dict[str, Sample]) -> None:
    floor = samples["floor"].per_second
    print(f"{'':22}{'of floor':>10}{'goal':>7}{'per s':>10}{'p50 ms':>10}{'p99 ms':>10}")
    for name, sample in samples.items():
        ratio, goal = sample.per_second / floor, GOALS.get(name, "")
        print(f"{name:22}{ratio:>10.3f}{goal:>7}{sample.per_second:>10.0f}{sample.p50_ms:>10.1f}{sample.p99_ms:>10.1f}")


# --- the rest ------------------------------------------------------------------------------------------------------


def lists(chosen: argparse.Namespace) -> None:
    """P7: a page of 100 keys by the API, the console's list, and one use of a key, among many keys and among few."""
    ratios: dict[str, list[float]] = {}
    for count in (1_000, chosen.keys):
        with _started(chosen) as product:
            _run("benchmarks.fill", product, str(count))
            session = product.console_session()
            console = product.url("/console/kms/keys")
            page = Work("console's page", console, [""], lambda _, session=session: session, "GET")
            keys = product.kms("list-keys", {"limit": ROTATING_KEYS})["keys"]
            encrypt = _work(product, "encrypt-data", [{"key_id": key, "plain_text": "x" * 32} for key in keys])
            works = [_floor(product), _work(product, "list-keys", [{"limit": 100}]), page, encrypt]
            samples = interleaved(works, rounds=chosen.rounds)
        print(f"{count:,} keys")
        _print(samples)
        for name in ("list-keys", "console's page", "encrypt-data"):
            ratios.setdefault(name, []).append(samples[name].per_second / samples["floor"].per_second)
    for name, (few, many) in ratios.items():
        print(f"{name}: {few / many:.2f} times as long among {chosen.keys:,} keys (goal 1.5)")


def sweep(chosen: argparse.Namespace) -> None:
    """P8: the job that expires material, among many keys."""
    with _started(chosen) as product:
        _run("benchmarks.fill", product, str(chosen.keys), "expiring")
        took = json.loads(_run("benchmarks.sweep", product))
    print(f"among {chosen.keys:,} keys: nothing due {took.pop('0'):.1f} ms (goal 10)")
    for due, milliseconds in took.items():
        print(f"{due} due: {milliseconds:.0f} ms, {milliseconds / int(due):.2f} ms each")


def imports(chosen: argparse.Namespace) -> None:
    """P9 and P11: imports end to end, and what encryption feels of them."""
    with _started(chosen, BENCHMARK_RATE_LIMITS="off") as product:
        _run("benchmarks.fill", product, "1000")
        keys = product.kms("list-keys", {"limit": ROTATING_KEYS})["keys"]
        encrypt = _work(product, "encrypt-data", [{"key_id": key, "plain_text": "x" * 32} for key in keys])
        offer, bring = _import_jobs(product, chosen.imports, "alone")
        print(f"{steps(offer, jobs=chosen.imports):.0f} wrapping keys made a second")
        print(f"{steps(bring, jobs=chosen.imports):.0f} imports a second under wrapping keys made before (goal 100)")
        measure(encrypt)
        rounds = [_beside(product, encrypt, chosen.imports, f"beside{number}") for number in range(chosen.rounds)]
    quiet, busy = (median([samples[which] for samples in rounds]) for which in (0, 1))
    print(f"p99 of encrypt-data: quiet {quiet.p99_ms:.1f} ms, beside imports {busy.p99_ms:.1f} ms")
    ratio = statistics.median(busy.p99_ms / quiet.p99_ms for quiet, busy in rounds)
    print(f"p99 of encrypt-data beside imports: {ratio:.1f} times that of quiet (goal 2)")
    print(f"encrypt-data beside imports: {busy.per_second / quiet.per_second:.2f} of quiet")


def _beside(product: Product, work: Work, count: int, name: str) -> tuple[Sample, Sample]:
    """The work alone, and then while so many imports run from beginning to end."""
    quiet = median([measure(work) for _time in range(3)])
    offer, bring = _import_jobs(product, count, name)
    return quiet, _while(work, lambda: steps(lambda number: (offer(number), bring(number)), jobs=count))


def _while(work: Work, others: Callable[[], Any]) -> Sample:
    """The work, again and again until the others are done."""
    thread = threading.Thread(target=others)
    thread.start()
    busy = []
    while thread.is_alive():
        sample = measure(work)
        if thread.is_alive() or not busy:
            busy.append(sample)
    return median(busy)


def rsa_imports(chosen: argparse.Namespace) -> None:
    """What encryption and the health check feel of a hundred imports of RSA-4096 keys that are sent at once."""
    with _started(chosen, BENCHMARK_RATE_LIMITS="off") as product:
        _run("benchmarks.fill", product, "1000")
        keys = product.kms("list-keys", {"limit": ROTATING_KEYS})["keys"]
        encrypt = _work(product, "encrypt-data", [{"key_id": key, "plain_text": "x" * 32} for key in keys])
        der = private_der(rsa.generate(4096))
        measure(encrypt)
        ratios, looks = [], []
        for number in range(chosen.rounds):
            bring = _rsa_import_jobs(product, der, f"crowd{number}")
            quiet = median([measure(encrypt) for _time in range(3)])
            with _watched(product) as took:
                busy = _while(encrypt, partial(steps, bring, jobs=CROWD, threads=CROWD))
            print(f"p99 of encrypt-data: quiet {quiet.p99_ms:.1f} ms, beside {CROWD} imports {busy.p99_ms:.1f} ms")
            ratios.append(busy.p99_ms / quiet.p99_ms)
            looks.append(max(took) * 1000)
    print(f"p99 of encrypt-data beside RSA-4096 imports: {statistics.median(ratios):.1f} times that of quiet (goal 2)")
    print(f"/healthz meanwhile: {statistics.median(looks):.0f} ms at the longest (goal 50)")


def _rsa_import_jobs(product: Product, der: bytes, name: str) -> Callable[[int], None]:
    """The imports alone: keys, wrapping keys and what is wrapped under them are made before."""
    external = {"key_spec": "RSA_4096", "origin": "external"}
    made = [product.kms("create-key", {"key_alias": f"{name}/{number}", **external}) for number in range(CROWD)]
    requests: dict[int, dict[str, str]] = {}

    def offer(number: int) -> None:
        key_id = made[number]["key_info"]["key_id"]
        offered = product.kms("get-parameters-for-import", {"key_id": key_id, "wrapping_algorithm": ALGORITHM})
        temporary = secrets.token_bytes(32)
        wrapped = wrapping.wrap(base64.b64decode(offered["public_key"]), ALGORITHM, temporary)
        requests[number] = {
            "key_id": key_id,
            "import_token": offered["import_token"],
            "encrypted_key_material": base64.b64encode(wrapped).decode(),
            "encrypted_privatekey": base64.b64encode(wrapping.wrap_private_key(temporary, der)).decode(),
        }

    steps(offer, jobs=CROWD)

    def bring(number: int) -> None:
        status = 503
        while status == 503:  # one for which there was no room is to come again
            status, headers, answer = product.call("POST", product.path("import-key-material"), requests[number])
            if status == 503:
                time.sleep(next(int(value) for name, value in headers.items() if name.lower() == "retry-after"))
        if status != 200:
            raise RuntimeError(f"import-key-material: {status} {answer}")

    return bring


@contextmanager
def _watched(product: Product) -> Iterator[list[float]]:
    """How long the health check takes, in seconds, fifty times a second as long as the block lasts."""
    took: list[float] = []
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.02):
            began = time.perf_counter()
            status, _headers, _answer = product.call("GET", "/healthz")
            took.append(time.perf_counter() - began if status == 200 else float("inf"))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield took
    finally:
        ended.set()
        thread.join()


def _import_jobs(product: Product, count: int, name: str) -> tuple[Callable[[int], None], Callable[[int], None]]:
    """For so many empty keys, made now: asking for parameters and wrapping, and then the import itself."""
    made = [product.kms("create-key", {"key_alias": f"{name}/{n}", "origin": "external"}) for n in range(count)]
    keys = [answer["key_info"]["key_id"] for answer in made]
    requests: dict[int, dict[str, str]] = {}

    def offer(number: int) -> None:
        offered = product.kms("get-parameters-for-import", {"key_id": keys[number], "wrapping_algorithm": ALGORITHM})
        wrapped = wrapping.wrap(base64.b64decode(offered["public_key"]), ALGORITHM, secrets.token_bytes(32))
        material = {"encrypted_key_material": base64.b64encode(wrapped).decode()}
        requests[number] = {"key_id": keys[number], "import_token": offered["import_token"], **material}

    def bring(number: int) -> None:
        product.kms("import-key-material", requests[number])

    return offer, bring


def workers(chosen: argparse.Namespace) -> None:
    """P10: what a second web process brings, and what this machine lets it bring: two installations that share
    nothing, each with one process and half of the connections."""
    with ExitStack() as stack:
        alone, apart, together = (
            _signing(stack.enter_context(_started(chosen, KMS_WEB_WORKERS=count))) for count in ("1", "1", "2")
        )
        rounds = []
        for number in range(chosen.rounds + 1):
            rates = [at_once([alone]), at_once([together]), at_once([alone, apart])]
            if number:  # the first one warms up
                rounds.append(rates)
    one, two, both = (statistics.median(rates) for rates in zip(*rounds, strict=True))
    print(f"sign RSA_2048 with two web processes: {two / one:.2f} times as many (goal 1.8)")
    print(f"two installations of one process each: {both / one:.2f} times as many")


def _signing(product: Product) -> Work:
    return _work(product, "sign RSA_2048", [_signing_body(product, "RSA_2048", _SIGNATURES["RSA_2048"])])


def memory(chosen: argparse.Namespace) -> None:
    """P12: idle, and after some work."""
    with _started(chosen) as product:
        print(f"idle: {product.memory():.0f} MiB (goal 250)")
        measure(_work(product, "sign EC_P256", [_signing_body(product, "EC_P256", _SIGNATURES["EC_P256"])]))
        print(f"after work: {product.memory():.0f} MiB")


def _run(module: str, product: Product, *arguments: str) -> str:
    command = [sys.executable, "-m", module, *arguments]
    run = subprocess.run(command, cwd=ROOT, env=product.environment, check=True, stdout=subprocess.PIPE, text=True)
    return run.stdout


_SIGNATURES = {"EC_P256": "ECDSA_SHA_256", "RSA_2048": "RSASSA_PSS_SHA_256"}
GOALS = {
    **dict.fromkeys(("encrypt-data", "decrypt-data", "create-datakey"), "0.28"),
    **dict.fromkeys(("encrypt-data AK/SK", "decrypt-data AK/SK"), "0.24"),
    "describe-key": "0.45",
    "sign EC_P256": "0.25",
}
PARTS = {part.__name__: part for part in (calls, lists, sweep, imports, rsa_imports, workers, memory)}

if __name__ == "__main__":
    main()
