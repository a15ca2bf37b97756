"""Steps on columns do what polars' own do, and begin no query; nor do the transforms of a poll of few records."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from polars.lazyframe.frame import LazyFrame

from ferryman.chain import chain_config
from ferryman.chain.chain import assembled
from ferryman.config import Config
from ferryman.formats import eager
from ferryman.formats.avro import columns_reader
from ferryman.formats.avro.schemas.schema_reader import reading
from ferryman.record import Batch, Rows
from tests.chain.parts import TextConverter, polled
from tests.converters.test_avro import encode


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The queries that polars is asked."""
    found: list[str] = []

    def noted(name: str) -> Callable[..., Any]:
        own = getattr(LazyFrame, name)

        def note(self: LazyFrame, *arguments: Any, **more: Any) -> Any:
            found.append(name)
            return own(self, *arguments, **more)

        return note

    for name in ("collect", "_collect_eager"):
        monkeypatch.setattr(LazyFrame, name, noted(name))
    return found


FRAME = pl.DataFrame({"a": [1, 2, 3], "b": ["x", None, "z"]})
STRUCTS = FRAME.to_struct("s").set(pl.Series([False, False, True]), None)


def test_each_step_is_what_polars_own_is(queries: list[str]) -> None:
    new = pl.Series("b", [1.5, 2.5, None])
    more = pl.Series("c", [True, False, None])
    values = FRAME.get_column("b")
    mine = (
        eager.put(FRAME, [new, more]),
        eager.select(FRAME, ["b", "a"]),
        eager.member(STRUCTS, "a"),
        eager.same("d", Decimal("1.50"), pl.Decimal(10, 2), 3),
        eager.same("d", None, pl.String(), 3),
        eager.nulls(FRAME.get_column("a")),
        eager.filled(FRAME.get_column("a"), 7),
    )
    assert eager.stacked([FRAME] * 3).equals(pl.concat([FRAME] * 3))
    assert queries == []
    assert eager.stacked([FRAME] * 100).equals(pl.concat([FRAME] * 100))
    assert mine[0].equals(FRAME.with_columns(new, more))
    assert mine[1].equals(FRAME.select("b", "a"))
    assert mine[2].to_list() == STRUCTS.struct.field("a").to_list()
    assert mine[3].to_list() == [Decimal("1.50")] * 3
    assert mine[4].to_list() == [None] * 3
    assert mine[5].to_list() == [False] * 3
    assert mine[6].to_list() == [1, 2, 3]
    assert eager.nulls(values).to_list() == values.is_null().to_list()
    assert eager.filled(values, "n").equals(values.fill_null("n"), check_names=True)
    assert eager.nulls(pl.Series([None, None])).to_list() == [True, True]
    assert eager.nulls(pl.Series([], dtype=pl.String)).to_list() == []


NOTE = {
    "type": "record",
    "name": "Note",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "text", "type": ["null", "string"]},
        {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {
            "name": "inner",
            "type": ["null", {"type": "record", "name": "Inner", "fields": [{"name": "n", "type": "int"}]}],
        },
    ],
}
VALUE = {
    "id": 1,
    "text": "x",
    "amount": Decimal("1.50"),
    "at": datetime(2026, 1, 1, tzinfo=UTC),
    "inner": {"n": 1},
}
CONFIGS: list[Mapping[str, str]] = [
    {"type": "InsertField$Value", "timestamp.field": "ts", "offset.field": "o", "topic.field": "t"},
    {"type": "ReplaceField$Value", "exclude": "text", "renames": "id:key"},
    {"type": "MaskField$Value", "fields": "text,id"},
    {"type": "Cast$Value", "spec": "id:string,text:string"},
    {"type": "ValueToKey", "fields": "id"},
    {"type": "TimestampConverter$Value", "field": "at", "target.type": "string", "format": "yyyy-MM-dd"},
    {"type": "HoistField$Value", "field": "all"},
    {"type": "Flatten$Value"},
    {"type": "ExtractField$Value", "field": "inner"},
    {"type": "HeaderFrom$Value", "fields": "text", "headers": "h", "operation": "move"},
    {"type": "InsertHeader", "header": "h", "value.literal": "x"},
    {"type": "RegexRouter", "regex": "t", "replacement": "u"},
    {"type": "TimestampRouter"},
]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config["type"])
def test_few_records_are_decoded_and_transformed_without_a_query(config: Mapping[str, str], queries: list[str]) -> None:
    raw = polled(*[b""] * 20)
    columns, odd = columns_reader.decode(reading(NOTE), encode(NOTE, [VALUE] * 20))
    assert columns is not None
    assert not odd
    batch = Batch(
        topic="t",
        partition=0,
        key=Rows(None, [None] * 20),
        value=columns,
        timestamps=raw.timestamps,
        origin=raw,
        positions=range(20),
    )
    keys = {f"transforms.t.{name}": text for name, text in config.items()}
    parsed = chain_config.parse(
        {"transforms": "t", **keys, "transforms.t.type": f"org.apache.kafka.connect.transforms.{config['type']}"}
    )
    assert not parsed.problems
    converter = TextConverter(Config(), "value")
    done, failures = assembled(converter, converter, converter, parsed.steps).transform([batch])
    assert not failures
    assert sum(map(len, done)) == 20
    assert queries == []
