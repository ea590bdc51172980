"""--expires: a span from now, or a moment with its zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmsimport import expiry
from kmsimport.faults import Exit, Fault

NOW = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90m", "2026-03-01T13:30:00Z"),
        ("12h", "2026-03-02T00:00:00Z"),
        ("30d", "2026-03-31T12:00:00Z"),
        ("4w", "2026-03-29T12:00:00Z"),
        ("2027-01-31T00:00Z", "2027-01-31T00:00:00Z"),
        ("2027-01-31T01:00:30+01:00", "2027-01-31T00:00:30Z"),
        ("2027-01-31 00:00:00.9Z", "2027-01-31T00:00:00Z"),
    ],
)
def test_a_span_or_a_moment(text, expected):
    at = expiry.parse(text, now=NOW)

    assert (expiry.iso(at), at.microsecond) == (expected, 0)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "not a time"),
        ("30", "not a time"),
        ("0d", "not a time"),
        ("-3d", "not a time"),
        ("3 d", "not a time"),
        ("3y", "not a time"),
        ("tomorrow", "not a time"),
        ("2027-02-30T00:00Z", "not a time"),
        ("2027-01-31", "in which time zone?"),
        ("2027-01-31T00:00", "in which time zone?"),
        ("2026-03-01T12:00Z", "in the past"),
        ("2026-03-01T12:30+01:00", "in the past"),
        ("999999w", "not a time"),
        ("9999-06-01T00:00Z", "too far away"),
    ],
)
def test_what_is_no_time_to_come_is_refused(text, part):
    with pytest.raises(Fault) as caught:
        expiry.parse(text, now=NOW)

    assert caught.value.exit_code == Exit.USAGE
    assert part in caught.value.message


@given(st.text(max_size=12))
def test_any_text_is_a_time_to_come_or_a_refusal(text):
    try:
        at = expiry.parse(text, now=NOW)
    except Fault:
        return
    assert at > NOW - timedelta(seconds=1)
