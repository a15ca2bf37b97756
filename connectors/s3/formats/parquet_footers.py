"""Footers of Parquet files, so that polars reads what parquet-avro writes and polars refuses: decimals of more than 38
digits, and lists whose elements are maps.

parquet-avro gives 64 digits to each decimal whose precision Connect does not know, however few its values have. Without
elements that may be null it writes lists in the old structure, where an element is the repeated field itself.
"""

from collections.abc import Iterator, Sequence

from ferryman.connectors.s3.formats.thrift import BINARY, I32, LIST, Struct

MOST_DIGITS = 38
"""What polars' decimals have."""
# Field numbers of parquet.thrift.
_SCHEMA, _REPETITION, _NAME, _CHILDREN, _CONVERTED, _SCALE, _PRECISION, _LOGICAL = 2, 3, 4, 5, 6, 7, 8, 10
_REQUIRED, _REPEATED = 0, 2
_MAPS, _LISTED, _DECIMAL, _DIGITS = (1, 2), 3, 5, 2


def readable(footer: Struct) -> tuple[Struct, list[str]]:
    """A footer with a schema that polars takes: the same columns, and decimals of too many digits are plain bytes. Also
    what these are called."""
    kind, elements = footer[_SCHEMA][1]
    wide = [each for each in elements if _digits(each) > MOST_DIGITS]
    plain = [_plain(each) if _digits(each) > MOST_DIGITS else each for each in elements]
    names = [each[_NAME][1].decode("utf-8", "replace") for each in wide]
    return footer | {_SCHEMA: (LIST, (kind, list(_with_elements(plain))))}, names


def _digits(element: Struct) -> int:
    logical = element[_LOGICAL][1] if _LOGICAL in element else {}
    if _DECIMAL in logical:
        return int(logical[_DECIMAL][1][_DIGITS][1])
    return int(element[_PRECISION][1]) if _PRECISION in element else 0


def _plain(element: Struct) -> Struct:
    left_out = (_CONVERTED, _SCALE, _PRECISION, _LOGICAL)
    return {number: item for number, item in element.items() if number not in left_out}


def _with_elements(elements: Sequence[Struct]) -> Iterator[Struct]:
    """The schema with a group around each map that is repeated in a list. Being required, it adds no level."""
    before: Struct = {}
    for each in elements:
        repeated = each[_REPETITION][1] == _REPEATED if _REPETITION in each else False
        if repeated and _converted(before) == _LISTED and _converted(each) in _MAPS:
            yield {_REPETITION: (I32, _REPEATED), _NAME: (BINARY, b"list"), _CHILDREN: (I32, 1)}
            yield each | {_REPETITION: (I32, _REQUIRED), _NAME: (BINARY, b"element")}
        else:
            yield each
        before = each


def _converted(element: Struct) -> int | None:
    return element[_CONVERTED][1] if _CONVERTED in element else None
