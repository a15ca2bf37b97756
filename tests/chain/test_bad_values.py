"""Of a batch with bad records exactly those fail that would fail alone, with the same words, and all others go on
together: whichever transform, predicate and form, and wherever nulls stand between."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.chain import chain_config
from ferryman.chain.chain import Step, assembled
from ferryman.config import Config
from ferryman.errors import BadValues, DataError
from ferryman.record import Batch, Columns, Data, Header, Maps, Rows
from ferryman.schema import INT32, OPTIONAL_STRING, Schema, struct
from ferryman.transforms.fields.each_value import each
from tests.chain.parts import TextConverter, polled

TEXTS = st.sampled_from(["12", "-7", "x", "2024-01-02", "nodate", None])
STRUCT = struct({"note": OPTIONAL_STRING, "other": OPTIONAL_STRING, "id": INT32})
OPTIONAL = STRUCT.as_optional()
KAFKA = "org.apache.kafka.connect.transforms."
CONFIGS: Mapping[str, Mapping[str, str]] = {
    "a cast": {"type": "Cast$Value", "spec": "note:int32"},
    "two casts": {"type": "Cast$Value", "spec": "note:int32,other:float64"},
    "a time": {
        "type": "TimestampConverter$Value",
        "field": "note",
        "format": "yyyy-MM-dd",
        "target.type": "unix",
    },
    "a mask": {"type": "MaskField$Value", "fields": "note", "replacement": "x"},
    "a mask that is no number": {"type": "MaskField$Value", "fields": "note,id", "replacement": "x"},
    "a key": {"type": "ValueToKey", "fields": "note"},
}
WHOLE: Mapping[str, Mapping[str, str]] = {
    "a cast": {"type": "Cast$Value", "spec": "int32"},
    "a time": {"type": "TimestampConverter$Value", "format": "yyyy-MM-dd", "target.type": "Date"},
}


def steps_of(config: Mapping[str, str], is_switched: bool) -> Sequence[Step]:
    raw = {"transforms": "t", **{f"transforms.t.{name}": text for name, text in config.items()}}
    raw["transforms.t.type"] = KAFKA + config["type"]
    if is_switched:
        raw |= {"transforms.t.predicate": "p", "predicates": "p", "predicates.p.name": "chosen"}
        raw["predicates.p.type"] = f"{KAFKA}predicates.HasHeaderKey"
    parsed = chain_config.parse(raw)
    assert not parsed.problems
    return parsed.steps


def batch_of(data: Data, chosen: Sequence[bool]) -> Batch:
    count = len(chosen)
    raw = polled(*[b""] * count)
    headers = [(Header("chosen", 1, None),) if each else () for each in chosen]
    return Batch(
        topic="t",
        partition=0,
        key=Rows(None, [None] * count),
        value=data,
        timestamps=raw.timestamps,
        headers=headers,
        origin=raw,
        positions=range(count),
    )


def outcomes(steps: Sequence[Step], batch: Batch) -> tuple[dict[int, Any], list[Batch]]:
    converter = TextConverter(Config(), "value")
    done, failures = assembled(converter, converter, converter, steps).transform([batch])
    found = {each.position: (type(each.error), str(each.error)) for each in failures}
    for part in done:
        assert not found.keys() & set(part.positions)
        found |= dict(zip(part.positions, ((each.key, each.value) for each in part.records()), strict=True))
    return found, done


def check(steps: Sequence[Step], batch: Batch) -> None:
    found, done = outcomes(steps, batch)
    alone = {at: outcomes(steps, batch.take([at]))[0][at] for at in range(len(batch))}
    assert found == alone
    schemas = [(part.topic, part.key.schema, part.value.schema) for part in done]
    assert all(schemas.count(schema) <= 2 for schema in schemas), "the good ones fell into pieces"


SWITCHED = st.lists(st.tuples(TEXTS, TEXTS, st.booleans(), st.booleans()), min_size=1, max_size=12)
"""For each record two texts, whether the predicate holds, and whether it is null as a whole."""


@pytest.mark.parametrize("name", CONFIGS)
@given(given=SWITCHED, is_switched=st.booleans(), form=st.sampled_from(["rows", "columns", "maps", "schemaless"]))
def test_the_bad_structs_and_maps_of_a_batch_are_the_only_ones_that_fail(
    name: str, given: list[tuple[Any, ...]], is_switched: bool, form: str
) -> None:
    values = [{"note": note, "other": other, "id": 1} for note, other, _, _ in given]
    frame = pl.DataFrame(values, schema={"note": pl.String(), "other": pl.String(), "id": pl.Int32()})
    nullable = [None if is_null else value for value, (*_, is_null) in zip(values, given, strict=True)]
    forms: Mapping[str, Data] = {
        "rows": Rows(OPTIONAL, nullable),
        "columns": Columns(STRUCT, frame),
        "maps": Maps(frame.cast({"id": pl.Int64()})),
        "schemaless": Rows(None, nullable),
    }
    check(steps_of(CONFIGS[name], is_switched), batch_of(forms[form], [chosen for _, _, chosen, _ in given]))


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("schema", [OPTIONAL_STRING, None], ids=["a schema", "none"])
@given(given=SWITCHED, is_switched=st.booleans())
def test_the_bad_single_values_of_a_batch_are_the_only_ones_that_fail(
    name: str, schema: Schema | None, given: list[tuple[Any, ...]], is_switched: bool
) -> None:
    rows = Rows(schema, [text for text, *_ in given])
    check(steps_of(WHOLE[name], is_switched), batch_of(rows, [chosen for _, _, chosen, _ in given]))


def test_each_bad_value_is_told_with_its_field_and_a_single_one_as_itself() -> None:
    def convert(value: int) -> int:
        if value % 2:
            raise DataError(f"{value} is odd")
        return value

    assert each([2, None, 4], convert) == [2, None, 4]
    with pytest.raises(BadValues) as told:
        each([1, 2, None, 3], convert)
    told.value.in_field("number", "INT32")
    assert {at: str(error) for at, error in told.value.errors.items()} == {
        0: "1 is odd (field number, INT32)",
        3: "3 is odd (field number, INT32)",
    }
    with pytest.raises(DataError, match="1 is odd") as alone:
        each([1], convert)
    assert not isinstance(alone.value, BadValues)
