"""Base64 as the pages read it: what the library writes is read, everything else is refused."""

import base64

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

DECODE = """async (text) => {
  const { fromBase64, toBase64, ascii } = await import("/static/js/bytes.js");
  const bytes = fromBase64(ascii(text));
  return bytes && toBase64(bytes);
}"""


@pytest.fixture
def decode(modules):
    return lambda text: modules.evaluate(DECODE, text)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(min_size=1, max_size=400))
def test_what_the_library_encodes_is_read(decode, data):
    text = base64.b64encode(data).decode()

    assert decode(text) == text
    assert decode("\n".join(text[i : i + 64] for i in range(0, len(text), 64)) + "\r\n") == text


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.sampled_from("ABab01+/=-_ \n"), max_size=24))
def test_only_canonical_base64_is_read(decode, text):
    letters = "".join(text.split())
    try:
        data = base64.b64decode(letters, validate=True)
        canonical = base64.b64encode(data).decode() == letters and data != b""
    except ValueError:
        canonical = False

    assert decode(text) == (letters if canonical else None)
