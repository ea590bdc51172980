"""RSA private keys from outside are proved in another process; whatever happens to it, an import gets its answer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from django.conf import settings

from imports import proofs
from kmscrypto.errors import InvalidPrivateKey
from kmscrypto.specs import SPECS
from operations import errors
from operations.models import Trace
from tests.kmscrypto import keys
from tests.operations.stage import an_empty_key, import_into, refused, state_of

RSA_2048 = SPECS["RSA_2048"]


@pytest.fixture(autouse=True)
def _programs_of_their_own():
    proofs.stop()
    yield
    proofs.stop()


@pytest.fixture(scope="module")
def good():
    return keys.der(keys.rsa_key(2048))


@pytest.fixture(scope="module")
def composite():
    """A key of which everything but the second factor is in order."""
    _p, q = keys.primes()
    half, other = keys.next_prime((1 << 512) - (1 << 500)), keys.next_prime((1 << 512) - (1 << 400))
    return keys.rsa_pkcs8(q, half * other)


def running() -> list[int]:
    """The process IDs of the programs: of the calm one, and on a busy machine of the one in a hurry."""
    return [prover.program.pid for prover in proofs._provers if prover.program is not None]


def test_a_good_key_is_proved_in_another_process(good):
    proofs.prove(good, RSA_2048)

    assert running()
    assert os.getpid() not in running()


def test_no_core_dump_and_no_debugger_shows_the_key_in_that_process():
    script = (
        "import ctypes, resource; from imports import prover; prover.main('hurried');"
        "print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), *resource.getrlimit(resource.RLIMIT_CORE))"  # PR_GET_DUMPABLE
    )

    run = subprocess.run(
        [sys.executable, "-c", script],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        cwd=settings.BASE_DIR,
    )

    assert run.stdout.split() == ["0", "0", "0"]


def test_a_factor_that_is_no_prime_is_found(composite, good):
    with pytest.raises(InvalidPrivateKey, match="a factor is not prime"):
        proofs.prove(composite, RSA_2048)

    proofs.prove(good, RSA_2048)


def test_a_program_that_was_killed_is_replaced(good):
    proofs.prove(good, RSA_2048)
    killed = running()
    for program in killed:
        os.kill(program, signal.SIGKILL)

    proofs.prove(good, RSA_2048)

    assert running()
    assert not {*killed} & {*running()}


def test_where_a_program_does_not_answer_another_one_is_asked(good, monkeypatch):
    # On a busy machine the calm one may never answer: here neither is calm.
    monkeypatch.setattr(proofs, "_provers", (proofs._Prover("hurried"), proofs._Prover("hurried")))
    monkeypatch.setattr(proofs, "PATIENCE_SECONDS", 600.0)
    monkeypatch.setattr(proofs, "LONGEST_SECONDS", 600.0)
    proofs.prove(good, RSA_2048)
    (silent,) = running()
    os.kill(silent, signal.SIGSTOP)
    monkeypatch.setattr(proofs, "PATIENCE_SECONDS", 0.2)

    proofs.prove(good, RSA_2048)

    assert len(running()) == 1
    assert silent not in running()
    proofs.stop()


def test_where_nobody_can_prove_it_the_import_is_refused_for_now_and_its_token_stands(alice, monkeypatch):
    monkeypatch.setattr(proofs, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(proofs, "LONGEST_SECONDS", 0.0)
    key = an_empty_key(alice, "RSA_2048")

    with refused(errors.UNAVAILABLE) as busy:
        import_into(alice, key)

    assert busy.value.retry_after > 0
    assert state_of(alice, key) == "5"


def test_an_import_of_a_key_that_is_none_is_refused_and_counted_as_a_failed_try(alice, composite):
    key = an_empty_key(alice, "RSA_2048")

    with refused(errors.PRIVATE_KEY_INVALID, hint="a factor is not prime"):
        import_into(alice, key, plaintext=composite)

    assert key.wrapping_keys.get().failed_unwraps == 1
    trace = Trace.objects.get(name="importKeyMaterial")
    assert (trace.code, trace.resource_id) == (errors.PRIVATE_KEY_INVALID.code, key.key_id)


@pytest.mark.parametrize(("seconds", "code"), [(1, errors.EXPIRATION_IN_THE_PAST), (2**33, errors.PARAMETER_INVALID)])
def test_what_is_refused_anyway_is_not_proved(alice, composite, seconds, code):
    with refused(code):
        import_into(alice, an_empty_key(alice, "RSA_2048"), plaintext=composite, expiration_time=seconds)

    assert running() == []
