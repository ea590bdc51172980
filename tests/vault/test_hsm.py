"""A root key in a PKCS#11 token: made there, never taken out, used by threads and forks, found again after a loss."""

import secrets
import shutil
import subprocess
import sys
import threading
from contextlib import suppress

import pkcs11
import pytest
from django.core.management import CommandError, call_command
from pkcs11 import Attribute, KeyType

from tests.services.product import ROOT, running_console
from tests.vault.conftest import a_binding, clear, snapshot
from tests.vault.processes import fork, wait
from vault import hierarchy, hsm, initialisation, roots, rotation, sealing
from vault import token as sessions
from vault.errors import OpenFailed, RootKeyMissing, RootKeyUnsafe, VaultError
from vault.models import Canary


@pytest.fixture
def source(hardware_module):
    """A token in which there is a root key."""
    found = roots.configured()
    found.create_incoming()
    found.settle()
    return found


@pytest.fixture
def committed_hsm_vault(hardware_module, transactional_db):
    clear()
    initialisation.initialise()
    yield hardware_module
    hierarchy.forget()


def labels(label):
    """The keys in the token whose label begins so, without that beginning."""
    token = roots.configured()._token
    with token.writing() as session:
        found = [key.label for key in session.get_objects({Attribute.CLASS: pkcs11.ObjectClass.SECRET_KEY})]
    return sorted(name.removeprefix(label) for name in found if name.startswith(label))


def a_foreign_key(label, bits=256, key_id=bytes(8), **attributes):
    """A key that somebody made with a tool of their own."""
    with roots.configured()._token.writing() as session:
        session.generate_key(
            KeyType.AES, bits, id=key_id, label=label, store=True,
            template={getattr(Attribute, name): value for name, value in attributes.items()},
        )  # fmt: skip


class TestTheKey:
    def test_is_made_in_the_token_and_cannot_be_taken_out(self, hardware_module, source):
        with source._token.writing() as session:
            key = session.get_key(label=hardware_module)

            assert key[Attribute.SENSITIVE]
            assert key[Attribute.ALWAYS_SENSITIVE]
            assert key[Attribute.NEVER_EXTRACTABLE]
            assert not key[Attribute.WRAP]
            assert not key[Attribute.DERIVE]
            with pytest.raises(pkcs11.AttributeSensitive):
                key[Attribute.VALUE]

    def test_has_its_cka_id_as_id(self, hardware_module, source):
        with source._token.writing() as session:
            key_id = session.get_key(label=hardware_module)[Attribute.ID]

        assert source.read().current.root_id() == key_id.hex()

    def test_that_can_be_taken_out_is_refused(self, hardware_module):
        a_foreign_key(hardware_module, EXTRACTABLE=True, SENSITIVE=True)

        with pytest.raises(RootKeyUnsafe, match="must not be extractable"):
            roots.configured().read()

    def test_that_is_too_short_is_refused(self, hardware_module):
        a_foreign_key(hardware_module, bits=128, EXTRACTABLE=False, SENSITIVE=True)

        with pytest.raises(RootKeyUnsafe, match="256 bits"):
            roots.configured().read()

    def test_whose_id_has_another_length_is_refused(self, hardware_module):
        a_foreign_key(hardware_module, key_id=b"\1", EXTRACTABLE=False, SENSITIVE=True)

        with pytest.raises(RootKeyUnsafe, match="CKA_ID of 8 bytes"):
            roots.configured().read()

    def test_that_is_there_twice_is_refused(self, hardware_module, source):
        a_foreign_key(hardware_module, EXTRACTABLE=False, SENSITIVE=True)

        with pytest.raises(RootKeyUnsafe, match="2 keys"):
            source.read()

    def test_that_is_not_there_is_missing(self, hardware_module):
        with pytest.raises(RootKeyMissing, match=f"no root key in the PKCS#11 token kms, labelled {hardware_module}"):
            roots.configured().read()

    def test_that_was_destroyed_opens_nothing(self, hardware_module, source):
        root = source.read().current
        wrapped = root.wrap(b"a key", b"here")
        with source._token.writing() as session:
            session.get_key(label=hardware_module).destroy()

        with pytest.raises(RootKeyMissing, match="NoSuchKey"):
            root.unwrap(wrapped, b"here")


