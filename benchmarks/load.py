"""A bounded load on loopback: wrk for throughput, and a few threads of our own for what takes several steps."""

from __future__ import annotations

import json
import re
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 16
SECONDS = 2

_SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["X-Auth-Token"] = %(token)s
local bodies = {}
for line in io.lines(%(bodies)s) do bodies[#bodies + 1] = line end
local n = 0
request = function()
  n = n %% #bodies + 1
  return wrk.format(nil, nil, nil, bodies[n])
end
done = function(summary, latency)
  io.write(string.format("RESULT %%d %%d %%d %%d\\n", summary.requests, latency:percentile(50),
    latency:percentile(99), summary.errors.status + summary.errors.timeout + summary.errors.connect))
end
"""


@dataclass(frozen=True)
class Work:
    """One kind of request: a URL and bodies that take turns."""

    name: str
    url: str
    bodies: list[str]
    token: str = ""


@dataclass(frozen=True)
class Sample:
    per_second: float
    p50_ms: float
    p99_ms: float


def measure(work: Work) -> Sample:
    """One round. Raises RuntimeError where any request failed: a wrong answer is never fast."""
    program = shutil.which("wrk")
    if program is None:
        raise SystemExit("The benchmarks need wrk; on Debian and Ubuntu: apt install wrk")
    with tempfile.TemporaryDirectory() as folder:
        bodies, script = Path(folder, "bodies"), Path(folder, "load.lua")
        bodies.write_text("\n".join(work.bodies))
        script.write_text(_SCRIPT % {"token": json.dumps(work.token), "bodies": json.dumps(str(bodies))})
        command = [program, "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", str(script), work.url]
        output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=SECONDS + 30).stdout
    found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+)", output)
    if found is None or int(found[4]):
        raise RuntimeError(f"{work.name}: {output}")
    return Sample(int(found[1]) / SECONDS, int(found[2]) / 1000, int(found[3]) / 1000)


def interleaved(works: list[Work], *, rounds: int) -> dict[str, Sample]:
    """Each work in turn, round by round, so that a machine whose speed drifts is fair to all; medians."""
    samples: dict[str, list[Sample]] = {work.name: [] for work in works}
    for work in works:
        measure(work)
    for _round in range(rounds):
        for work in works:
            samples[work.name].append(measure(work))
    return {
        name: Sample(
            statistics.median(s.per_second for s in taken),
            statistics.median(s.p50_ms for s in taken),
            statistics.median(s.p99_ms for s in taken),
        )
        for name, taken in samples.items()
    }


def steps(job: Callable[[int], None], *, jobs: int, threads: int = 4) -> float:
    """Runs `job(0)` to `job(jobs - 1)` on a few threads; jobs per second. The first failure is raised."""
    failures: list[BaseException] = []

    def run(first: int) -> None:
        try:
            for number in range(first, jobs, threads):
                job(number)
        except BaseException as failure:
            failures.append(failure)

    workers = [threading.Thread(target=run, args=(first,)) for first in range(threads)]
    started = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if failures:
        raise failures[0]
    return jobs / (time.perf_counter() - started)
