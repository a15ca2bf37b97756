"""The plan against what happens: generated configs and data, and the form that each step really was given."""

import base64
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.api import Sink, Source, Transform
from ferryman.chain import builder
from ferryman.chain.chain import Chain
from ferryman.chain.forms import Forms, form_of, in_form
from ferryman.chain.plan import Plan, Planned
from ferryman.plugins import catalog
from ferryman.record import Batch, Columns, Polled, Rows
from ferryman.schema import Schema, Type, struct

KAFKA = "org.apache.kafka.connect.transforms."
TRANSFORMS: Mapping[str, Mapping[str, str]] = {
    "mask": {"type": f"{KAFKA}MaskField$Value", "fields": "text"},
    "cast": {"type": f"{KAFKA}Cast$Value", "spec": "id:string"},
    "place": {"type": f"{KAFKA}InsertField$Value", "topic.field": "topic"},
    "drop": {"type": f"{KAFKA}Filter", "predicate": "none"},
    "whole": {"type": f"{KAFKA}HoistField$Value", "field": "inner"},
    "route": {"type": f"{KAFKA}RegexRouter", "regex": "t", "replacement": "u"},
    "rows": {"type": "RowsOnly"},
}
PREDICATES = {"predicates": "none", "predicates.none.type": f"{KAFKA}predicates.RecordIsTombstone"}
SINKS = ["FileStreamSink", "io.confluent.connect.jdbc.JdbcSinkConnector", "io.confluent.connect.s3.S3SinkConnector"]
STRUCT = {
    "type": "struct",
    "optional": False,
    "fields": [
        {"field": "id", "type": "int64", "optional": False},
        {"field": "text", "type": "string", "optional": True},
    ],
}
WITH_MAP = {
    "type": "struct",
    "optional": False,
    "fields": [
        {"field": "id", "type": "int64", "optional": False},
        {"field": "text", "type": "string", "optional": True},
        {"field": "more", "type": "map", "keys": {"type": "string"}, "values": {"type": "string"}, "optional": False},
    ],
}
MONEY = {
    "type": "struct",
    "optional": False,
    "fields": [
        {"field": "id", "type": "int64", "optional": False},
        {"field": "text", "type": "string", "optional": True},
        {
            "field": "sum",
            "type": "bytes",
            "name": "org.apache.kafka.connect.data.Decimal",
            "version": 1,
            "parameters": {"scale": "2"},
            "optional": False,
        },
    ],
}
ROWS: Mapping[str, tuple[Mapping[str, Any], Callable[[int], Mapping[str, Any]]]] = {
    "plain": (STRUCT, lambda number: {"id": number, "text": "a"}),
    "map": (WITH_MAP, lambda number: {"id": number, "text": None, "more": {"k": "v"}}),
    "money": (MONEY, lambda number: {"id": number, "text": "b", "sum": base64.b64encode(b"\x01\x02").decode()}),
    "huge money": (MONEY, lambda number: {"id": number, "text": "b", "sum": base64.b64encode(b"\x01" * 20).decode()}),
}


class RowsOnly(Transform[Any]):
    """A third party's transform: it sees single records."""

    def apply(self, record: Any) -> Any:
        return record


def payloads(kind: str, count: int, blanks: bool) -> list[bytes | None]:
    """So many messages of one kind, spelled as orjson does or with blanks as Python's own json does."""
    if kind == "null":
        return [None] * count
    schema, row = ROWS[kind]
    spelling: Mapping[str, Any] = {} if blanks else {"separators": (",", ":")}
    return [json.dumps({"schema": schema, "payload": row(number)}, **spelling).encode() for number in range(count)]


RUNS = st.lists(st.tuples(st.sampled_from([*ROWS, "null"]), st.integers(1, 40), st.booleans()), min_size=1, max_size=5)


@pytest.fixture(autouse=True)
def rows_only(monkeypatch: pytest.MonkeyPatch) -> None:
    found = catalog.find
    monkeypatch.setattr(catalog, "find", lambda kind, name: RowsOnly if name == "RowsOnly" else found(kind, name))


def chain_of(steps: Sequence[str], plugin: type[Sink[Any] | Source[Any]], with_schemas: bool) -> Chain:
    raw = {
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": str(with_schemas).lower(),
        "transforms": ",".join(steps),
        **PREDICATES,
    }
    for alias in steps:
        raw |= {f"transforms.{alias}.{name}": value for name, value in TRANSFORMS[alias].items()}
    return builder.chain(raw, {}, plugin)


def polled(values: Sequence[bytes | None]) -> Polled:
    count = len(values)
    return Polled(
        topic="t",
        partition=0,
        offsets=list(range(count)),
        timestamps=[0] * count,
        keys=[None] * count,
        values=list(values),
        headers=None,
        timestamp_type="CreateTime",
    )


