"""What a crash may leave of the files that the product makes itself: rebuilt where only sessions are lost by it."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from kmsconsole import env, preparation

DAMAGED = {"empty": b"", "short": b"abc", "zeros": b"\0" * 86, "not text": b"\xff" * 86, "cut": b"a" * 49 + b"\0" * 37}


@pytest.mark.parametrize("left", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_secret_key_is_made_anew_and_the_log_says_what_that_ends(tmp_path, settings, caplog, left):
    file = tmp_path / "secret-key"
    file.write_bytes(left)
    settings.OWN_SECRET_KEY_FILE, settings.KMS_SECRET_KEY = file, env.own_secret(file)
    assert settings.KMS_SECRET_KEY is None

    preparation.ensure_secret_key()

    assert env.own_secret(file) == settings.SECRET_KEY == settings.KMS_SECRET_KEY
    assert "sign in again" in caplog.text
    assert settings.SECRET_KEY not in caplog.text


def test_a_whole_secret_key_is_kept(tmp_path, settings, caplog):
    file = tmp_path / "secret-key"
    settings.OWN_SECRET_KEY_FILE, settings.KMS_SECRET_KEY = file, None
    preparation.ensure_secret_key()
    before = file.read_bytes()

    settings.KMS_SECRET_KEY = env.own_secret(file)
    preparation.ensure_secret_key()

    assert file.read_bytes() == before
    assert caplog.text == ""


def test_a_secret_key_that_cannot_be_read_is_named_and_not_replaced(tmp_path):
    (tmp_path / "secret-key").mkdir()

    with pytest.raises(ImproperlyConfigured, match=r"Cannot read .*secret-key"):
        env.own_secret(tmp_path / "secret-key")


@pytest.mark.parametrize("left", [b"", None], ids=["empty", "missing"])
def test_the_secrets_of_a_deployment_are_made_again_where_one_is_empty(tmp_path, left):
    call_command("make_secrets", str(tmp_path))
    kept = (tmp_path / "database/password").read_text()
    (tmp_path / "app/secret-key").unlink()
    if left is not None:
        (tmp_path / "app/secret-key").write_bytes(left)

    call_command("make_secrets", str(tmp_path))

    assert len((tmp_path / "app/secret-key").read_text()) > 50
    assert (tmp_path / "database/password").read_text() == kept
