"""Parquet files, a row group at a time: each is read as a small file of its own, so that a large one needs no more."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import polars as pl

from ferryman.connectors.s3.formats.parquet import SCHEMA_KEY
from ferryman.connectors.s3.formats.parquet_footers import MOST_DIGITS, readable
from ferryman.connectors.s3.formats.thrift import LIST, Struct, read_struct, write_struct
from ferryman.connectors.s3.restore.forms import RECORDS_AT_ONCE, BadItem
from ferryman.connectors.s3.restore.object_bytes import Damaged, ObjectBytes
from ferryman.connectors.s3.restore.parquet_schemas import schema_of
from ferryman.connectors.s3.restore.parquet_values import column_types, conversion
from ferryman.connectors.s3.restore.unpacking import LARGEST_BLOCK_BYTES
from ferryman.errors import DataError
from ferryman.formats.avro.rows_reader import parse_text
from ferryman.formats.avro.schemas.schema_reader import reading
from ferryman.formats.json.schema import from_json
from ferryman.formats.json.text import loads_decimals
from ferryman.formats.polars_types import MISFITS
from ferryman.record import Columns, Data, Rows
from ferryman.schema import RecursiveSchema, Schema, Type

MAGIC = b"PAR1"
AVRO_KEYS = (b"parquet.avro.schema", b"avro.schema")
"""Where parquet-avro, and so Confluent's sink, keeps the schema of what it writes."""
# Field numbers of parquet.thrift.
_GROUPS, _ROWS, _MORE = 4, 3, 5
_COLUMNS, _GROUP_ROWS, _GROUP_START, _GROUP_SIZE = 1, 3, 5, 6
_CHUNK_START, _CHUNK, _PAGE_INDEX = 2, 3, (4, 5, 6, 7)
_COMPRESSED, _DATA, _INDEX, _DICTIONARY, _BLOOM = 7, 9, 10, 11, (14, 15)
_BROKEN = (*MISFITS, KeyError, IndexError, RecursionError, MemoryError, struct.error)


@dataclass(frozen=True, slots=True)
class ParquetFiles:
    """Structs with the schema that the sink noted in the file; else as the columns tell it, all of them optional."""

    def read(self, source: ObjectBytes, skip: int) -> Iterator[Data | BadItem]:
        """The rows, group by group, as columns where the schema allows it."""
        footer = _footer(source)
        try:
            footer, wide = readable(footer)
            groups, schema = footer[_GROUPS][1][1], _noted(footer)
            counts = [int(group[_GROUP_ROWS][1]) for group in groups]
        except (KeyError, TypeError, IndexError, ValueError) as error:
            raise Damaged(f"its footer is damaged: {error!r}") from None
        if wide and schema is None:
            raise Damaged(f"its column {wide[0]} is a decimal of more than {MOST_DIGITS} digits, which cannot be read")
        for number, (group, count) in enumerate(zip(groups, counts, strict=True)):
            if skip >= count:
                skip -= count
                continue
            try:
                frame = _frame(source, footer, group)
                schema = schema or schema_of(frame.schema)
                data = _typed(frame, schema)
            except DataError as error:
                raise Damaged(f"its row group {number} cannot be read: {error}") from None
            except _BROKEN as error:
                raise Damaged(f"its row group {number} cannot be read: {type(error).__name__}") from None
            if len(data) != count:
                raise Damaged(f"its row group {number} has {len(data)} rows instead of {count}")
            for start in range(skip, count, RECORDS_AT_ONCE):
                yield _rows(data.slice(start, min(count, start + RECORDS_AT_ONCE)))
            skip = 0


def _footer(source: ObjectBytes) -> Struct:
    size = source.size
    if size < 12 or source.at(0, 4) != MAGIC or source.at(size - 4, size) != MAGIC:
        raise Damaged("it is not a Parquet file, or is truncated")
    length = int.from_bytes(source.at(size - 8, size - 4), "little")
    if length > min(size - 12, LARGEST_BLOCK_BYTES):
        raise Damaged("its footer is longer than the file")
    try:
        return read_struct(source.at(size - 8 - length, size - 8))
    except (ValueError, RecursionError, struct.error) as error:
        raise Damaged(f"its footer is damaged: {error}") from None


