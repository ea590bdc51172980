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
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

CONNECTIONS = 16
SECONDS = 2

# One line of the file is one request: its body, then names and values of headers, all parted by tabs.
_SCRIPT = """
local requests = {}
init = function(arguments)
  for line in io.lines(%(requests)s) do
    local parts = {}
    for part in (line .. "\\t"):gmatch("(.-)\\t") do parts[#parts + 1] = part end
    local headers = {}
    for n = 2, #parts - 1, 2 do headers[parts[n]] = parts[n + 1] end
    requests[#requests + 1] = wrk.format(%(method)s, nil, headers, parts[1])
  end
end
local n = 0
request = function()
  n = n %% #requests + 1
  return requests[n]
end
done = function(summary, latency)
  io.write(string.format("RESULT %%d %%d %%d %%d\\n", summary.requests, latency:percentile(50),
    latency:percentile(99), summary.errors.status + summary.errors.timeout + summary.errors.connect))
end
"""


@dataclass(frozen=True)
class Work:
    """One kind of request: a URL and bodies that take turns. `headers_of` is asked for each body before each round."""

    name: str
    url: str
    bodies: Sequence[str]
    headers_of: Callable[[str], Mapping[str, str]] = field(default=lambda _body: {"Content-Type": "application/json"})
    method: str = "POST"


@dataclass(frozen=True)
class Sample:
    per_second: float
    p50_ms: float
    p99_ms: float


def measure(work: Work, *, connections: int = CONNECTIONS, seconds: int = SECONDS) -> Sample:
    """One round. Raises RuntimeError where any request failed: a wrong answer is never fast."""
    program = shutil.which("wrk")
    if program is None:
        raise SystemExit("The benchmarks need wrk; on Debian and Ubuntu: apt install wrk")
    with tempfile.TemporaryDirectory() as folder:
        requests, script = Path(folder, "requests"), Path(folder, "load.lua")
        requests.write_text("\n".join(_line(body, work.headers_of(body)) for body in work.bodies))
        script.write_text(_SCRIPT % {"requests": json.dumps(str(requests)), "method": json.dumps(work.method)})
        command = [program, "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script), work.url]
        output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60).stdout
    found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+)", output)
    if found is None or int(found[4]):
        raise RuntimeError(f"{work.name}: {output}")
    return Sample(int(found[1]) / seconds, int(found[2]) / 1000, int(found[3]) / 1000)


def _line(body: str, headers: Mapping[str, str]) -> str:
    return "\t".join([body, *(part for header in headers.items() for part in header)])


def interleaved(works: Sequence[Work], *, rounds: int) -> dict[str, Sample]:
    """Each work in turn, round by round, so that a machine whose speed drifts is fair to all; medians."""
    samples: dict[str, list[Sample]] = {work.name: [] for work in works}
    for work in works:
        measure(work)
    for _round in range(rounds):
        for work in works:
            samples[work.name].append(measure(work))
    return {name: median(taken) for name, taken in samples.items()}


def at_once(works: Sequence[Work]) -> float:
    """Requests a second of all of these together; they share the connections."""
    with ThreadPoolExecutor(len(works)) as pool:
        samples = pool.map(lambda work: measure(work, connections=CONNECTIONS // len(works)), works)
        return sum(sample.per_second for sample in samples)


def median(samples: Sequence[Sample]) -> Sample:
    return Sample(
        statistics.median(s.per_second for s in samples),
        statistics.median(s.p50_ms for s in samples),
        statistics.median(s.p99_ms for s in samples),
    )


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
