"""Both sides of a comparison: a config and records through our plugin, as rows and as columns, and through Kafka's."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jpype
import polars as pl

from ferryman.api import Predicate, Transform
from ferryman.chain.narrowing import narrow
from ferryman.config import Config
from ferryman.errors import ConfigError, FerrymanError
from ferryman.formats.polars_types import dtype
from ferryman.plugins import catalog
from ferryman.record import Batch, Columns, Polled, Record, Rows
from ferryman.schema import INTEGERS, Schema, Type
from tests.differential import jvm
from tests.differential.jvm import Outcome, Raised
from tests.pairs import in_pairs

PLAIN_KEYS = (*INTEGERS, Type.BOOLEAN, Type.STRING)


class Case(NamedTuple):
    """A transform by its name with ``$Key`` or ``$Value``, its config, and records that share their schemas."""

    name: str
    config: Mapping[str, str]
    records: Sequence[Record]


Side = Raised | Sequence[Outcome]
"""The refusal of the config, or what became of each record."""


def kafkas(case: Case) -> Side:
    """Kafka's answers."""
    try:
        plugin = jvm.configured(case.name, case.config)
    except jpype.JException as error:
        return jvm.raised(error)
    return [jvm.transformed(record, plugin) for record in case.records]


def ours(case: Case, columns: bool = False) -> Side | None:
    """Our answers; None if the records have no columnar form."""
    step = _step(case)
    if isinstance(step, Raised):
        return step
    whole = _batch(case.records, columns)
    if whole is None:
        return None
    outcomes: list[Outcome] = [None] * len(case.records)
    done, guilty = narrow(len(whole), lambda start, stop: step.apply_batch(whole.slice(start, stop)), FerrymanError)
    for index, error in guilty:
        assert isinstance(error, FerrymanError)
        outcomes[index] = Raised(error.java, jvm.words(error))
    for piece in done:
        for batch in piece.result:
            for position, record in zip(batch.positions, batch.records(), strict=True):
                outcomes[position] = jvm.answer(record)
    return outcomes


def singly(case: Case) -> Side:
    """Our answers, record by record."""
    step = _step(case)
    if isinstance(step, Raised):
        return step
    return [transformed(record, step) for record in case.records]


def transformed(record: Record, *steps: Transform[Config]) -> Outcome:
    """What transforms of ours, one after the other, make of a record."""
    changed: Record | None = record
    try:
        for step in steps:
            changed = None if changed is None else step.apply(changed)
    except FerrymanError as error:
        return Raised(error.java, jvm.words(error))
    return None if changed is None else jvm.answer(changed)


def chained(
    steps: Sequence[tuple[str, Mapping[str, str]]], records: Sequence[Record]
) -> Sequence[tuple[Outcome, Outcome]]:
    """Kafka's and our answers for records that pass through a chain; none if a config is refused."""
    try:
        theirs = [jvm.configured(name, config) for name, config in steps]
    except jpype.JException:
        return []
    ours = [_step(Case(name, config, ())) for name, config in steps]
    mine = [step for step in ours if not isinstance(step, Raised)]
    return [(jvm.transformed(each, *theirs), transformed(each, *mine)) for each in records] if mine == ours else []


def _step(case: Case) -> Transform[Config] | Raised:
    plugin = catalog.find("transformation", jvm.full_name(case.name))
    assert plugin is not None
    try:
        step: Transform[Config] = plugin(
            plugin.config_class.parse(case.config), "key" if case.name.endswith("$Key") else "value"
        )
    except ConfigError as error:
        return Raised(error.java, error.problems[0].message)
    return step


def predicate(name: str, config: Mapping[str, str]) -> Predicate[Config]:
    """One of our predicates."""
    plugin = catalog.find("predicate", f"org.apache.kafka.connect.transforms.predicates.{name}")
    assert plugin is not None
    made: Predicate[Config] = plugin(plugin.config_class.parse(config))
    return made


def _batch(records: Sequence[Record], columns: bool) -> Batch | None:
    first = records[0]
    key: Rows | Columns | None = Rows(first.key_schema, [record.key for record in records])
    value: Rows | Columns | None = Rows(first.value_schema, [record.value for record in records])
    if columns:
        assert isinstance(key, Rows)
        assert isinstance(value, Rows)
        key, value = _columns(key) or key, _columns(value)
    if key is None or value is None:
        return None
    offsets = [record.offset for record in records if record.offset is not None]
    return Batch(
        topic=first.topic,
        partition=first.partition,
        key=key,
        value=value,
        timestamps=[record.timestamp for record in records],
        headers=[record.headers for record in records] if any(record.headers for record in records) else None,
        origin=Polled(first.topic, first.partition or 0, offsets, [None] * len(records), [], [])
        if offsets
        else records,
        positions=range(len(records)),
    )


def batch(records: Sequence[Record]) -> Batch:
    """Records that share their schemas as a batch of rows."""
    made = _batch(records, False)
    assert made is not None
    return made


def in_columns(records: Sequence[Record]) -> Batch | None:
    """The same with columns where the converters would give columns; None if that is not for the values."""
    return _batch(records, True)


def _columns(rows: Rows) -> Columns | None:
    """The rows as columns, if the converters would give columns for them."""
    schema = rows.schema
    if schema is None or schema.type is not Type.STRUCT or not schema.fields or not columnar(schema):
        return None
    if any(value is None for value in rows.values):
        return None
    dtypes = {field.name: dtype(field.schema) for field in schema.fields}
    values = [in_pairs(value, schema) for value in rows.values]
    return Columns(schema, pl.DataFrame(values, schema=dtypes, orient="row"))


def columnar(schema: Schema) -> bool:
    """Whether converters would give columns: no empty struct is in it, and no map with keys that are not plain."""
    if schema.type is Type.STRUCT:
        return bool(schema.fields) and all(columnar(field.schema) for field in schema.fields)
    if schema.type is Type.MAP and (schema.keys is None or schema.keys.type not in PLAIN_KEYS):
        return False
    return schema.type not in (Type.ARRAY, Type.MAP) or (schema.values is not None and columnar(schema.values))