class Seen:
    """The forms in which batches came to each step, looked at from outside."""

    def __init__(self) -> None:
        self.forms: Counter[tuple[str, str]] = Counter()

    def look(self, name: str, batch: Batch) -> None:
        self.forms[name, "columns" if isinstance(batch.value, Columns) else "rows"] += len(batch)

    def watched(self, name: str, transform: Transform[Any]) -> Any:
        before = transform.apply_batch

        def apply_batch(batch: Batch) -> Sequence[Batch]:
            self.look(name, batch)
            return before(batch)

        return patch.object(transform, "apply_batch", apply_batch)


def run(chain: Chain, values: Sequence[bytes | None]) -> Seen:
    """Decodes and transforms as a sink's task does; what comes out is what the sink would be given."""
    seen, names = Seen(), [step.name for step in chain.plan.steps]
    watches = [seen.watched(names[number], step.transform) for number, step in enumerate(chain.steps, 1)]
    for watch in watches:
        watch.start()
    try:
        decoded, failures = chain.decode(polled(values))
        assert failures == []
        for batch in decoded:
            seen.look(names[0], batch)
        for each in chain.transform(decoded)[0]:
            seen.look(names[-1], each)
    finally:
        for watch in watches:
            watch.stop()
    return seen


def counted(forms: Forms, planned: Planned) -> int:
    return sum(count for had, count in forms.counts.items() if had.name == planned.name and had.form == "columns")


@given(
    st.lists(st.sampled_from(sorted(TRANSFORMS)), max_size=4, unique=True), st.sampled_from(SINKS), st.booleans(), RUNS
)
def test_every_step_gets_what_the_plan_says_and_what_departs_from_it_is_counted(
    steps: list[str], sink: str, with_schemas: bool, runs: list[tuple[str, int, bool]]
) -> None:
    plugin = catalog.find("sink", sink)
    assert plugin is not None
    chain = chain_of(steps, plugin, with_schemas)
    seen = run(chain, [value for kind, count, blanks in runs for value in payloads(kind, count, blanks)])

    for step, planned in enumerate(chain.plan.steps):
        if planned.form == "rows":
            assert seen.forms[planned.name, "columns"] == 0, f"step {step} was given columns against {planned}"
    counts = chain.value_forms.counts
    first, last = chain.plan.steps[0], chain.plan.steps[-1]
    assert counted(chain.value_forms, first) == seen.forms[first.name, "columns"]
    assert counted(chain.value_forms, last) == seen.forms[last.name, "columns"]
    departed = {had for had in counts if counts[had] and had.form == "rows" and had not in chain.plan.steps}
    assert all(had.reason for had in departed)
    total = sum(count for _, count, _ in runs)
    assert sum(count for had, count in counts.items() if had.name == first.name) == total


@given(RUNS)
def test_a_piece_is_columns_exactly_where_the_plan_for_its_schema_and_size_says_so(
    runs: list[tuple[str, int, bool]],
) -> None:
    plugin = catalog.find("sink", "io.confluent.connect.jdbc.JdbcSinkConnector")
    assert plugin is not None
    chain = chain_of([], plugin, with_schemas=True)
    asked: list[tuple[int, str | None, bool]] = []
    columns = chain.value_forms.columns

    def watched(count: int, reason: str | None) -> bool:
        asked.append((count, reason, columns(count, reason)))
        return asked[-1][2]

    with patch.object(chain.value_forms, "columns", watched):
        decoded, _ = chain.decode(polled([value for run in runs for value in payloads(*run)]))
    assert [answer for _, _, answer in asked] == [
        chain.plan.for_piece(count, reason).steps[0].form == "columns" for count, reason, _ in asked
    ]
    given_up = sum(n for had, n in chain.value_forms.counts.items() if "written as its type" in had.reason)
    planned = sum(count for count, _, answer in asked if answer)
    assert sum(len(batch) for batch in decoded if isinstance(batch.value, Columns)) == planned - given_up


def test_data_that_the_plan_could_not_foresee_goes_by_rows_and_is_counted_with_the_reason() -> None:
    plugin = catalog.find("sink", "io.confluent.connect.jdbc.JdbcSinkConnector")
    assert plugin is not None
    chain = chain_of(["mask"], plugin, with_schemas=True)
    run(chain, [*payloads("money", 20, False), *payloads("huge money", 20, False)])
    first = chain.plan.steps[0]
    reason = "a value is not written as its type usually is"
    assert {had: count for had, count in chain.value_forms.counts.items() if had.name == first.name} == {
        first: 20,
        Planned(first.name, "rows", reason): 20,
    }


def test_a_piece_that_failed_and_was_halved_is_counted_once() -> None:
    plugin = catalog.find("sink", "io.confluent.connect.jdbc.JdbcSinkConnector")
    assert plugin is not None
    chain = chain_of([], plugin, with_schemas=True)
    _, failures = chain.decode(polled([*payloads("plain", 39, False), b"{"]))
    assert len(failures) == 1
    assert sum(count for had, count in chain.value_forms.counts.items() if had.form == "columns") == 39


