"""The plan says for each step whether it works on columns or on rows, and why."""

from typing import Any

import pytest

from ferryman.api import Transform
from ferryman.chain import builder
from ferryman.chain.plan import Form, Plan, Planned, open_plan, sink_plan, source_plan
from ferryman.config import Config
from ferryman.plugins import catalog
from tests.chain.parts import (
    FrameConverter,
    FrameSink,
    FrameSource,
    OnFrames,
    OnRecords,
    RecordSink,
    RecordSource,
    TextConverter,
)

JSON = "org.apache.kafka.connect.json.JsonConverter"
STRING = "org.apache.kafka.connect.storage.StringConverter"
TRANSFORMS = {
    "transforms": "mask,time",
    "transforms.mask.type": "org.apache.kafka.connect.transforms.MaskField$Value",
    "transforms.mask.fields": "card",
    "transforms.time.type": "org.apache.kafka.connect.transforms.TimestampConverter$Value",
    "transforms.time.field": "at",
    "transforms.time.target.type": "Timestamp",
}


def planned(sink: str, **config: str) -> list[str]:
    raw = {"key.converter": STRING, "value.converter": JSON, **TRANSFORMS}
    raw |= {name.replace("_", "."): value for name, value in config.items()}
    found = catalog.find("sink", sink)
    assert found is not None
    return [str(step) for step in builder.chain(raw, {}, found).plan.steps]


def test_records_with_a_schema_stay_columns_all_the_way_into_the_warehouse() -> None:
    assert planned("io.confluent.connect.jdbc.JdbcSinkConnector") == [
        "decode by JsonConverter: columns",
        "transform mask by MaskField: columns",
        "transform time by TimestampConverter: columns",
        "put by SqlSinkConnector: columns",
    ]


def test_a_sink_of_rows_is_where_columns_end() -> None:
    assert planned("EmailSinkConnector")[-1] == "put by EmailSinkConnector: rows (EmailSinkConnector takes rows)"


def test_json_without_a_schema_is_rows_from_the_start_on_its_way_to_a_sink_that_wants_a_schema() -> None:
    steps = planned("io.confluent.connect.jdbc.JdbcSinkConnector", value_converter_schemas_enable="false")
    assert steps[0].startswith(
        "decode by JsonConverter: rows (without a schema columns are worth it only if every step takes"
    )
    assert steps[1] == "transform mask by MaskField: rows (decode by JsonConverter gives rows)"


@pytest.mark.parametrize("schemas", ["true", "false"])
def test_json_goes_by_columns_into_a_file_with_a_schema_and_without(schemas: str) -> None:
    steps = planned("FileStreamSink", value_converter_schemas_enable=schemas)
    assert [step.rpartition(": ")[2] for step in steps] == ["columns"] * 4


FRAMES, TEXTS = FrameConverter(Config(), "value"), TextConverter(Config(), "value")
NO_FIELDS = "TextConverter has no schema with fields"


def steps(*transforms: Transform[Any]) -> list[tuple[str, Transform[Any]]]:
    """Transforms under the aliases t1, t2 ..."""
    return [(f"t{number}", transform) for number, transform in enumerate(transforms, 1)]


def said(plan: Plan) -> list[str]:
    return [str(step) for step in plan.steps]


def test_from_the_first_transform_that_needs_rows_on_all_is_rows() -> None:
    plan = sink_plan(FRAMES, steps(OnFrames(Config()), OnRecords(Config()), OnFrames(Config())), FrameSink)
    assert said(plan) == [
        "decode by FrameConverter: columns",
        "transform t1 by OnFrames: columns",
        "transform t2 by OnRecords: rows (OnRecords works on single records)",
        "transform t3 by OnFrames: rows (transform t2 by OnRecords gives rows)",
        "put by FrameSink: rows (transform t3 by OnFrames gives rows)",
    ]


def test_a_step_that_was_given_rows_says_that_and_not_what_it_needs_itself() -> None:
    plan = sink_plan(TEXTS, steps(OnRecords(Config())), RecordSink)
    assert said(plan) == [
        f"decode by TextConverter: rows ({NO_FIELDS})",
        "transform t1 by OnRecords: rows (decode by TextConverter gives rows)",
        "put by RecordSink: rows (transform t1 by OnRecords gives rows)",
    ]


