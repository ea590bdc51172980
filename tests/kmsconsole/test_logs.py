"""Log lines: one record is one line of JSON, and holds what the product said, not what somebody sent."""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmsconsole.logs import JsonLines


def line(message: str, *args: object, name: str = "keys", exc_info=None, **extra: object) -> str:
    record = logging.getLogger(name).makeRecord(name, logging.WARNING, "f.py", 1, message, args, exc_info, extra=extra)
    return JsonLines().format(record)


def test_a_line_says_when_where_and_what():
    said = json.loads(line("key not deleted", key_id="k-1", code="KMS.0209"))

    assert datetime.fromisoformat(said.pop("time")).tzinfo is not None
    assert said == {
        "level": "WARNING",
        "logger": "keys",
        "message": "key not deleted",
        "key_id": "k-1",
        "code": "KMS.0209",
    }


def test_what_is_attached_beyond_the_allow_list_stays_inside():
    assert "hunter2" not in line("signed in", password="hunter2", request="GET /?token=hunter2")


@given(st.text())
def test_no_text_can_forge_a_second_line(text):
    said = line("alias %s", text)

    assert said.isascii()
    assert said.isprintable()
    assert json.loads(said)["message"] == f"alias {text}"


def test_an_exception_is_named_without_its_text():
    try:
        raise ValueError("material 00ff00ff")
    except ValueError:
        said = line("operation failed", exc_info=sys.exc_info())

    assert "00ff00ff" not in said
    assert json.loads(said)["exception"] == "ValueError"
    assert json.loads(said)["where"][0].endswith("test_an_exception_is_named_without_its_text")


def test_a_failed_task_is_named_without_the_text_of_its_exception():
    values = {"name": "imports.tasks.expire_material", "id": "1", "exc": "ValueError('00ff00ff')", "description": ""}

    said = line("Task %(name)s[%(id)s] %(description)s: %(exc)s", values, name="celery.app.trace")

    assert json.loads(said)["message"] == "Task imports.tasks.expire_material failed"


@pytest.mark.parametrize("value", [object(), b"bytes", {1, 2}])
def test_a_value_that_json_does_not_know_does_not_lose_the_line(value):
    assert json.loads(line("odd", status=value))["message"] == "odd"
