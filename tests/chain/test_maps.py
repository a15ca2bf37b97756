"""Records without a schema through transforms and sinks: the same as columns and as rows, errors included."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ferryman.api import Sink
from ferryman.chain import builder
from ferryman.chain.chain import Chain
from ferryman.chain.plan import Plan
from ferryman.connectors.file.lines_writer import lines_in_order
from ferryman.connectors.file.sink import FileStreamSinkConnector
from ferryman.connectors.sql.sink import SqlSinkConnector
from ferryman.converters.json import JsonConverter, JsonConverterConfig
from ferryman.formats.json.maps import reader as maps_reader
from ferryman.record import Batch, Maps, Payload, Polled, Rows

KAFKA = "org.apache.kafka.connect.transforms."
KEEPING: Sequence[Mapping[str, str]] = [
    {"type": "MaskField$Value", "fields": "text,number,gone"},
    {"type": "MaskField$Value", "fields": "number,text", "replacement": "12"},
    {"type": "MaskField$Value", "fields": "fraction,flag,list,map"},
    {"type": "MaskField$Value", "fields": "fraction", "replacement": "1.5"},
    {"type": "ReplaceField$Value", "exclude": "text,gone", "renames": "number:count,map:text"},
    {"type": "ReplaceField$Value", "include": "number,gone", "renames": "number:text"},
    {"type": "ReplaceField$Value", "renames": "number:fraction"},
    {"type": "InsertField$Value", "topic.field": "topic", "partition.field": "text", "static.field": "number"}
    | {"static.value": "fixed"},
    {"type": "InsertField$Value", "timestamp.field": "at", "offset.field": "fraction"},
    {"type": "InsertField$Value", "offset.field": "o", "static.field": "o", "static.value": "later"},
    {"type": "InsertField$Key", "static.field": "s", "static.value": "v"},
    {"type": "TimestampConverter$Value", "field": "number", "target.type": "string", "format": "yyyy-MM-dd HH:mm"},
    {"type": "TimestampConverter$Value", "field": "number", "target.type": "unix", "unix.precision": "seconds"},
    {"type": "TimestampConverter$Value", "field": "time", "target.type": "unix", "format": "yyyy-MM-dd"},
    {"type": "TimestampConverter$Value", "field": "gone", "target.type": "unix"},
    *({"type": "Cast$Value", "spec": f"number:{kind},fraction:{kind}"} for kind in ("int8", "int32", "int64")),
    *({"type": "Cast$Value", "spec": f"number:{kind},fraction:{kind}"} for kind in ("float32", "float64", "string")),
    {"type": "Cast$Value", "spec": "flag:int16,gone:string,number:boolean,time:string"},
    {"type": "Cast$Value", "spec": "flag:string,digits:int64,text:boolean"},
    {"type": "Cast$Value", "spec": "map:string"},
    {"type": "HoistField$Value", "field": "inside"},
    {"type": "Flatten$Value"},
    {"type": "Flatten$Value", "delimiter": ""},
    {"type": "ValueToKey", "fields": "number,gone,map"},
    {"type": "HeaderFrom$Value", "fields": "text,gone,map", "headers": "a,b,c", "operation": "move"},
    {"type": "HeaderFrom$Value", "fields": "number,number", "headers": "a,b", "operation": "copy"},
    {"type": "RegexRouter", "regex": "(.*)", "replacement": "$1-new"},
    {"type": "TimestampRouter"},
    {"type": "InsertHeader", "header": "h", "value.literal": "1"},
    {"type": "DropHeaders", "headers": "h"},
    {"type": "Filter", "predicate": "headed"},
    {"type": "Filter", "predicate": "null"},
    {"type": "MaskField$Value", "fields": "text", "predicate": "headed", "negate": "true"},
]
"""What gives maps for SAMPLE."""
OTHERS: Sequence[Mapping[str, str]] = [
    {"type": "MaskField$Value", "fields": "flag", "replacement": "x"},
    {"type": "ReplaceField$Value", "include": "gone"},
    {"type": "TimestampConverter$Value", "field": "number", "target.type": "Timestamp"},
    {"type": "TimestampConverter$Value", "field": "", "target.type": "unix"},
    {"type": "Cast$Value", "spec": "flag:float64,digits:float32,text:int8"},
    {"type": "Cast$Value", "spec": "string"},
    {"type": "ExtractField$Value", "field": "map"},
    {"type": "ExtractField$Value", "field": "text"},
    {"type": "ExtractField$Value", "field": "gone"},
    {"type": "ExtractField$Value", "field": "map.x", "field.syntax.version": "V2"},
    {"type": "ExtractField$Value", "field": "text.x", "field.syntax.version": "V2"},
    {"type": "SetSchemaMetadata$Value", "schema.name": "n"},
]
"""What refuses SAMPLE or works on rows."""
PREDICATES = {
    "predicates": "headed,null",
    "predicates.headed.type": f"{KAFKA}predicates.HasHeaderKey",
    "predicates.headed.name": "h",
    "predicates.null.type": f"{KAFKA}predicates.RecordIsTombstone",
}
MEMBERS: Mapping[str, st.SearchStrategy[Any]] = {
    "text": st.text(max_size=3),
    "number": st.integers(-(1 << 63), (1 << 63) - 1) | st.integers(-300, 2_000_000_000_000),
    "fraction": st.floats(allow_nan=False, allow_infinity=False),
    "flag": st.booleans(),
    "time": st.sampled_from(["2024-02-29", "1970-01-01", "nothing"]),
    "digits": st.sampled_from(["1", "-7", "0x", "99999999999999999999"]),
    "list": st.lists(st.integers(0, 9), max_size=2),
    "mapx": st.integers(0, 3),
    "deep": st.fixed_dictionaries({"a": st.none() | st.fixed_dictionaries({"b": st.booleans()}), "b": st.booleans()}),
    "map": st.fixed_dictionaries({"x": st.integers(0, 9), "y": st.none() | st.text(max_size=2)}),
    "maps": st.lists(
        st.none() | st.fixed_dictionaries({"x": st.integers(0, 9), "text": st.text(max_size=1)}), max_size=2
    ),
}


@pytest.fixture(autouse=True)
def a_frame_for_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maps_reader, "MIN_OBJECTS", 1)
    monkeypatch.setattr(JsonConverter, "fewest_for_columns", 1)


def config(steps: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """A connector's config with these transforms, of data without schemas."""
    raw = {
        "key.converter": "org.apache.kafka.connect.json.JsonConverter",
        "key.converter.schemas.enable": "false",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
        "transforms": ",".join(f"t{number}" for number in range(len(steps))),
        **PREDICATES,
    }
    for number, step in enumerate(steps):
        raw |= {f"transforms.t{number}.{name}": value for name, value in step.items()}
        raw[f"transforms.t{number}.type"] = KAFKA + step["type"]
    return raw