class TestTheSession:
    def test_is_shared_by_threads(self, source):
        root = source.read().current
        wrapped, opened, start = root.wrap(b"a key", b"here"), [], threading.Barrier(8)

        def work():
            start.wait()
            for _ in range(20):
                opened.append(root.unwrap(root.wrap(b"a key", b"here"), b"here"))
                with suppress(OpenFailed):
                    root.unwrap(wrapped, b"there")

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert opened == [b"a key"] * 160

    def test_is_a_new_one_in_a_forked_process_and_stays_in_its_parent(self, source, db):
        root = source.read().current
        wrapped = root.wrap(b"a key", b"here")

        def work():
            assert root.unwrap(wrapped, b"here") == b"a key"

        children = [fork(work) for _ in range(3)]
        work()

        assert [wait(child) for child in children] == [0, 0, 0]
        work()

    def test_may_be_in_use_by_another_thread_while_the_process_forks(self, source, db):
        root = source.read().current
        wrapped = root.wrap(b"a key", b"here")

        with source._token.writing():  # a thread of the parent is at it; in the child there is no such thread
            child = fork(lambda: root.unwrap(wrapped, b"here"))
            assert wait(child) == 0

    def test_that_was_lost_is_made_again(self, source):
        root = source.read().current
        wrapped = root.wrap(b"a key", b"here")

        pkcs11.lib(source._token._library).reinitialize()  # as a restarted HSM: every session and handle is void

        assert root.unwrap(wrapped, b"here") == b"a key"
        pkcs11.lib(source._token._library).reinitialize()
        assert root.unwrap(root.wrap(b"a key", b"here"), b"here") == b"a key"

    def test_on_a_token_that_is_away_is_an_error_until_it_is_back(self, source, soft_token):
        root = source.read().current
        wrapped = root.wrap(b"a key", b"here")
        away = soft_token.directory.with_name("away")
        shutil.copytree(soft_token.directory, away)
        for part in list(soft_token.directory.iterdir()):
            shutil.rmtree(part)
        pkcs11.lib(source._token._library).reinitialize()

        with pytest.raises(RootKeyMissing, match="NoSuchToken"):
            root.unwrap(wrapped, b"here")

        shutil.copytree(away, soft_token.directory, dirs_exist_ok=True)
        shutil.rmtree(away)
        assert root.unwrap(wrapped, b"here") == b"a key"


class TestThePin:
    def test_that_is_wrong_is_tried_once_only(self, home, hardware_module, monkeypatch):
        (home / "pin").write_text("0000-wrong-0000")
        asked = []
        real = sessions.Token._login
        monkeypatch.setattr(sessions.Token, "_login", lambda self, token, pin: real(self, Counting(token, asked), pin))

        for _ in range(3):
            with pytest.raises(RootKeyMissing, match="is not that of the PKCS#11 token kms") as refused:
                roots.configured().read()

        assert len(asked) == 1, "a token locks itself after a few wrong PINs"
        assert "0000-wrong" not in str(refused.value)

    def test_that_was_mended_is_tried_again(self, home, hardware_module, soft_token, source):
        source._token.forget()
        (home / "pin").write_text("0000-wrong-0000")
        with pytest.raises(RootKeyMissing):
            source.read()

        (home / "pin").write_text(soft_token.pin)

        assert source.read().current

    def test_is_not_tried_when_one_more_failure_would_lock_the_token(self, hardware_module, monkeypatch):
        real = sessions.Token._login

        def on_its_last_try(self, token, pin):
            return real(self, Counting(token, [], flags=pkcs11.TokenFlag.USER_PIN_FINAL_TRY), pin)

        monkeypatch.setattr(sessions.Token, "_login", on_its_last_try)

        with pytest.raises(RootKeyMissing, match="One more wrong PIN would lock"):
            roots.configured().read()

    def test_in_a_file_that_others_may_read_is_refused(self, home, hardware_module):
        (home / "pin").chmod(0o644)

        with pytest.raises(RootKeyUnsafe, match=r"PIN file .* has mode 0644"):
            roots.configured().read()

    @pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe"])
    def test_that_is_none_is_missing(self, home, hardware_module, content):
        (home / "pin").write_bytes(content)

        with pytest.raises(RootKeyMissing, match="holds no PIN"):
            roots.configured().read()

    def test_without_its_file_is_missing(self, home, hardware_module):
        (home / "pin").unlink()

        with pytest.raises(RootKeyMissing, match="no PIN file at"):
            roots.configured().read()


