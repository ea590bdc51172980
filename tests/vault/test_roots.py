"""Every root provider keeps the same contract; each refuses a key that is not kept safely (SEC-001)."""

import os
import shlex
import stat
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.vault.conftest import descriptor_count, new_root, write_root
from vault import rootfile, roots
from vault.errors import OpenFailed, RootKeyMissing, RootKeyUnsafe, VaultError
from vault.plugin import CommandSource

PROGRAM = Path(__file__).with_name("root_program.py")


def command_line(directory):
    return shlex.join([sys.executable, str(PROGRAM), str(directory)])


@pytest.fixture(params=["file", "env", "command", "pkcs11"])
def source(request, home, settings, environment_without_root_keys):
    settings.KMS_ROOT_KEY_PROVIDER = request.param
    current, incoming = new_root(), new_root()
    match request.param:
        case "file":
            write_root(home / "root.key", current)
            write_root(home / "root.key.new", incoming)
        case "env":
            environment_without_root_keys.setenv("KMS_ROOT_KEY", current.decode())
            environment_without_root_keys.setenv("KMS_ROOT_KEY_NEW", incoming.decode())
        case "command":
            write_root(home / "current", current)
            write_root(home / "incoming", incoming)
            settings.KMS_ROOT_KEY_COMMAND = command_line(home)
        case "pkcs11":
            request.getfixturevalue("hardware_module")
            keep_two_root_keys(roots.configured())
    return roots.configured()


def keep_two_root_keys(token):
    token.create_incoming()
    token.settle()
    token.create_incoming()


class TestEveryProvider:
    def test_unwraps_what_it_wrapped(self, source):
        root = source.read().current

        assert root.unwrap(root.wrap(b"a key", b"here"), b"here") == b"a key"

    def test_wraps_the_same_key_differently_each_time(self, source):
        root = source.read().current

        assert root.wrap(b"a key", b"here") != root.wrap(b"a key", b"here")

    def test_refuses_another_place(self, source):
        root = source.read().current
        wrapped = root.wrap(b"a key", b"here")

        with pytest.raises(OpenFailed):
            root.unwrap(wrapped, b"there")

    def test_refuses_a_changed_byte_and_a_cut(self, source):
        root = source.read().current
        wrapped = root.wrap(b"a key", b"here")
        changed = wrapped[:-1] + bytes([wrapped[-1] ^ 1])

        for bad in (changed, wrapped[:-1], b""):
            with pytest.raises(OpenFailed):
                root.unwrap(bad, b"here")

    def test_the_incoming_root_does_not_open_what_the_current_one_wrapped(self, source):
        found = source.read()
        wrapped = found.current.wrap(b"a key", b"here")

        with pytest.raises(OpenFailed):
            found.incoming.unwrap(wrapped, b"here")

    def test_names_its_roots_by_16_hex_digits_that_stay(self, source):
        first, again = source.read(), source.read()

        assert list(first.by_id()) == list(again.by_id())
        assert len(first.by_id()) == 2
        assert all(len(root_id) == 16 and int(root_id, 16) >= 0 for root_id in first.by_id())

    def test_opens_after_the_source_was_read_again(self, source):
        wrapped = source.read().current.wrap(b"a key", b"here")

        assert source.read().current.unwrap(wrapped, b"here") == b"a key"


class TestTheId:
    def test_is_the_beginning_of_the_mac_of_root_id(self):
        # printf root-id | openssl dgst -sha256 -mac HMAC -macopt hexkey:000102…1f
        assert roots.LocalRoot(bytearray(range(32))).root_id() == "b3dbb96299f15308"

    def test_the_bytes_of_the_root_are_overwritten_once_it_is_made(self):
        root = bytearray(range(32))

        roots.LocalRoot(root)

        assert root == bytes(32)


