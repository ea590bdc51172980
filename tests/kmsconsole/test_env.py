"""The typed readers of environment variables: what they take, and the sentence with which they refuse."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from kmsconsole import env


@pytest.fixture(autouse=True)
def _declared_stays_as_it_was(monkeypatch):
    monkeypatch.setattr(env, "declared", {})


def test_text_is_read_without_blanks_around_it(monkeypatch):
    monkeypatch.setenv("KMS_X", " eu-de ")

    assert env.text("KMS_X") == "eu-de"


def test_an_empty_variable_counts_as_not_set(monkeypatch):
    monkeypatch.setenv("KMS_X", "")

    assert env.text("KMS_X", default="eu-de") == "eu-de"


def test_a_required_variable_that_is_not_set_is_named():
    with pytest.raises(ImproperlyConfigured, match=r"^KMS_X must be set\.$"):
        env.text("KMS_X")


@pytest.mark.parametrize(("raw", "value"), [("1", True), ("on", True), ("Yes", True), ("0", False), ("OFF", False)])
def test_a_flag_is_yes_or_no(monkeypatch, raw, value):
    monkeypatch.setenv("KMS_X", raw)

    assert env.flag("KMS_X") is value


@pytest.mark.parametrize(
    ("read", "raw", "sentence"),
    [
        (lambda: env.flag("KMS_X"), "perhaps", "KMS_X must be 1 or 0 (or true/false, yes/no, on/off)."),
        (lambda: env.number("KMS_X", least=1, most=9), "10", "KMS_X must be a whole number from 1 to 9."),
        (lambda: env.number("KMS_X"), "1.5", "KMS_X must be a whole number from 0 to 2147483648."),
        (lambda: env.number("KMS_X"), "١", "KMS_X must be a whole number from 0 to 2147483648."),
        (
            lambda: env.duration("KMS_X"),
            "1 week",
            "KMS_X must be a duration such as 25h, 30d, 90m or a number of seconds.",
        ),
        (lambda: env.text("KMS_X", choices=("file", "env")), "hsm", "KMS_X must be one of file, env."),
        (lambda: env.url("KMS_X", schemes=("https",)), "http://a", "KMS_X must be an address beginning with https://."),
        (
            lambda: env.url("KMS_X", schemes=("redis", "rediss")),
            "redis://h:port/0",
            "KMS_X must be an address beginning with redis:// or rediss://.",
        ),
    ],
)
def test_a_wrong_value_is_refused_in_one_sentence(monkeypatch, read, raw, sentence):
    monkeypatch.setenv("KMS_X", raw)

    with pytest.raises(ImproperlyConfigured) as refusal:
        read()

    assert str(refusal.value) == sentence


def test_a_refused_address_is_not_repeated(monkeypatch):
    monkeypatch.setenv("KMS_X", "mysql://user:hunter2@host/db")

    with pytest.raises(ImproperlyConfigured) as refusal:
        env.url("KMS_X", schemes=("postgres",))

    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("25h", timedelta(hours=25)),
        ("30d", timedelta(days=30)),
        ("90m", timedelta(minutes=90)),
        ("45s", timedelta(seconds=45)),
        ("45", timedelta(seconds=45)),
    ],
)
def test_a_duration_has_a_unit_or_is_seconds(raw, value):
    assert env.parse_duration(raw) == value


@given(st.text(max_size=12))
def test_no_text_makes_the_duration_reader_fail_otherwise_than_by_value_error(raw):
    try:
        assert env.parse_duration(raw) >= timedelta()
    except ValueError as error:
        assert "must be a duration" in str(error)


def test_a_secret_may_stand_in_a_file(monkeypatch, tmp_path):
    (tmp_path / "secret").write_text(" with blanks \n")
    monkeypatch.setenv("KMS_X_FILE", str(tmp_path / "secret"))

    assert env.secret("KMS_X") == " with blanks "


def test_blanks_around_a_secret_belong_to_it(monkeypatch):
    monkeypatch.setenv("KMS_X", " a b ")

    assert env.secret("KMS_X") == " a b "


def test_a_secret_given_twice_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("KMS_X", "one")
    monkeypatch.setenv("KMS_X_FILE", str(tmp_path))

    with pytest.raises(ImproperlyConfigured, match=r"^Set KMS_X or KMS_X_FILE, not both\.$"):
        env.secret("KMS_X")


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "No such file or directory"), (b"", "is empty"), (b"\xff\xfe", "not text in UTF-8")]
)
def test_an_unusable_secret_file_is_named(monkeypatch, tmp_path, content, reason):
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv("KMS_X_FILE", str(file))

    with pytest.raises(ImproperlyConfigured, match=rf"^KMS_X_FILE: .*{reason}\.$"):
        env.secret("KMS_X")


def test_an_address_with_a_password_may_stand_in_a_file(monkeypatch, tmp_path):
    (tmp_path / "url").write_text("postgres://u:p@h:5432/n\n")
    monkeypatch.setenv("KMS_X_FILE", str(tmp_path / "url"))

    assert env.url("KMS_X", schemes=("postgres",), from_file=True).path == "/n"