def test_a_sink_takes_columns_only_if_it_says_so() -> None:
    assert str(sink_plan(FRAMES, [], FrameSink).steps[-1]) == "put by FrameSink: columns"
    assert str(sink_plan(FRAMES, [], RecordSink).steps[-1]) == "put by RecordSink: rows (RecordSink takes rows)"


def test_a_source_gives_columns_only_if_it_says_so() -> None:
    assert said(source_plan(FRAMES, [], FrameSource)) == [
        "poll by FrameSource: columns",
        "encode by FrameConverter: columns",
    ]
    assert said(source_plan(FRAMES, steps(OnFrames(Config())), RecordSource)) == [
        "poll by RecordSource: rows (RecordSource gives rows)",
        "transform t1 by OnFrames: rows (poll by RecordSource gives rows)",
        "encode by FrameConverter: rows (transform t1 by OnFrames gives rows)",
    ]


def test_a_converter_of_rows_is_where_columns_of_a_source_end() -> None:
    plan = source_plan(TEXTS, steps(OnFrames(Config())), FrameSource)
    assert [step.form for step in plan.steps] == ["columns", "columns", "rows"]
    assert plan.steps[-1].reason == NO_FIELDS


def test_a_chain_without_a_connector_ends_with_its_last_transform() -> None:
    assert said(open_plan(FRAMES)) == ["decode by FrameConverter: columns"]
    assert said(open_plan(FRAMES, steps(OnRecords(Config())))) == [
        "decode by FrameConverter: columns",
        "transform t1 by OnRecords: rows (OnRecords works on single records)",
    ]
    assert said(open_plan(TEXTS)) == [f"decode by TextConverter: rows ({NO_FIELDS})"]


def test_only_what_is_decoded_can_be_too_little_for_a_frame() -> None:
    assert sink_plan(FRAMES, [], FrameSink).fewest == 4
    assert open_plan(FRAMES).fewest == 4
    assert source_plan(FRAMES, [], FrameSource).fewest == 1
    assert Plan(()).fewest == 1


def test_a_piece_of_a_schema_with_columns_is_as_planned_from_the_fewest_records_on() -> None:
    plan = sink_plan(FRAMES, [], FrameSink)
    assert plan.for_piece(4, None) == plan
    assert plan.for_piece(5, None) == plan
    assert said(plan.for_piece(3, None)) == [
        "decode by FrameConverter: rows (fewer than 4 records of one schema)",
        "put by FrameSink: rows (decode by FrameConverter gives rows)",
    ]


@pytest.mark.parametrize("count", [1, 4, 1000])
def test_a_piece_of_a_schema_without_columns_is_rows_for_the_schemas_reason(count: int) -> None:
    plan = sink_plan(FRAMES, steps(OnFrames(Config())), FrameSink).for_piece(count, "a map has no columns")
    assert said(plan) == [
        "decode by FrameConverter: rows (a map has no columns)",
        "transform t1 by OnFrames: rows (decode by FrameConverter gives rows)",
        "put by FrameSink: rows (transform t1 by OnFrames gives rows)",
    ]
    assert plan.fewest == 4


@pytest.mark.parametrize(("count", "reason"), [(1, None), (9, None), (9, "a map has no columns")])
def test_a_plan_of_rows_is_the_same_for_every_piece(count: int, reason: str | None) -> None:
    plan = sink_plan(TEXTS, [], RecordSink)
    assert plan.for_piece(count, reason) is plan


def test_a_piece_has_its_own_reason_also_where_the_last_step_takes_rows_anyhow() -> None:
    assert said(sink_plan(FRAMES, [], RecordSink).for_piece(3, None))[0].endswith(
        "(fewer than 4 records of one schema)"
    )


def test_what_becomes_of_a_piece_is_of_its_own_plan() -> None:
    one, other = (sink_plan(FRAMES, steps(*transforms), FrameSink) for transforms in ([], [OnFrames(Config())]))
    assert [len(plan.for_piece(9, "a map has no columns").steps) for plan in (one, other)] == [2, 3]


@pytest.mark.parametrize(
    ("given", "step", "form"),
    [("columns", 0, "columns"), ("columns", 1, "rows"), ("rows", 0, "rows"), ("rows", 1, "rows")],
)
def test_columns_are_handed_on_only_to_a_step_that_is_planned_so_and_rows_stay_rows(
    given: Form, step: int, form: Form
) -> None:
    plan = Plan((Planned("decode", "columns"), Planned("put", "rows", "it takes rows")))
    assert plan.form(step, given) == form