def test_too_few_records_for_a_frame_go_by_rows_all_the_way() -> None:
    steps = (Planned("decode", "columns"), Planned("put", "columns"))
    assert [str(step) for step in Plan(steps, fewest=16).for_piece(15, None).steps] == [
        "decode: rows (fewer than 16 records of one schema)",
        "put: rows (decode gives rows)",
    ]


def test_a_source_that_hands_over_rows_is_rows_to_the_end() -> None:
    plugin = catalog.find("source", "FileStreamSource")
    assert plugin is not None
    assert [step.form for step in chain_of(["mask"], plugin, with_schemas=True).plan.steps] == ["rows"] * 3


class Frames(Source[Any]):
    """A source that hands over columns."""

    columnar = True


def test_columns_of_a_source_are_encoded_as_columns() -> None:
    assert [step.form for step in chain_of(["mask"], Frames, with_schemas=True).plan.steps] == ["columns"] * 3


DECODE, STEP, PUT = (
    Planned("decode", "columns"),
    Planned("transform", "columns"),
    Planned("put", "rows", "it takes rows"),
)
SCHEMALESS = Rows(None, [1, 2, 3])


def forms() -> Forms:
    """Decoded to columns from two records on, transformed as columns, put as rows."""
    return Forms(Plan((DECODE, STEP, PUT), fewest=2))


def frame(count: int) -> Columns:
    return Columns(struct({"id": Schema(Type.INT64)}), pl.DataFrame({"id": list(range(count))}))


def test_a_converter_is_told_columns_or_rows_and_it_counts_when_the_attempt_is_kept() -> None:
    found = forms()
    found.attempt()
    assert found.columns(2, None)
    assert not found.columns(1, None)
    assert not found.columns(5, "a map has no columns")
    assert found.counts == {}
    found.keep(found.asked)
    assert found.counts == {
        DECODE: 2,
        Planned("decode", "rows", "fewer than 2 records of one schema"): 1,
        Planned("decode", "rows", "a map has no columns"): 5,
    }
    found.attempt()
    found.keep(found.asked)
    assert found.counts[DECODE] == 2


def test_what_an_attempt_that_failed_said_does_not_count() -> None:
    found = forms()
    found.attempt()
    found.columns(9, None)
    found.attempt()
    found.columns(4, None)
    found.keep(found.asked)
    assert found.counts == {DECODE: 4}


def test_what_of_a_piece_was_read_by_rows_after_all_counts_as_that_and_only() -> None:
    found = forms()
    found.attempt()
    found.columns(7, None)
    found.columns(4, None)
    found.gave_up(3, "it does not look like its type")
    found.keep(found.asked)
    assert found.counts == {DECODE: 8, Planned("decode", "rows", "it does not look like its type"): 3}


def test_columns_that_were_encoded_by_rows_are_taken_from_the_columns() -> None:
    found = Forms(Plan((Planned("poll", "columns"), Planned("encode", "columns"))))
    found.stepped(1, "columns", frame(5))
    found.attempt()
    found.encoded_by_rows(2, "a value is too long")
    found.keep(found.asked)
    assert found.counts == {Planned("encode", "columns"): 3, Planned("encode", "rows", "a value is too long"): 2}


def test_a_step_is_counted_in_the_form_that_it_got_and_gave() -> None:
    found = forms()
    found.stepped(1, "columns", frame(3))
    found.stepped(1, "columns", SCHEMALESS)
    found.stepped(1, "rows", SCHEMALESS)
    found.stepped(2, "rows", SCHEMALESS)
    assert found.counts == {
        STEP: 3,
        Planned("transform", "rows", "it returned rows for columns"): 3,
        Planned("transform", "rows", "it was given rows"): 3,
        PUT: 3,
    }


def test_what_departs_from_the_plan_is_logged_when_it_is_met_first(caplog: pytest.LogCaptureFixture) -> None:
    found = forms()
    with caplog.at_level("INFO", "ferryman.chain.forms"):
        for _ in range(3):
            found.stepped(1, "columns", frame(3))
            found.stepped(1, "columns", SCHEMALESS)
            found.stepped(2, "rows", SCHEMALESS)
    assert caplog.messages == ["plan: transform: rows (it returned rows for columns)"]


def test_rows_are_never_made_columns_again() -> None:
    columns = frame(2)
    assert (form_of(columns), form_of(SCHEMALESS)) == ("columns", "rows")
    assert in_form(columns, "columns") is columns
    assert in_form(columns, "rows") == Rows(columns.schema, [{"id": 0}, {"id": 1}])
    assert in_form(SCHEMALESS, "columns") is SCHEMALESS
    assert in_form(SCHEMALESS, "rows") is SCHEMALESS