class Counting:
    """A token that notes each login."""

    def __init__(self, token, asked, flags=None):
        self._token, self._asked, self.flags = token, asked, token.flags if flags is None else flags

    def open(self, **arguments):
        self._asked.append(arguments)
        return self._token.open(**arguments)


class TestTheLibrary:
    def test_that_is_not_there_is_missing(self, hardware_module, settings):
        settings.KMS_PKCS11_LIBRARY = "/nowhere/lib.so"

        with pytest.raises(RootKeyMissing, match=r"no PKCS#11 library at /nowhere/lib\.so"):
            roots.configured().read()

    def test_that_is_none_cannot_be_used(self, hardware_module, settings):
        settings.KMS_PKCS11_LIBRARY = __file__

        with pytest.raises(RootKeyMissing, match="does not serve"):
            roots.configured().read()

    def test_without_its_package_says_which_command_installs_it(self, hardware_module):
        program = (
            "import sys; sys.modules['pkcs11'] = None\n"
            "import django; django.setup()\n"
            "from vault import roots\n"
            "roots.configured()\n"
        )
        environment = {
            "DJANGO_SETTINGS_MODULE": "kmsconsole.settings",
            "KMS_ROOT_KEY_PROVIDER": "pkcs11",
            "KMS_PKCS11_LIBRARY": "/usr/lib/hsm.so",
            "KMS_PKCS11_TOKEN": "kms",
            "KMS_PKCS11_PIN_FILE": "/run/kms/pin",
        }

        done = subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, env=environment
        )

        assert "python-pkcs11 is not installed: run make hsm" in done.stderr


class TestTheVault:
    def test_begins_with_a_key_made_in_the_token(self, committed_hsm_vault, home):
        assert labels(committed_hsm_vault) == [""]
        assert [path.name for path in home.iterdir()] == ["pin"]
        assert not hierarchy.is_sealed()
        assert sealing.open(a_binding(), sealing.seal(a_binding(), b"a key")) == b"a key"

    def test_makes_no_second_key_beside_the_first(self, committed_hsm_vault):
        rows = snapshot()

        with pytest.raises(CommandError, match="sealed under root key"):
            call_command("init_root")

        assert snapshot() == rows
        assert labels(committed_hsm_vault) == [""]

    def test_takes_a_key_that_is_there_only_when_told(self, source, hardware_module, transactional_db):
        clear()
        with pytest.raises(CommandError, match="init_root --use-existing"):
            call_command("init_root")
        assert not Canary.objects.exists()

        call_command("init_root", use_existing=True)

        assert Canary.objects.get().root_id == source.read().current.root_id()

    def test_is_sealed_without_its_token_and_comes_back_with_it(self, committed_hsm_vault, home, soft_token):
        (home / "pin").unlink()
        hierarchy.forget()
        roots.configured()._token.forget()

        assert "no PIN file" in hierarchy.seal_reason()

        soft_token.settings(home / "pin", committed_hsm_vault)
        hierarchy.forget()
        assert not hierarchy.is_sealed()

    def test_is_sealed_under_another_key_and_told_which_one_it_wants(self, committed_hsm_vault, settings):
        wanted = Canary.objects.get().root_id
        settings.KMS_PKCS11_KEY = f"{committed_hsm_vault}-other"
        roots.configured().create_incoming()
        roots.configured().settle()
        hierarchy.forget()

        assert f"sealed under root key {wanted}: put that one back" in hierarchy.seal_reason()