class TestTheFile:
    def test_may_be_raw_or_base64_with_or_without_a_line_break(self, home):
        raw = bytes(range(100, 132))
        for content in (
            raw,
            b"ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoM=",
            b"ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoM=\r\n",
        ):
            write_root(home / "root.key", content)

            assert rootfile.read(home / "root.key") == raw

    def test_may_be_read_only(self, home):
        write_root(home / "root.key", new_root(), mode=0o400)

        assert len(rootfile.read(home / "root.key")) == 32

    @pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o604, 0o700, 0o4600])
    def test_of_another_mode_is_refused_and_the_sentence_says_what_to_do(self, home, mode):
        write_root(home / "root.key", new_root(), mode=mode)

        with pytest.raises(RootKeyUnsafe, match=f"has mode {mode:04o}.*chmod 600"):
            rootfile.read(home / "root.key")

    def test_of_another_owner_is_refused(self, home):
        path = Path("/etc/passwd")
        if os.geteuid() == 0:  # to whom that file belongs
            path = home / "root.key"
            write_root(path, new_root())
            os.chown(path, 12345, -1)

        with pytest.raises(RootKeyUnsafe, match="belongs to user"):
            rootfile.read(path)

    def test_that_is_a_link_is_refused(self, home):
        write_root(home / "elsewhere", new_root())
        (home / "root.key").symlink_to(home / "elsewhere")

        with pytest.raises(RootKeyUnsafe, match="symbolic link"):
            rootfile.read(home / "root.key")

    def test_that_is_a_directory_or_a_pipe_is_refused_without_waiting(self, home):
        (home / "directory").mkdir()
        os.mkfifo(home / "pipe", 0o600)

        for name in ("directory", "pipe"):
            with pytest.raises(RootKeyUnsafe, match="regular file"):
                rootfile.read(home / name)

    def test_that_is_not_there_is_missing(self, home):
        with pytest.raises(RootKeyMissing, match=r"no root key at .*root\.key"):
            roots.configured().read()

    @pytest.mark.parametrize(
        "content",
        [b"", b"x" * 31, bytes(range(33)), new_root()[:-2], new_root() + b"\n\n", b" " + new_root()],
        ids=["empty", "31 bytes", "33 bytes", "short Base64", "two line ends", "a space before"],
    )
    def test_of_another_length_or_spelling_is_refused(self, home, content):
        write_root(home / "root.key", content)

        with pytest.raises(RootKeyUnsafe, match="must be 32 bytes"):
            rootfile.read(home / "root.key")

    @pytest.mark.parametrize("content", [bytes(32), b"0123456789" * 3 + b"01", b"A" * 43 + b"="])
    def test_that_is_no_random_key_is_refused(self, home, content):
        write_root(home / "root.key", content)

        with pytest.raises(RootKeyUnsafe, match="not random"):
            rootfile.read(home / "root.key")

    def test_leaves_no_descriptor_open_whatever_it_says(self, home):
        write_root(home / "good", new_root())
        write_root(home / "bad", b"short")
        before = descriptor_count()

        for name in ("good", "bad", "absent"):
            with suppress(VaultError):
                rootfile.read(home / name)

        assert descriptor_count() == before

    @given(st.binary(max_size=80))
    @example(new_root() + b"\r\n")
    def test_of_any_content_is_a_key_or_unsafe(self, content):
        with suppress(RootKeyUnsafe):
            assert len(rootfile.parse(content, place="a file")) == 32

    def test_that_is_refused_is_not_quoted(self, home):
        write_root(home / "root.key", new_root() + b"=")

        with pytest.raises(RootKeyUnsafe) as refused:
            rootfile.read(home / "root.key")

        assert (home / "root.key").read_text() not in str(refused.value)

    def test_that_we_make_is_private_random_and_never_in_place_of_another(self, home):
        before = os.umask(0)
        try:
            rootfile.create(home / "root.key")
        finally:
            os.umask(before)
        first = (home / "root.key").read_bytes()

        with pytest.raises(FileExistsError):
            rootfile.create(home / "root.key")

        assert (home / "root.key").read_bytes() == first
        assert stat.S_IMODE((home / "root.key").stat().st_mode) == 0o600
        assert [path.name for path in home.iterdir()] == ["root.key"]


class TestTheEnvironment:
    def test_loses_the_key_as_soon_as_it_is_read_and_a_warning_is_logged(
        self, home, settings, environment_without_root_keys, caplog
    ):
        settings.KMS_ROOT_KEY_PROVIDER = "env"
        text = new_root().decode()
        environment_without_root_keys.setenv("KMS_ROOT_KEY", text)

        roots.configured().read()

        assert "KMS_ROOT_KEY" not in os.environ
        assert "KMS_ROOT_KEY is visible" in caplog.text
        assert text not in caplog.text

    def test_without_the_variable_has_no_key(self, home, settings, environment_without_root_keys):
        settings.KMS_ROOT_KEY_PROVIDER = "env"

        with pytest.raises(RootKeyMissing, match="KMS_ROOT_KEY is not set"):
            roots.configured().read()

    def test_with_a_bad_value_says_which_variable_and_not_what_it_held(
        self, home, settings, environment_without_root_keys
    ):
        settings.KMS_ROOT_KEY_PROVIDER = "env"
        environment_without_root_keys.setenv("KMS_ROOT_KEY", "hunter2-hunter2")

        with pytest.raises(RootKeyUnsafe, match="KMS_ROOT_KEY must be 32 bytes") as refused:
            roots.configured().read()
        assert "hunter2" not in str(refused.value)


class TestTheProgram:
    @pytest.mark.parametrize(
        ("script", "sentence"),
        [
            ("import sys; sys.exit(3)", "ended with status 3"),
            ("print('{')", "not understood"),
            ("print('[]')", "not understood"),
            ("print('{}')", "has no root key"),
            ("print('{\"current\": 7}')", "16 hex digits"),
            ('print(\'{"current": "a\\\\nb"}\')', "16 hex digits"),
        ],
    )
    def test_that_misbehaves_is_a_missing_root_key(self, script, sentence):
        with pytest.raises(RootKeyMissing, match=sentence):
            CommandSource(shlex.join([sys.executable, "-c", script])).read()

    def test_that_cannot_be_run_is_a_missing_root_key(self, tmp_path):
        with pytest.raises(RootKeyMissing, match="cannot be run"):
            CommandSource(str(tmp_path / "absent")).read()

    def test_that_is_not_named_is_a_missing_root_key(self):
        with pytest.raises(RootKeyMissing, match="KMS_ROOT_KEY_COMMAND must be set"):
            CommandSource("").read()

    def test_that_hangs_is_given_up(self, monkeypatch):
        monkeypatch.setattr("vault.plugin.TIMEOUT_SECONDS", 0.2)

        with pytest.raises(RootKeyMissing, match="did not answer"):
            CommandSource(shlex.join([sys.executable, "-c", "import time; time.sleep(60)"])).read()

    def test_that_answers_no_base64_is_not_understood(self):
        script = "import json; print(json.dumps({'current': 'a' * 16, 'data': '*'}))"
        root = CommandSource(shlex.join([sys.executable, "-c", script])).read().current

        with pytest.raises(RootKeyMissing, match="not understood"):
            root.wrap(b"a key", b"here")


def test_an_unknown_provider_is_refused(settings):
    settings.KMS_ROOT_KEY_PROVIDER = "cloud"

    with pytest.raises(VaultError, match="file, env, command or pkcs11, not cloud"):
        roots.configured()