def _noted(footer: Struct) -> Schema | None:
    """The schema that the writer put into the footer, if there is one."""
    entries = footer[_MORE][1][1] if _MORE in footer else []
    more: dict[bytes, bytes] = {each[1][1]: each[2][1] for each in entries if 2 in each}
    if SCHEMA_KEY.encode() in more:
        return from_json(loads_decimals(more[SCHEMA_KEY.encode()]))
    text = next((more[name] for name in AVRO_KEYS if name in more), None)
    return None if text is None else reading(parse_text(text.decode("utf-8", "replace"))).schema


def _frame(source: ObjectBytes, footer: Struct, group: Struct) -> pl.DataFrame:
    """A row group, by way of a file that has nothing else."""
    start, stop = _extent(group)
    if not 4 <= start <= stop <= source.size or stop - start > LARGEST_BLOCK_BYTES:
        raise Damaged(f"it claims bytes from {start} to {stop}")
    single = _moved(group, len(MAGIC) - start)
    small = write_struct(
        {number: item for number, item in footer.items() if number != _MORE}
        | {_GROUPS: (LIST, (footer[_GROUPS][1][0], [single])), _ROWS: group[_GROUP_ROWS]}
    )
    body = source.at(start, stop)
    return pl.read_parquet(BytesIO(MAGIC + body + small + len(small).to_bytes(4, "little") + MAGIC))


def _extent(group: Struct) -> tuple[int, int]:
    """Where the bytes of a row group begin and end."""
    chunks = [column[_CHUNK][1] for column in group[_COLUMNS][1][1]]
    starts = [min(chunk[at][1] for at in (_DICTIONARY, _DATA) if at in chunk and chunk[at][1] > 0) for chunk in chunks]
    stops = [start + chunk[_COMPRESSED][1] for start, chunk in zip(starts, chunks, strict=True)]
    return min(starts), max(stops)


def _moved(group: Struct, distance: int) -> Struct:
    """A row group whose pages lie elsewhere; what stands outside of it (indexes, Bloom filters) is left out."""
    kind, columns = group[_COLUMNS][1]
    found = {number: item for number, item in group.items() if number != _GROUP_START}
    return found | {_COLUMNS: (LIST, (kind, [_moved_column(column, distance) for column in columns]))}


def _moved_column(column: Struct, distance: int) -> Struct:
    left_out = (*_PAGE_INDEX, _CHUNK_START)
    found = {number: item for number, item in column.items() if number not in left_out}
    kind, chunk = column[_CHUNK]
    moved = {number: item for number, item in chunk.items() if number not in _BLOOM}
    for number in (_DATA, _INDEX, _DICTIONARY):
        if number in moved and moved[number][1] > 0:
            moved[number] = moved[number][0], moved[number][1] + distance
    start = column.get(_CHUNK_START)
    # Required, and not believed by readers.
    return found | {_CHUNK_START: (start[0] if start else 6, 0), _CHUNK: (kind, moved)}


def _typed(frame: pl.DataFrame, schema: Schema) -> Columns:
    """The frame with the columns' types that the schema has."""
    if isinstance(schema, RecursiveSchema) or schema.type is not Type.STRUCT:
        raise DataError("its schema is not that of a struct")
    wanted = column_types(schema, pl.Struct(frame.schema))
    frame = frame.select(list(wanted))
    odd = {name: kind for name, kind in wanted.items() if frame.schema[name] != kind}
    return Columns(schema, frame.cast(odd, strict=True) if odd else frame)  # type: ignore[arg-type]


def _rows(data: Columns) -> Data:
    """Columns as they are; rows where values must be made other ones."""
    convert = conversion(data.schema, pl.Struct(data.frame.schema))
    return data if convert is None else Rows(data.schema, [convert(value) for value in data.frame.to_dicts()])
