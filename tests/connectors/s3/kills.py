"""Records, layouts and kills for the tests of the S3 sink's guarantee, and what must hold after them."""

import time
from typing import Any

import pytest
from hypothesis import strategies as st

from ferryman.record import TopicPartition
from tests.connectors.s3.s3_task import BY_GROUP, P0, P1, Log, World
from tests.connectors.sink_world import Killed

POINTS = {
    "by head": (
        "s3.before_upload",
        "s3.after_upload",
        "s3.before_head",
        "s3.after_head",
        "s3.before_complete",
        "s3.after_complete",
        "s3.after_head_done",
    ),
    "by group": (
        "s3.before_upload",
        "s3.after_upload",
        "s3.after_manifest",
        "s3.before_complete",
        "s3.after_complete",
        "s3.after_manifest_delete",
    ),
}
"""By what is the truth."""
TRUTHS: dict[str, dict[str, str]] = {"by head": {}, "by group": BY_GROUP}
SOME = ("default", "field")
"""The layouts that are tried where the group's offsets are the truth, which is the same for all."""
EVERY_POINT = [(truth, point) for truth, points in POINTS.items() for point in points]
BY_KIND = {
    "partitioner.class": "io.confluent.connect.storage.partitioner.FieldPartitioner",
    "partition.field.name": "kind",
}
BY_HOUR = {
    "partitioner.class": "io.confluent.connect.storage.partitioner.HourlyPartitioner",
    "timezone": "Europe/Zurich",
    "locale": "en",
    "timestamp.extractor": "Record",
}
LAYOUTS: dict[str, dict[str, str]] = {
    "default": {},
    "field": BY_KIND,
    "hourly by record time": {**BY_HOUR, "rotate.interval.ms": "600000", "flush.size": "1000"},
    "minutes by wall clock": {
        "partitioner.class": "TimeBasedPartitioner",
        "timezone": "UTC",
        "partition.duration.ms": "1",
        "path.format": "yyyy/MM/dd/HH/mm/ss.SSS",
        "rotate.schedule.interval.ms": "50",
        "flush.size": "4",
    },
    "field and time": {
        "partitioner.class": "FieldAndTimeBasedPartitioner",
        "partition.field.name": "kind",
        "timestamp.extractor": "RecordField",
        "timestamp.field": "at",
        "timezone": "UTC",
        "partition.duration.ms": "3600000",
        "path.format": "'h'=HH",
        "rotate.file.on.partition.change": "false",
        "rotate.interval.ms": "7200000",
    },
    "early": {"flush.bytes": "60", "flush.size": "1000", "rotate.idle.interval.ms": "1"},
}


def events(truth: str) -> st.SearchStrategy[list[tuple[Any, Any, Any]]]:
    """What may happen to a task."""
    return st.lists(
        st.one_of(
            st.tuples(st.just("put"), st.sampled_from([P0, P1]), st.integers(1, 5)),
            st.tuples(st.just("commit"), st.booleans(), st.booleans()),
            st.tuples(st.just("produce"), st.sampled_from([P0, P1]), st.integers(1, 6)),
            st.tuples(st.just("kill"), st.none(), st.none()),
            st.tuples(st.just("die at"), st.sampled_from(POINTS[truth]), st.integers(1, 3)),
            st.tuples(st.just("restart"), st.none(), st.none()),
            st.tuples(st.just("abort uploads"), st.none(), st.none()),
        ),
        min_size=4,
        max_size=25,
    )


def order(source: TopicPartition, number: int) -> Log:
    at = 1_700_000_000_000 + number * 400_000
    kind = "abc"[number * 7 % 3]
    return Log({"source": str(source), "id": number, "kind": kind, "at": at}, timestamp=at)


def append_orders(world: World, source: TopicPartition, count: int) -> None:
    start = len(world.logs[source])
    world.produce(source, *(order(source, number) for number in range(start, start + count)))


def found(world: World) -> list[tuple[str, int]]:
    return sorted((each["source"], each["id"]) for records in world.contents().values() for each in records)


def committed(world: World) -> list[tuple[str, int]]:
    return sorted((str(source), number) for source, end in world.archived().items() for number in range(end))


def crash_after_commit(world: World, layout: str = "default") -> None:
    """The commit is made, and then the process dies before an object appears."""
    world.more = {**world.more, **LAYOUTS[layout]}
    append_orders(world, P0, 6)
    world.begin()
    world.put(P0)
    world.die_at = ("s3.before_complete", 1)
    with pytest.raises(Killed):
        world.commit()
    world.kill()
    world.die_at = None
    assert world.archived()[P0] >= 4


def play(world: World, what: str, one: Any, two: Any) -> None:
    match what:
        case "produce":
            append_orders(world, one, two)
        case "put":
            world.put(one, two)
        case "commit":
            time.sleep(0.002)
            world.commit(answered=one, accepted=two)
        case "die at":
            world.die_at = (one, two)
        case "restart":
            world.end()
            world.begin()
        case "abort uploads":
            world.abort_uploads()
        case _:
            raise Killed
