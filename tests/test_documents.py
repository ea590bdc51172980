"""What the documents tell people to type works as it stands."""

import re
import subprocess
from pathlib import Path

from kmsconsole.urls import OPERATIONS

DOCS = Path(__file__).resolve().parent.parent / "docs"


def test_the_import_through_the_api_works_as_it_is_written(console_server, openssl, tmp_path):
    (script,) = re.findall(r"```sh\n(.*?)```", (DOCS / "use" / "import.md").read_text(), re.DOTALL)
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "URL": console_server.url,
        "ACCOUNT": console_server.account,
        "KMS_USER": console_server.user,
        "PASSWORD": console_server.password,
    }

    run = subprocess.run(["bash", "-euc", script], cwd=tmp_path, env=environment, capture_output=True, text=True)

    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == ["{}", "hello"], run.stdout + run.stderr


CALL = re.compile(r'^curl (.*?)"\$ENDPOINT/v1\.0/(?:\$PROJECT_ID/)?([^"?]+).*?"(.*)$', re.MULTILINE)


def test_every_operation_has_its_line_with_curl():
    """That the lines are true is for tests/wire/test_curl.py to say."""
    page = (DOCS / "reference/curl.md").read_text().replace("\\\n", "")
    calls = {(_method(before + behind), path) for before, path, behind in CALL.findall(page)}

    assert [
        operation.name
        for operation in OPERATIONS
        if operation.path and not any(_is(operation, *call) for call in calls)
    ] == []


def _method(options):
    named = re.search(r"-X (\w+)", options)
    return named[1] if named else "POST" if "--json" in options else "GET"


def _is(operation, method, path):
    pattern = re.sub(r"<\w+:\w+>", "[^/]+", operation.path)
    return method == operation.method and re.fullmatch(pattern, path)
