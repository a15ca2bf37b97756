"""Datagen as a run: the records of some numbers, made again as they were."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from ferryman.api import SourceContext, Span
from ferryman.connectors.datagen.source import DatagenConnector
from ferryman.errors import ConfigError
from ferryman.runs.span import SourceRun

SCHEMA = {"type": "record", "name": "Order", "fields": [{"name": "id", "type": "long"}]}
USUAL = {
    "name": "made",
    "connector.class": "DatagenConnector",
    "kafka.topic": "orders",
    "schema.string": json.dumps(SCHEMA),
    "random.seed": "7",
    "throughput": "1",
}


def values(
    run: SourceRun | None, offset: Mapping[str, Any] | None = None, task: int = 0, polls: int = 1000, **keys: str
) -> list[Any]:
    """What a task hands over until it is at its end."""
    raw = {**USUAL, **{name.replace("_", "."): value for name, value in keys.items()}}
    context = SourceContext(
        connector="made",
        task=task,
        cluster="c",
        raw=raw,
        offset=lambda partition: offset,
        stopping=lambda seconds: False,
        run=run,
    )
    source = DatagenConnector(DatagenConnector.config_class.parse(raw), context)
    source.start()
    found = list[Any]()
    while not source.at_end() and polls:
        found += [record.value for record in source.poll()]
        polls -= 1
    return found


def test_a_run_makes_the_records_of_its_numbers_as_they_were_and_as_fast_as_it_can() -> None:
    live = values(None, throughput="-1", max_interval="0", iterations="400")
    assert values(SourceRun(Span(first=100, behind=300))) == live[100:300]
    assert values(SourceRun(Span(first=100, behind=300)), {"current.iteration": 250, "random.seed": 7}) == live[250:300]
    assert values(SourceRun(Span(first=100, behind=300), rate=1.0), polls=5) == live[100:105]


def part(wanted: Span, **keys: str) -> Span:
    raw = {name: value for name, value in ({**USUAL, **keys}).items() if value}
    return DatagenConnector.history(DatagenConnector.config_class.parse(raw), raw, wanted).span


def test_its_part_is_within_what_the_config_makes_in_each_task() -> None:
    assert part(Span(behind=30)) == Span(first=0, behind=30, records=30)
    assert part(Span(first=10, behind=30), **{"tasks.max": "3"}) == Span(first=10, behind=30, records=60)
    assert part(Span(first=10), iterations="25") == Span(first=10, behind=25, records=15)
    assert part(Span(first=30, behind=90), iterations="25") == Span(first=25, behind=25, records=0)


@pytest.mark.parametrize(
    ("wanted", "keys", "named"),
    [
        (Span(begins=1), {}, "from"),
        (Span(ends=1), {}, "to"),
        (Span(first=3), {}, "positions"),
        (Span(first=3, behind=4), {"random.seed": ""}, "random.seed"),
    ],
)
def test_what_cannot_be_made_again_is_refused(wanted: Span, keys: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError) as refused:
        part(wanted, **keys)
    assert [each.key for each in refused.value.problems] == [named]
