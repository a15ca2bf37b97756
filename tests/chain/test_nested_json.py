"""What becomes of nested JSON by columns, in transforms and in what sinks write, is what becomes of it by rows."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferryman.chain import builder
from ferryman.connectors.file.lines_writer import lines_in_order
from ferryman.connectors.file.sink import FileStreamSinkConnector
from ferryman.connectors.s3.formats.format import Avro, Parquet
from ferryman.connectors.s3.formats.text import JsonLines
from ferryman.converters.json import JsonConverter, JsonConverterConfig
from ferryman.errors import DataError
from ferryman.formats.json.schema import to_json
from ferryman.record import Batch, Columns, Polled
from ferryman.schema import INT64, STRING, Schema, Type, array, mapping, struct
from tests.formats.json.any_payloads import SCHEMAS, text_of

KAFKA = "org.apache.kafka.connect.transforms."
DEBEZIUM = "io.debezium.transforms.ExtractNewRecordState"
STEPS: Sequence[dict[str, str]] = [
    {},
    {"type": f"{KAFKA}Flatten$Value", "delimiter": "_"},
    {"type": f"{KAFKA}ExtractField$Value", "field": "x"},
    {"type": f"{KAFKA}ExtractField$Value", "field": "x.id", "field.syntax.version": "V2"},
    {"type": f"{KAFKA}ReplaceField$Value", "renames": "x:y", "exclude": "z"},
    {"type": f"{KAFKA}ReplaceField$Value", "include": "x", "replace.null.with.default": "false"},
    {"type": f"{KAFKA}Cast$Value", "spec": "n:string"},
    {"type": f"{KAFKA}Cast$Value", "spec": "x:string"},
    {"type": f"{KAFKA}InsertField$Value", "topic.field": "t"},
    {"type": f"{KAFKA}HoistField$Value", "field": "h"},
    {"type": f"{KAFKA}MaskField$Value", "fields": "x"},
    {"type": f"{KAFKA}ValueToKey", "fields": "x"},
    {"type": f"{KAFKA}HeaderFrom$Value", "fields": "x", "headers": "h", "operation": "move"},
    {"type": f"{KAFKA}SetSchemaMetadata$Value", "schema.name": "n"},
    {"type": f"{KAFKA}TimestampConverter$Value", "field": "n", "target.type": "Timestamp"},
    {"type": DEBEZIUM},
    {"type": DEBEZIUM, "delete.tombstone.handling.mode": "rewrite", "add.fields": "op,source.x,x:again"},
]


def converters(monkeypatch: pytest.MonkeyPatch, fewest: int) -> None:
    monkeypatch.setattr(JsonConverter, "fewest_for_columns", fewest)
    monkeypatch.setattr(JsonConverter, "fewest_nested", fewest)


def outcome(
    schema: Schema, bodies: Sequence[bytes], step: dict[str, str], fewest: int
) -> tuple[list[Batch], list[tuple[int, str]]]:
    """What a chain makes of payloads, and what fails."""
    raw = {
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schema.content": orjson.dumps(to_json(schema)).decode(),
        **({"transforms": "s", **{f"transforms.s.{name}": value for name, value in step.items()}} if step else {}),
    }
    with pytest.MonkeyPatch.context() as patched:
        converters(patched, fewest)
        chain = builder.chain(raw, {}, FileStreamSinkConnector)
        count = len(bodies)
        polled = Polled("t", 0, list(range(count)), [0] * count, [None] * count, list(bodies), None, "CreateTime")
        decoded, bad = chain.decode(polled)
        batches, failed = chain.transform(decoded)
    return batches, sorted((each.position, f"{type(each.error).__name__}: {each.error}") for each in [*bad, *failed])


def told(value: Any, schema: Schema | None) -> Any:
    """A value whose structs have all their fields: one that is not there is null."""
    if value is None or schema is None:
        return value
    match schema.type:
        case Type.STRUCT:
            return {field.name: told(value.get(field.name), field.schema) for field in schema.fields}
        case Type.ARRAY:
            return [told(item, schema.values) for item in value]
        case Type.MAP:
            return {key: told(item, schema.values) for key, item in value.items()}
        case _:
            return value


def records(batches: Sequence[Batch]) -> str:
    """Every record's value and key with their schemas, and its headers."""
    found = []
    for batch in batches:
        values, keys = batch.value.rows(), batch.key.rows()
        headers: Sequence[Any] = batch.headers or [()] * len(batch)
        for at, position in enumerate(batch.positions):
            value, key = told(values.values[at], values.schema), told(keys.values[at], keys.schema)
            lot = [(each.key, told(each.value, each.schema), each.schema) for each in headers[at]]
            found.append((position, value, values.schema, key, keys.schema, lot))
    found.sort(key=lambda each: each[0])
    return str(found).replace("zoneinfo.ZoneInfo(key='UTC')", "datetime.timezone.utc")


