"""Numbers as Avro's files write them are read back by fastavro."""

import io

import fastavro
from hypothesis import given
from hypothesis import strategies as st

from ferryman.formats.varint import long


@given(st.integers(0, (1 << 63) - 1))
def test_a_number_is_an_avro_long(number: int) -> None:
    assert fastavro.schemaless_reader(io.BytesIO(long(number)), "long", None) == number