class Interrupted(Exception):
    pass


class TestARotation:
    def test_makes_a_new_key_in_the_token_and_keeps_the_old_one(self, committed_hsm_vault, capsys):
        blob, old = sealing.seal(a_binding(), b"a key"), Canary.objects.get().root_id

        call_command("rotate_root_key")

        assert Canary.objects.get().root_id != old
        assert labels(committed_hsm_vault) == ["", f".retired-{old}"]
        assert f"labelled {committed_hsm_vault}.retired-{old}" in capsys.readouterr().out
        hierarchy.forget()
        assert sealing.open(a_binding(), blob) == b"a key"

    def test_can_destroy_the_old_one(self, committed_hsm_vault):
        rotation.rotate(keep_old=False)

        assert labels(committed_hsm_vault) == [""]

    def test_can_be_prepared(self, committed_hsm_vault):
        old = Canary.objects.get().root_id
        prepared = rotation.prepare()

        assert rotation.prepare() == prepared
        assert labels(committed_hsm_vault) == ["", ".new"]
        assert Canary.objects.get().root_id == old
        assert rotation.rotate().root_id == prepared

    @pytest.mark.parametrize("step", range(7))
    def test_interrupted_after_each_row_goes_on_there(self, committed_hsm_vault, step):
        blob, steps = sealing.seal(a_binding(), b"a key"), []

        def interrupt(name):
            steps.append(name)
            if len(steps) > step:
                raise Interrupted

        with suppress(Interrupted):
            rotation.rotate(on_step=interrupt)
        hierarchy.forget()
        assert sealing.open(a_binding(), blob) == b"a key"

        done = rotation.rotate()

        hierarchy.forget()
        assert sealing.open(a_binding(), blob) == b"a key"
        assert Canary.objects.get().root_id == done.root_id
        assert ".new" not in labels(committed_hsm_vault)

    def test_cut_off_between_the_two_names_is_mended_by_the_next(self, committed_hsm_vault, monkeypatch):
        real, blob = hsm._rename, sealing.seal(a_binding(), b"a key")

        def first_name_only(session, label, new_label):
            real(session, label, new_label)
            raise Interrupted

        with monkeypatch.context() as patched:
            patched.setattr(hsm, "_rename", first_name_only)
            with pytest.raises(Interrupted):
                rotation.rotate()
        assert "" not in labels(committed_hsm_vault)
        hierarchy.forget()
        assert sealing.open(a_binding(), blob) == b"a key"

        rotation.rotate()

        assert "" in labels(committed_hsm_vault)
        hierarchy.forget()
        assert sealing.open(a_binding(), blob) == b"a key"

    def test_where_the_token_refuses_to_rename_says_what_is_left_to_do(self, committed_hsm_vault, monkeypatch):
        old = Canary.objects.get().root_id

        def refusing(session, label, new_label):
            raise pkcs11.AttributeReadOnly

        monkeypatch.setattr(hsm, "_rename", refusing)

        with pytest.raises(VaultError, match=f"take the label {committed_hsm_vault} from key {old}"):
            rotation.rotate()
        assert Canary.objects.get().root_id != old


@pytest.mark.system
def test_the_product_starts_with_it_and_all_its_processes_use_it(tmp_path, soft_token):
    settings = soft_token.settings(tmp_path / "pin", f"product-{secrets.token_hex(4)}")

    with running_console(tmp_path, **settings) as console:  # healthy only once a web worker has opened the vault
        assert "Every key opens." in console.manage("check_vault")
        assert "ak" in console.manage("create_access_key", console.user, "--format", "json")
        assert not (console.home / "root.key").exists()
        assert soft_token.pin not in console.log_text()
