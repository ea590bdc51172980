"""A backup that is put back opens everything, and ends the tokens and sessions that came back with it (SEC-093)."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import textwrap

import psycopg
import pytest

from operations import errors
from tests.services.product import ROOT, clean_environment
from tests.services.programs import find

pytestmark = pytest.mark.system

# An installation with a key, and with everything that is to end.
FILL = """
import json, django
django.setup()
from datetime import timedelta
from django.core.management import call_command
from django.test import Client
from iam.services import tokens
from keys.api.encryption import ENCRYPT_DATA
from operations import clock
from operations.models import ClockMark
from operations.perform import perform
from tests import factories
from tests.operations import stage
from vault import initialisation
call_command("migrate", verbosity=0)
initialisation.initialise()
user = factories.alice()
alice = factories.caller(user)
client = Client()
factories.sign_in(client, user)
key = stage.a_key(alice)
stage.an_offer(alice, stage.an_empty_key(alice))
cipher = perform(ENCRYPT_DATA, alice, {"key_id": key.key_id, "plain_text": "a secret"})
noted = clock.now() - timedelta(days=9)
ClockMark.objects.create(pk=1, at=noted, read_at=noted, boot_id="another", uptime=1.0)
print(json.dumps({
    "token": tokens.issue(user).secret,
    "cookie": client.cookies["kms-session"].value,
    "cipher": ENCRYPT_DATA.respond(cipher)["cipher_text"],
}))
"""

ASK = """
import json, sys, django
django.setup()
from django.test import RequestFactory
from iam import sessions
from iam.services import tokens
from iam.session_store import SessionStore
from imports.models import WrappingKey
from keys.api.encryption import DECRYPT_DATA
from operations.errors import KmsError
from operations.models import Trace
from operations.perform import perform
from tests import factories
made = json.loads(sys.argv[1])
alice = factories.caller(factories.alice())
plain = DECRYPT_DATA.respond(perform(DECRYPT_DATA, alice, {"cipher_text": made["cipher"]}))["plain_text"]
request = RequestFactory().get("/")
request.session = SessionStore(made["cookie"])
try:
    token = "good" if tokens.find(made["token"]) else ""
except KmsError as error:
    token = error.code.code
print(json.dumps({
    "plain": plain,
    "token": token,
    "signed_in": sessions.user_of(request) is not None,
    "wrapping_keys": WrappingKey.objects.filter(private_sealed__isnull=False).count(),
    "traces": list(Trace.objects.filter(name="restoreBackup").values_list("request", flat=True)),
}))
"""


class Installation:
    def __init__(self, home, database=""):
        home.mkdir(mode=0o700, exist_ok=True)
        self.home = home
        self.environment = clean_environment(
            DJANGO_SETTINGS_MODULE="kmsconsole.settings", KMS_HOME=str(home), KMS_SECRET_KEY="k" * 60
        ) | ({"KMS_DATABASE_URL": database} if database else {})

    def run(self, *command, check=True):
        done = subprocess.run(
            [sys.executable, *command], env=self.environment, cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0 or not check, done.stdout + done.stderr
        return done

    def ask(self, program, *arguments):
        return json.loads(self.run("-c", textwrap.dedent(program), *arguments).stdout)


@pytest.fixture(params=["sqlite", "postgresql"])
def restored(request, tmp_path):
    """What was made before the backup, and an installation into which the backup was put."""
    new = tmp_path / "new"
    if request.param == "sqlite":
        before, after = Installation(tmp_path / "old"), Installation(new)
        made = before.ask(FILL)
        backup = [find("sqlite3", package="sqlite3"), before.home / "kms.sqlite3", ".backup kms.backup"]
        subprocess.run(backup, cwd=tmp_path, check=True)
        shutil.copy(tmp_path / "kms.backup", after.home / "kms.sqlite3")
    else:
        server = request.getfixturevalue("postgresql_server")
        old_url, new_url = server.create_database(), server.create_database()
        before, after = Installation(tmp_path / "old", old_url), Installation(new, new_url)
        made = before.ask(FILL)
        dump, restore = (find(name, package="postgresql-client") for name in ("pg_dump", "pg_restore"))
        subprocess.run([dump, "--format", "custom", "--file", tmp_path / "kms.backup", old_url], check=True)
        subprocess.run([restore, "--no-owner", "--dbname", new_url, tmp_path / "kms.backup"], check=True)
        with psycopg.connect(new_url) as connection:
            assert connection.execute("SELECT count(*) FROM keys_key").fetchone() == (2,)
    shutil.copy(before.home / "root.key", after.home)
    return made, after


def test_a_restored_backup_opens_and_its_tokens_and_sessions_have_ended(restored):
    made, installation = restored
    told = installation.run("manage.py", "finish_restore").stdout

    assert "Every key opens." in told
    assert "Ended: 1 tokens, 1 console sessions, 1 import sessions." in told
    assert "confirm_clock" in told, "the backup is nine days old: nothing is deleted before somebody has looked"
    assert installation.ask(ASK, json.dumps(made)) == {
        "plain": "a secret",
        "token": errors.TOKEN_INVALID.code,
        "signed_in": False,
        "wrapping_keys": 0,
        "traces": [{"tokens": 1, "sessions": 1, "import_sessions": 1}],
    }
