"""The environment of the tests, set before Django reads its settings: a home of their own, a root key, a secret key.

Loaded as a pytest plugin by `-p tests.environment`. Each xdist worker is a process and gets its own home.
"""

import atexit
import os
import secrets
import shutil
import tempfile
from pathlib import Path

for name in [name for name in os.environ if name.startswith("KMS_")]:
    del os.environ[name]

HOME = Path(tempfile.mkdtemp(prefix="kms-test-"))
atexit.register(shutil.rmtree, HOME, ignore_errors=True)

(HOME / "static").mkdir()
ROOT_KEY_FILE = HOME / "root.key"
ROOT_KEY_FILE.touch(mode=0o600)
ROOT_KEY_FILE.write_bytes(secrets.token_bytes(32))

os.environ.update(
    DJANGO_SETTINGS_MODULE="kmsconsole.settings",
    KMS_HOME=str(HOME),
    KMS_SECRET_KEY=secrets.token_urlsafe(50),
    KMS_TEST_MODE="1",
    # Traces straight into the table, where tests look for them; the journal has tests of its own.
    KMS_TRACE_JOURNAL="0",
    KMS_LOG_LEVEL="WARNING",
)
