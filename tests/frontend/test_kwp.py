"""AES key wrap with padding in the browser against the library's, byte for byte."""

import base64
import secrets

import pytest
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap_with_padding, aes_key_wrap_with_padding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EVERY_SHORT_LENGTH = range(1, 201)
PRIVATE_KEY_LENGTHS = (1217, 1218, 1219, 1792, 1793, 2374, 2375, 2376, 4096)

WRAP_ALL = """async (cases) => {
  const { importKek, wrapWithPadding } = await import("/static/js/kwp.js");
  const { fromBase64, toBase64, ascii } = await import("/static/js/bytes.js");
  const read = (text) => fromBase64(ascii(text));
  const results = [];
  for (const [kek, data] of cases) {
    results.push(toBase64(await wrapWithPadding(await importKek(read(kek)), read(data))));
  }
  return results;
}"""


def b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


@pytest.fixture
def wrap(modules):
    def wrap_in_browser(cases: list[tuple[bytes, bytes]]) -> list[bytes]:
        return [base64.b64decode(each) for each in modules.evaluate(WRAP_ALL, [[b64(k), b64(d)] for k, d in cases])]

    return wrap_in_browser


@pytest.mark.parametrize("kek_bytes", [16, 32])
def test_every_length_gives_the_same_bytes_as_the_library(wrap, kek_bytes):
    cases = [
        (secrets.token_bytes(kek_bytes), secrets.token_bytes(n)) for n in (*EVERY_SHORT_LENGTH, *PRIVATE_KEY_LENGTHS)
    ]

    wrapped = wrap(cases)

    assert wrapped == [aes_key_wrap_with_padding(kek, data) for kek, data in cases]


def test_what_the_browser_wraps_the_library_opens(wrap):
    kek, data = secrets.token_bytes(32), secrets.token_bytes(1217)

    [wrapped] = wrap([(kek, data)])

    assert aes_key_unwrap_with_padding(kek, wrapped) == data


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kek=st.one_of(st.binary(min_size=16, max_size=16), st.binary(min_size=32, max_size=32)),
    data=st.binary(min_size=1, max_size=700),
)
def test_any_key_and_any_data_give_the_same_bytes_as_the_library(wrap, kek, data):
    assert wrap([(kek, data)]) == [aes_key_wrap_with_padding(kek, data)]


def test_nothing_cannot_be_wrapped(modules):
    refused = modules.evaluate("""async () => {
      const { importKek, wrapWithPadding } = await import("/static/js/kwp.js");
      const kek = await importKek(new Uint8Array(32));
      return wrapWithPadding(kek, new Uint8Array()).catch((error) => error.message);
    }""")

    assert refused == "nothing to wrap"
