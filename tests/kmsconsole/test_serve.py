"""`make run`: what the first start makes and says, what a later one does not, and how each refusal reads."""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import signal
import socket
import sqlite3
import stat
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.console.rest import Rest
from tests.services import runtime
from tests.services.product import ROOT, Console, clean_environment, is_ready, running_console
from tests.services.programs import free_port, stop, wait_until

pytestmark = pytest.mark.system


def serve(directory: Path, **settings: str) -> subprocess.CompletedProcess:
    """A start that is expected to fail."""
    environment = clean_environment(KMS_HOME=str(directory / "home"), KMS_PORT=str(free_port())) | settings
    return subprocess.run(
        [runtime.python(), ROOT / "manage.py", "serve"],
        env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def get(url: str) -> tuple[int, dict]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as answer:
        return answer.code, json.load(answer)


@pytest.fixture(scope="module")
def first_start(tmp_path_factory):
    """A product started for the first time as a newcomer does it: nothing set but where it lives."""
    directory = tmp_path_factory.mktemp("newcomer")
    home, log, port = directory / "home", directory / "log", free_port()
    environment = clean_environment(KMS_HOME=str(home), PORT=str(port))
    with log.open("w") as output:
        process = subprocess.Popen(
            [runtime.python(), ROOT / "manage.py", "serve"], env=environment, cwd=ROOT, stdout=output, stderr=output
        )
    console = Console(f"http://127.0.0.1:{port}", home, log, environment)
    wait_until(lambda: is_ready(console.url), process, log)
    yield console
    stop(process)


def test_the_first_start_says_where_to_go_and_who_to_be(first_start):
    said = first_start.log_text()

    assert first_start.url in said
    assert re.search(r"Account: +default-account", said)
    assert re.search(r"User: +admin", said)
    assert re.search(r"One-time password: +\S{16,}", said)


def test_the_home_is_open_to_nobody_else(first_start):
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in first_start.home.iterdir() if path.is_file()}

    assert stat.S_IMODE(first_start.home.stat().st_mode) == 0o700
    assert modes["root.key"] == modes["secret-key"] == modes["kms.sqlite3"] == 0o600
    assert all(mode & 0o077 == 0 for mode in modes.values())


def test_it_is_ready(first_start):
    assert get(f"{first_start.url}/healthz") == (200, {"status": "ok"})
    assert get(f"{first_start.url}/readyz") == (200, {"status": "ok"})


def test_static_files_are_named_by_their_content_and_may_be_kept(first_start):
    manifest = json.loads((first_start.home / "static/staticfiles.json").read_text())
    name = next(hashed for path, hashed in manifest["paths"].items() if path.endswith(".css"))

    with urllib.request.urlopen(f"{first_start.url}/static/{name}", timeout=10) as answer:
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_no_secret_of_the_installation_is_logged(first_start):
    said = first_start.log_text()

    assert (first_start.home / "secret-key").read_text() not in said
    assert (first_start.home / "root.key").read_text().strip() not in said