def around(schema: Schema, text: st.SearchStrategy[str]) -> tuple[Schema, st.SearchStrategy[bytes]]:
    """A change event whose rows have a field of that schema, and what such events are."""
    row = struct({"x": schema, "n": INT64.as_optional()}).as_optional()
    source = struct({"x": schema.as_optional()})
    members = {"before": row, "after": row, "source": source, "op": STRING, "x": schema, "n": INT64}
    made = st.fixed_dictionaries(
        {
            **{
                name: st.just("null") | st.builds('{{"x":{},"n":{}}}'.format, text, st.sampled_from(["1", "null"]))
                for name in ("before", "after")
            },
            "source": st.builds('{{"x":{}}}'.format, text),
            "op": st.sampled_from(['"c"', '"u"', '"d"']),
            "x": text,
            "n": st.just("5"),
        }
    )
    return struct(members, name="a.Envelope"), made.map(
        lambda found: ("{" + ",".join(f'"{name}":{value}' for name, value in found.items()) + "}").encode(
            "utf-8", "surrogateescape"
        )
    )


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_nested_columns_become_what_rows_become(data: st.DataObject) -> None:
    inner = data.draw(SCHEMAS)
    schema, events = around(inner, text_of(inner))
    bodies = data.draw(st.lists(events, min_size=1, max_size=4))
    step = data.draw(st.sampled_from(STEPS))
    columns, failed = outcome(schema, bodies, step, 0)
    rows, failed_too = outcome(schema, bodies, step, 1 << 60)
    assert records(columns) == records(rows)
    assert failed == failed_too


@pytest.mark.parametrize("text", ['{"a":1}', "{}"])
def test_a_map_as_metadata_of_a_change_event_is_a_map_by_columns_too(text: str) -> None:
    members = {"after": struct({"n": INT64}).as_optional(), "before": struct({"n": INT64}).as_optional()}
    schema = struct({**members, "op": STRING, "source": struct({"x": mapping(STRING, INT64)})}, name="a.Envelope")
    body = f'{{"after":{{"n":1}},"before":null,"op":"c","source":{{"x":{text}}}}}'.encode()
    step = {"type": DEBEZIUM, "add.fields": "source.x"}
    columns, _ = outcome(schema, [body], step, 0)
    assert records(columns) == records(outcome(schema, [body], step, 1 << 60)[0])


def test_change_events_are_columns_from_their_bytes_to_the_sink() -> None:
    row = struct({"n": INT64, "tags": array(STRING)}).as_optional()
    schema = struct({"before": row, "after": row, "source": struct({"lsn": INT64}), "op": STRING}, name="a.Envelope")
    event = b'{"before":null,"after":{"n":%d,"tags":["a","b"]},"source":{"lsn":1},"op":"c"}'
    bodies = [event % number for number in range(64)]
    (batch,), failed = outcome(schema, bodies, {"type": DEBEZIUM, "add.fields": "op,lsn"}, 64)
    assert not failed
    assert isinstance(batch.value, Columns)
    assert batch.value.frame.columns == ["n", "tags", "__op", "__lsn"]
    assert batch.value.frame["n"].to_list() == list(range(64))


def lines(batch: Batch) -> Any:
    return lines_in_order([batch])


def parquet(batch: Batch) -> Any:
    return Parquet("none").encode(batch, batch.value.schema).to_dicts()


def avro(batch: Batch) -> Any:
    return Avro("null", True).encode(batch, batch.value.schema)


def json_lines(batch: Batch) -> Any:
    return JsonLines(False, None).encode(batch, batch.value.schema)


def json_converter(batch: Batch) -> Any:
    return JsonConverter(JsonConverterConfig.parse({}), "value").from_data("t", batch.value)


def attempted(write: Callable[[Batch], Any], batch: Batch) -> str:
    try:
        return str(write(batch))
    except DataError as error:
        return type(error).__name__


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_what_is_written_of_nested_columns_is_what_is_written_of_rows(data: st.DataObject) -> None:
    inner = data.draw(SCHEMAS)
    schema, events = around(inner, text_of(inner))
    batches, _ = outcome(schema, data.draw(st.lists(events, min_size=1, max_size=4)), {}, 0)
    write = data.draw(st.sampled_from([lines, parquet, avro, json_lines, json_converter]))
    for batch in batches:
        if isinstance(batch.value, Columns):
            assert attempted(write, batch) == attempted(write, replace(batch, value=batch.value.rows()))
