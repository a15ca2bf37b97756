"""What a run is called, and when two calls ask for the same one."""

from dataclasses import replace
from typing import Any

import pytest

from ferryman.backfill.request import Request
from ferryman.record import TopicPartition
from ferryman.runs.ranges import Range

A, B = TopicPartition("orders", 0), TopicPartition("orders", 1)
ASKED = Request(
    begins="2026-11-01T00:00:00Z",
    ends="2026-11-02T00:00:00Z",
    offsets={A: Range(0, 10), B: Range(5, 9)},
    sets={"table.name.format": "again", "connection.password": "an-obol", "batch.size": None},
)


@pytest.mark.parametrize(
    "other",
    [
        {"begins": "2026-11-01T01:00:00+01:00", "ends": "1793577600000"},
        {"offsets": {B: Range(5, 9), A: Range(0, 10)}},
        {"sets": {"batch.size": None, "connection.password": "another", "table.name.format": "again"}},
        {"rate": 10.0, "allow_duplicates": True, "dry_run": True},
    ],
    ids=["times spelled otherwise", "another order of partitions", "another password", "how, not what"],
)
def test_what_means_the_same_is_the_same_run(other: dict[str, Any]) -> None:
    assert replace(ASKED, **other).wish == ASKED.wish
    assert replace(ASKED, **other).run_name("live") == ASKED.run_name("live")


@pytest.mark.parametrize(
    "other",
    [
        {"begins": "2026-11-01T00:00:00.001Z"},
        {"begins": ""},
        {"ends": ""},
        {"offsets": {A: Range(0, 10)}},
        {"offsets": {A: Range(0, 11), B: Range(5, 9)}},
        {"sets": {}},
        {"sets": {"table.name.format": "elsewhere", "batch.size": None}},
        {"sets": {"table.name.format": "again", "batch.size": "1"}},
        {"version_field": "updated"},
    ],
    ids=str,
)
def test_all_else_is_another_run(other: dict[str, Any]) -> None:
    assert replace(ASKED, **other).wish != ASKED.wish
    assert replace(ASKED, **other).run_name("live") != ASKED.run_name("live")


def test_a_name_that_is_given_is_the_runs_and_no_part_of_what_is_asked_for() -> None:
    assert replace(ASKED, name="november").run_name("live") == "november"
    assert replace(ASKED, name="november").wish == ASKED.wish


def test_a_wish_shows_no_value_that_is_set() -> None:
    assert "again" not in ASKED.wish
    assert "obol" not in ASKED.wish
