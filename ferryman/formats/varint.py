"""Lengths and counts as Avro's files write them."""


def long(number: int) -> bytes:
    """A non-negative number as an Avro long (zigzag, then seven bits a byte)."""
    number <<= 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