def chain_of(steps: Sequence[Mapping[str, str]], by_columns: bool) -> Chain:
    """The task's chain, with all steps in one form."""
    chain = builder.chain(config(steps), {}, FileStreamSinkConnector)
    for forms in (chain.key_forms, chain.value_forms):
        # Also columns where the plan, in fear of the cost, would have rows from the start.
        steps_of_form = [step._replace(form="columns" if by_columns else "rows") for step in forms.plan.steps]
        forms.plan = Plan(tuple(steps_of_form))
    return chain


def polled(values: Sequence[Payload], headers: bool) -> Polled:
    count = len(values)
    return Polled(
        topic="t",
        partition=3,
        offsets=list(range(10, 10 + count)),
        timestamps=[1_700_000_000_000 + at for at in range(count)],
        keys=[b'{"id":1}'] * count,
        values=list(values),
        headers=[[("h", b"1")] if at % 2 else [] for at in range(count)] if headers else None,
    )


def outcome(chain: Chain, given: Polled) -> tuple[list[Batch], str]:
    """The batches that come out, and all of it as a text, by position."""
    decoded, failures = chain.decode(given)
    changed, more = chain.transform(decoded)
    records = {
        position: (repr(record.key), repr(record.value), record.topic, record.headers, record.key_schema)
        for batch in changed
        for position, record in zip(batch.positions, batch.records(), strict=True)
    }
    errors = sorted(
        (failure.position, failure.stage, failure.plugin, str(failure.error)) for failure in (*failures, *more)
    )
    return changed, f"{sorted(records.items())} {errors}"