@pytest.mark.parametrize("command", ["create_access_key admin", "seed_demo", "create_user bob"])
def test_a_command_beside_no_database_says_so_in_one_sentence(tmp_path, command):
    elsewhere = clean_environment(KMS_HOME=str(tmp_path / "elsewhere"))
    done = subprocess.run(
        [runtime.python(), ROOT / "manage.py", *command.split()],
        env=elsewhere,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("The database cannot be used: unable to open database file.")
    assert "make run" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_second_product_on_the_same_home_is_refused(first_start):
    second = serve(first_start.home.parent)

    assert second.returncode == 1
    assert re.search(r"Another KMS Console \(process \d+\) already runs on .*: stop it first\.", second.stderr)


def test_a_port_that_is_taken_is_named(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        refused = serve(tmp_path, KMS_PORT=str(port))

    assert refused.returncode == 1
    assert f"Something else listens at 127.0.0.1:{port} already: stop it, or set PORT." in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_password_that_breaks_the_rules_stops_the_first_start(tmp_path):
    refused = serve(tmp_path, KMS_ADMIN_PASSWORD="short")

    assert refused.returncode == 1
    assert "KMS_ADMIN_PASSWORD" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_later_start_prints_no_password_and_keeps_every_secret(tmp_path):
    with running_console(tmp_path) as console:
        before = {name: (console.home / name).read_bytes() for name in ("root.key", "secret-key")}

    with running_console(tmp_path) as console:
        said = console.log_text()

    assert {name: (console.home / name).read_bytes() for name in before} == before
    assert "assword" not in said
    assert console.url in said


def test_a_given_administrators_password_is_not_printed(tmp_path):
    with running_console(tmp_path) as console:
        assert Console.password not in console.log_text()
        assert "as set by KMS_ADMIN_PASSWORD" in console.log_text()


def test_a_missing_root_key_seals_the_product_and_is_never_replaced(tmp_path):
    with running_console(tmp_path) as console:
        pass
    root_key = console.home / "root.key"
    kept = root_key.rename(tmp_path / "root.key")

    port, log = free_port(), tmp_path / "sealed.log"
    environment = console.environment | {"KMS_PORT": str(port)}
    with log.open("w") as output:
        process = subprocess.Popen(
            [runtime.python(), ROOT / "manage.py", "serve"], env=environment, cwd=ROOT, stdout=output, stderr=output
        )
    try:
        url = f"http://127.0.0.1:{port}"

        def says_so() -> bool:
            try:
                return get(f"{url}/readyz") == (503, {"status": "sealed", "warnings": ["root key file missing"]})
            except OSError:
                return False

        wait_until(says_so, process, log)
        assert "starts SEALED" in log.read_text()
        assert str(root_key) in log.read_text()
        assert not root_key.exists()

        kept.rename(root_key)
        wait_until(lambda: is_ready(url), process, log, seconds=15)
    finally:
        stop(process)


@pytest.mark.parametrize("told_by", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda told_by: told_by.name)
def test_it_stops_at_once_when_all_its_processes_are_told_to(tmp_path, told_by):
    environment = clean_environment(KMS_HOME=str(tmp_path / "home"), KMS_PORT=str(free_port()))
    log = tmp_path / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [runtime.python(), ROOT / "manage.py", "serve"],
            env=environment, cwd=ROOT, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    wait_until(lambda: is_ready(f"http://127.0.0.1:{environment['KMS_PORT']}"), process, log)

    os.killpg(process.pid, told_by)

    assert process.wait(timeout=15) == 0


def test_a_worker_that_does_not_listen_yet_stops_when_it_is_told_to():
    """Between the fork and its own handlers: else the product would wait for it as long as for one that is busy."""
    supervisor = """
import os, signal, time
from kmsconsole import server
signal.signal(signal.SIGTERM, lambda *_: None)
os.register_at_fork(after_in_child=server.follow_the_supervisor)
heard, says = os.pipe()
worker = os.fork()
if not worker:
    os.write(says, b".")
    time.sleep(60)
    os._exit(0)
os.read(heard, 1)
os.kill(worker, signal.SIGTERM)
print(os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]))
"""
    environment = clean_environment(DJANGO_SETTINGS_MODULE="kmsconsole.settings")
    run = subprocess.run(
        [runtime.python(), "-c", supervisor], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=40
    )

    assert run.stdout.strip() == str(-signal.SIGTERM), run.stderr


def test_a_killed_product_leaves_nothing_behind_and_starts_again(tmp_path):
    with running_console(tmp_path) as console:
        os.kill(int((console.home / "serve.lock").read_text()), signal.SIGKILL)

    (console.home / "secret-key").write_bytes(b"")  # as a power failure may leave it

    with running_console(tmp_path, KMS_PORT=console.environment["KMS_PORT"]) as again:
        assert is_ready(console.url)
        assert "already" not in again.log_text()
        assert "everybody has to sign in again" in again.log_text()
        assert len((console.home / "secret-key").read_bytes()) > 50


def test_a_web_worker_that_dies_is_replaced(tmp_path):
    with running_console(tmp_path, KMS_WEB_WORKERS="1") as console:
        supervisor = int((console.home / "serve.lock").read_text())
        children = Path(f"/proc/{supervisor}/task/{supervisor}/children")
        if not children.exists():
            pytest.skip("this system does not list a process's children")
        worker = int(children.read_text().split()[0])

        os.kill(worker, signal.SIGKILL)
        deadline = time.monotonic() + 60
        while children.read_text().split() in ([], [str(worker)]) and time.monotonic() < deadline:
            time.sleep(0.05)
        while not is_ready(console.url) and time.monotonic() < deadline:
            time.sleep(0.05)

        assert is_ready(console.url)


def test_the_product_runs_its_own_jobs(tmp_path):
    """Without a broker, and without anybody typing a command: the private half of a wrapping key goes after a day."""
    with running_console(tmp_path, KMS_JOB_INTERVAL="1") as console:
        program = Rest(console)
        program.offer(program.empty_key("waits"))

        def kept_private_halves() -> int:
            with sqlite3.connect(f"file:{console.home / 'kms.sqlite3'}?mode=ro", uri=True) as database:
                query = "SELECT count(*) FROM imports_wrappingkey WHERE private_sealed IS NOT NULL"
                return database.execute(query).fetchone()[0]

        assert kept_private_halves() == 1
        console.manage("clock", "--advance", "25h")
        deadline = time.monotonic() + 60
        while kept_private_halves() and time.monotonic() < deadline:
            time.sleep(0.1)

        assert kept_private_halves() == 0
        assert "Warning" not in console.log_text()
        assert "AlwaysEagerIgnored" not in console.log_text()


def test_a_root_key_from_the_environment_reaches_every_worker_and_no_file(tmp_path):
    key = base64.b64encode(secrets.token_bytes(32)).decode()

    with running_console(tmp_path, KMS_ROOT_KEY_PROVIDER="env", KMS_ROOT_KEY=key) as console:
        assert not (console.home / "root.key").exists()
        assert key not in console.log_text()
        assert {get(f"{console.url}/healthz")[0] for _ in range(20)} == {200}


# --- static files -------------------------------------------------------------------------------------------------


def test_every_module_is_named_by_its_content_and_kept_for_ever(first_start):
    """So no browser meets modules of two releases, however many import one another."""
    names = json.loads((first_start.home / "static" / "staticfiles.json").read_text())["paths"]
    modules = {name: hashed for name, hashed in names.items() if name.startswith("js/")}
    imported = set()
    for hashed in modules.values():
        with urllib.request.urlopen(f"{first_start.url}/static/{hashed}", timeout=10) as answer:
            assert "immutable" in answer.headers["Cache-Control"]
            text = answer.read().decode()
        imported |= set(re.findall(r"""^(?:import|export[^"'=]*from)\b[^"']*["']([^"']+)["'];""", text, flags=re.M))

    assert len(imported) > 10
    assert imported <= {f"./{hashed.removeprefix('js/')}" for hashed in modules.values()}
