"""A strict reader and a writer for the little DER that private keys need (X.690 §8, §10): definite, minimal lengths.

Only structure: what the numbers mean is for `pkcs8` and the library.
"""

from enum import IntEnum


class Tag(IntEnum):
    INTEGER = 0x02
    BIT_STRING = 0x03
    OCTET_STRING = 0x04
    NULL = 0x05
    OID = 0x06
    SEQUENCE = 0x30
    SET = 0x31
    CONTEXT_0 = 0xA0  # [0], constructed
    CONTEXT_1 = 0xA1  # [1], constructed
    IMPLICIT_1 = 0x81  # [1] in place of another primitive tag


MOST_PADDING = 7


class DerError(ValueError):
    """Not the DER that was asked for."""


class Reader:
    """Reads one value after another from the content of a constructed value."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def tag(self) -> int | None:
        """The tag of the next value, None at the end."""
        return self._data[self._at] if self._at < len(self._data) else None

    @property
    def rest(self) -> bytes:
        """Everything that was not read yet."""
        return self._data[self._at :]

    def read(self, tag: int) -> bytes:
        """The content of the next value, which must have that tag."""
        if self.tag != tag:
            raise DerError("another type was expected")
        length, start = self._length(self._at + 1)
        end = start + length
        if end > len(self._data):
            raise DerError("the value is cut off")
        self._at = end
        return self._data[start:end]

    def optional(self, tag: int) -> bytes | None:
        return self.read(tag) if self.tag == tag else None

    def sequence(self) -> "Reader":
        return Reader(self.read(Tag.SEQUENCE))

    def integer(self) -> int:
        """A non-negative INTEGER in its shortest form; nothing in a private key is negative."""
        content = self.read(Tag.INTEGER)
        if not content or content[0] & 0x80:
            raise DerError("an integer is empty or negative")
        if len(content) > 1 and content[0] == 0 and not content[1] & 0x80:
            raise DerError("an integer has a superfluous zero")
        return int.from_bytes(content)

    def oid(self) -> str:
        """An OBJECT IDENTIFIER in dotted form."""
        return _dotted(self.read(Tag.OID))

    def end(self) -> None:
        if self.tag is not None:
            raise DerError("there are trailing bytes")

    def _length(self, at: int) -> tuple[int, int]:
        """Length and start of the content; only the shortest definite form is DER (X.690 §10.1)."""
        if at >= len(self._data):
            raise DerError("the length is missing")
        first = self._data[at]
        if first < 0x80:
            return first, at + 1
        count = first & 0x7F
        octets = self._data[at + 1 : at + 1 + count]
        if not 1 <= count <= 4 or len(octets) != count:
            raise DerError("the length is indefinite, oversized or cut off")
        length = int.from_bytes(octets)
        if octets[0] == 0 or length < 0x80:
            raise DerError("the length is not in its shortest form")
        return length, at + 1 + count


def _dotted(content: bytes) -> str:
    if not content or content[-1] & 0x80 or len(content) > 64:
        raise DerError("an object identifier is cut off")
    arcs: list[int] = []
    arc, fresh = 0, True
    for octet in content:
        if fresh and octet == 0x80:
            raise DerError("an object identifier has a superfluous zero")
        arc, fresh = arc << 7 | octet & 0x7F, not octet & 0x80
        if fresh:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def without_padding(der: bytes) -> bytes:
    """The value alone, where up to seven zero octets follow it.

    PKCS#11 modules fill a key up to whole octets of eight before AES key wrap, which had no padding of its own then.
    """
    outer = Reader(der)
    try:
        outer.read(Tag.SEQUENCE)
    except DerError:
        return der
    rest = outer.rest
    return der[: len(der) - len(rest)] if len(rest) <= MOST_PADDING and not any(rest) else der


def write(tag: int, *parts: bytes) -> bytes:
    """One value with these parts as its content."""
    content = b"".join(parts)
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(octets))) + octets + content


def write_integer(number: int) -> bytes:
    """A non-negative INTEGER in its shortest form."""
    return write(Tag.INTEGER, number.to_bytes(number.bit_length() // 8 + 1))


def write_oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER from its dotted form."""
    first, second, *others = map(int, dotted.split("."))
    return write(Tag.OID, *(_base_128(arc) for arc in (40 * first + second, *others)))


def _base_128(arc: int) -> bytes:
    octets = [arc & 0x7F]
    while arc := arc >> 7:
        octets.insert(0, 0x80 | arc & 0x7F)
    return bytes(octets)