VALUES = st.dictionaries(st.sampled_from(sorted(MEMBERS)), st.booleans(), min_size=1).flatmap(
    lambda names: st.lists(
        st.fixed_dictionaries(
            {name: MEMBERS[name] if sure else st.none() | MEMBERS[name] for name, sure in names.items()}
        ),
        min_size=1,
        max_size=6,
    )
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    VALUES,
    st.lists(st.sampled_from([*KEEPING, *OTHERS]), max_size=3),
    st.sampled_from([None, b"7", b"{", b'{"text":1}']),
    st.booleans(),
)
def test_every_transform_makes_of_maps_what_it_makes_of_rows(
    values: list[dict[str, Any]], steps: list[Mapping[str, str]], odd: bytes | None, headers: bool
) -> None:
    payloads: list[Payload] = [json.dumps(value).encode() for value in values]
    payloads.insert(len(payloads) // 2, odd)
    given = polled(payloads, headers)
    by_columns, columns = outcome(chain_of(steps, True), given)
    by_rows, rows = outcome(chain_of(steps, False), given)
    assert columns == rows
    assert lines_in_order(by_columns) == lines_in_order(by_rows)
    plain = JsonConverter(JsonConverterConfig.parse({"schemas.enable": "false"}), "value")
    assert texts(plain, by_columns) == texts(plain, by_rows)


def texts(converter: JsonConverter, batches: Sequence[Batch]) -> dict[int, Payload]:
    return {
        position: payload
        for batch in batches
        for position, payload in zip(batch.positions, converter.from_data("t", batch.value), strict=True)
    }


SAMPLE = {"text": "a", "number": 7, "fraction": 0.5, "flag": True, "time": "2024-02-29", "digits": "1"}


@pytest.mark.parametrize("step", KEEPING, ids=lambda step: " ".join(step.values()))
def test_a_transform_that_takes_maps_gives_maps(step: Mapping[str, str]) -> None:
    chain = chain_of([step], True)
    assert chain.steps[0].transform.takes_maps
    decoded, _ = chain.decode(polled([json.dumps(SAMPLE).encode()] * 100, True))
    results, failures = chain.transform(decoded)
    assert failures == []
    assert {type(batch.value) for batch in results} == {Maps}


@pytest.mark.parametrize(
    ("step", "forms"),
    [
        ({"type": "ExtractField$Value", "field": "map"}, {Maps, Rows}),
        ({"type": "ExtractField$Value", "field": "map.in", "field.syntax.version": "V2"}, {Maps, Rows}),
        ({"type": "Flatten$Value"}, {Maps}),
    ],
)
def test_maps_some_of_which_are_null_stay_columns_apart_from_these(step: Mapping[str, str], forms: set[type]) -> None:
    values = [{"id": at, "map": {"x": at, "in": {"y": at}} if at % 3 else None} for at in range(100)]
    given = polled([json.dumps(value).encode() for value in values], False)
    by_columns, columns = outcome(chain_of([step], True), given)
    assert {type(batch.value) for batch in by_columns} == forms
    assert sorted(len(batch) for batch in by_columns) == [34, 66]
    assert columns == outcome(chain_of([step], False), given)[1]


def planned(*steps: Mapping[str, str], sink: type[Sink[Any]] = FileStreamSinkConnector) -> list[str]:
    return [str(step) for step in builder.chain(config(steps), {}, sink).plan.steps]


def test_the_plan_is_columns_if_every_step_takes_maps_and_else_rows_from_the_start() -> None:
    mask, named = KEEPING[0], {"type": "SetSchemaMetadata$Value", "schema.name": "n"}
    assert planned(mask) == [
        "decode by JsonConverter: columns",
        "transform t0 by MaskField: columns",
        "put by FileStreamSinkConnector: columns",
    ]
    why = "without a schema columns are worth it only if every step takes them"
    assert planned(mask, named)[0] == (
        f"decode by JsonConverter: rows ({why}: SetSchemaMetadata takes columns with a schema only)"
    )
    assert (
        planned(mask, sink=SqlSinkConnector)[0] == f"decode by JsonConverter: rows ({why}: SqlSinkConnector takes rows)"
    )
