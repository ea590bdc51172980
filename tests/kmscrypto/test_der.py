"""The reader takes DER only: what BER would allow besides is refused (X.690 §10), before any library sees it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmscrypto.der import DerError, Reader, Tag
from tests.kmscrypto.keys import integer, octets, sequence

NUMBER = Reader.integer
NAME = Reader.oid


def read(data, how):
    reader = Reader(bytes.fromhex(data))
    value = how(reader)
    reader.end()
    return value


@given(st.integers(min_value=0, max_value=2**5000), st.binary(max_size=70_000))
def test_what_is_written_in_der_reads_back(number, content):
    fields = Reader(sequence(integer(number), octets(content))).sequence()

    assert fields.integer() == number
    assert fields.optional(Tag.CONTEXT_0) is None
    assert fields.read(Tag.OCTET_STRING) == content
    fields.end()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("06082a8648ce3d030107", "1.2.840.10045.3.1.7"),
        ("06052b8104000a", "1.3.132.0.10"),
        ("0603883703", "2.999.3"),
        ("06012a", "1.2"),
    ],
)
def test_object_identifiers_read_as_dotted_numbers(data, name):
    assert read(data, NAME) == name


@pytest.mark.parametrize(
    ("fault", "data", "how"),
    [
        ("negative", "0201ff", NUMBER),
        ("empty", "0200", NUMBER),
        ("superfluous zero", "02020001", NUMBER),
        ("superfluous zero", "02020000", NUMBER),
        ("another type", "0401ff", NUMBER),
        ("cut off", "020201", NUMBER),
        ("missing", "02", NUMBER),
        ("another type", "", NUMBER),
        ("indefinite", "0280010000", NUMBER),
        ("shortest form", "02810101", NUMBER),
        ("shortest form", "0282000101", NUMBER),
        ("oversized", "02850000000001", NUMBER),
        ("cut off", "0282ff", NUMBER),
        ("trailing bytes", "02010100", NUMBER),
        ("superfluous zero", "0603802a03", NAME),
        ("cut off", "06022a86", NAME),
        ("cut off", "0600", NAME),
        ("cut off", "0641" + "01" * 65, NAME),
    ],
)
def test_anything_else_is_refused(fault, data, how):
    with pytest.raises(DerError, match=fault):
        read(data, how)


@given(st.binary(max_size=60))
def test_any_bytes_read_or_are_refused(data):
    for how in (Reader.sequence, Reader.integer, Reader.oid):
        try:
            how(Reader(data))
        except DerError:
            continue
