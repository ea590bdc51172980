"""Making an RSA key takes long; those who use keys meanwhile must not feel it."""

import os
import sys
import threading
from concurrent.futures import Future

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from kmscrypto import rsa

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="niceness of threads is Linux's")


def is_calm():
    return os.sched_getscheduler(0) == os.SCHED_IDLE


def niceness():
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


@pytest.fixture(autouse=True)
def nothing_begun():
    rsa._unclaimed.clear()
    yield
    rsa._unclaimed.clear()


@pytest.fixture
def patience(monkeypatch):
    """However busy the machine that runs the test is, the first attempt is waited for."""
    monkeypatch.setattr(rsa, "PATIENCE_SECONDS", 60)


def test_making_a_key_takes_time_that_nobody_else_wants(monkeypatch, patience):
    seen = []

    def generate(exponent, bits):
        seen.append(is_calm())
        return generate_private_key(exponent, bits)

    monkeypatch.setattr(rsa, "generate_private_key", generate)

    rsa.generate(2048)

    assert seen == [True]
    assert not is_calm()


@pytest.fixture
def no_idle_time(monkeypatch):
    """Until it has come back, a calm attempt gets nowhere."""
    quiet, begun, attempts = threading.Event(), threading.Event(), []

    def generate(exponent, bits):
        if is_calm():
            attempts.append("calm")
            begun.set()
            assert quiet.wait(60)
        else:
            assert begun.wait(60)
            attempts.append(niceness())
        return generate_private_key(exponent, bits)

    monkeypatch.setattr(rsa, "generate_private_key", generate)
    monkeypatch.setattr(rsa, "PATIENCE_SECONDS", 0.05)

    def comes_back():
        monkeypatch.setattr(rsa, "PATIENCE_SECONDS", 60)
        quiet.set()

    yield comes_back, attempts
    quiet.set()


def test_where_there_is_no_such_time_a_key_is_made_nevertheless(no_idle_time):
    _it_comes_back, attempts = no_idle_time

    key = rsa.generate(2048)

    assert key.key_size == 2048
    assert attempts == ["calm", max(rsa.NICENESS, niceness())]


def test_a_busy_machine_gathers_no_unfinished_attempts(no_idle_time):
    _it_comes_back, attempts = no_idle_time

    keys = [rsa.generate(2048) for _ in range(3)]

    assert len({key.public_key().public_numbers().n for key in keys}) == 3
    assert attempts.count("calm") == 1


def test_what_was_begun_for_one_serves_the_next_and_only_him(no_idle_time):
    it_comes_back, attempts = no_idle_time
    rsa.generate(2048)
    it_comes_back()

    keys = [rsa.generate(2048) for _ in range(2)]

    assert keys[0].private_numbers() != keys[1].private_numbers()
    assert attempts.count("calm") == 2


def test_a_key_of_another_length_is_not_taken_for_it(no_idle_time):
    it_comes_back, _attempts = no_idle_time
    rsa.generate(2048)
    it_comes_back()

    assert rsa.generate(3072).key_size == 3072


def test_a_forked_process_inherits_no_key_that_its_parent_would_hand_out_too():
    rsa._unclaimed[2048].append(Future())

    child = os.fork()
    if not child:
        os._exit(1 if rsa._unclaimed[2048] else 0)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert rsa._unclaimed[2048]


def test_where_the_system_denies_idle_time_a_key_is_made_in_the_nicest_thread(monkeypatch, patience):
    seen = []

    def generate(exponent, bits):
        seen.append(niceness())
        return generate_private_key(exponent, bits)

    def denied(*_):
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", denied)
    monkeypatch.setattr(rsa, "generate_private_key", generate)

    assert rsa.generate(2048).key_size == 2048
    assert seen[0] == 19
