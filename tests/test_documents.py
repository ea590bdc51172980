"""What the documents tell people to type works as it stands."""

import re
import subprocess
from pathlib import Path

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
