"""The records of a partition come in their order, from however many folders, also while its archive grows."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from ferryman.connectors.s3.restore.lane_reader import SETTLING_SECONDS
from ferryman.connectors.s3.source import WAIT_SECONDS, S3SourceConnector
from tests.connectors.s3.pretend_bucket import JSON, USUAL, PretendBucket, source_of

VALUES, TOMBSTONES = "topics/orders/partition=0", "topics/orders/tombstone"
ENVELOPED = {**USUAL, **JSON, "store.envelope": "true"}
QUICKLY = {"s3.poll.interval.ms": "200"}


def enveloped(offset: int, value: Any) -> bytes:
    place = {"topic": "orders", "partition": 0, "offset": offset, "timestamp": 1_700_000_000_000}
    return json.dumps({"key": "k", "value": value, "headers": [], **place}).encode() + b"\n"


def an_object(folder: str, offsets: Iterable[int]) -> dict[str, bytes]:
    """An object of these records: values are their offsets."""
    found = list(offsets)
    lines = [enveloped(offset, None if folder == TOMBSTONES else offset) for offset in found]
    return {f"{folder}/orders+0+{found[0]:010d}.json": b"".join(lines)}


class Reader:
    """A task that reads, and whose waiting takes no time."""

    def __init__(self, bucket: PretendBucket, raw: Mapping[str, str], offsets: Mapping[str, Any] | None = None) -> None:
        self.source: S3SourceConnector = source_of(bucket, raw)
        self.offsets = dict(offsets or {})
        self.source._beginning = self.source._beginning.__class__(
            self.source.config, self.source._listing.names, lambda partition: self.offsets.get(str(partition["folder"]))
        )
        self.now = 1000.0
        self.source._now = lambda: self.now

    def read(self, seconds: float) -> list[int | None]:
        """The values that come within so many seconds, None for tombstones."""
        found, until = list[int | None](), self.now + seconds
        while self.now < until:
            batches = self.source.poll_batches()
            found += [record.value for batch in batches for record in batch.records()]
            self.offsets |= {str(part["folder"]): offset for part, offset in self.source.progress(batches)}
            self.now += 0.0 if batches else WAIT_SECONDS
        return found


@pytest.mark.parametrize(("listed_first", "late"), [(VALUES, TOMBSTONES), (TOMBSTONES, VALUES)])
def test_what_a_sink_makes_visible_a_moment_later_is_restored_in_its_place(listed_first: str, late: str) -> None:
    records = {VALUES: [0, 1, 2, 3, 5, 6], TOMBSTONES: [4]}
    bucket = PretendBucket(an_object(listed_first, records[listed_first]))
    reader = Reader(bucket, {**ENVELOPED, **QUICKLY})
    found = reader.read(SETTLING_SECONDS / 2)
    bucket.objects |= an_object(late, records[late])
    found += reader.read(SETTLING_SECONDS * 3)
    assert found == [0, 1, 2, 3, None, 5, 6]


def test_an_object_beside_one_that_is_there_for_long_is_in_its_place_too() -> None:
    bucket = PretendBucket(an_object(VALUES, range(4)))
    reader = Reader(bucket, {**ENVELOPED, **QUICKLY})
    assert reader.read(SETTLING_SECONDS * 3) == [0, 1, 2, 3]
    bucket.objects |= an_object(VALUES, [4, 6])
    assert reader.read(SETTLING_SECONDS / 2) == [4]
    bucket.objects |= an_object(TOMBSTONES, [5])
    assert reader.read(SETTLING_SECONDS * 3) == [None, 6]


def test_a_gap_that_stays_holds_nothing_back_for_long() -> None:
    bucket = PretendBucket(an_object(VALUES, [7, 8, 12]) | an_object(VALUES, [20, 21]))
    assert Reader(bucket, ENVELOPED).read(2 * SETTLING_SECONDS) == [7, 8, 12, 20, 21]
    assert bucket.pages == 2


def test_nothing_waits_where_no_offset_is_missing() -> None:
    bucket = PretendBucket(an_object(VALUES, [0, 1, 3]) | an_object(TOMBSTONES, [2]))
    assert Reader(bucket, ENVELOPED).read(WAIT_SECONDS) == [0, 1, None, 3]
    assert bucket.pages == 1


def test_a_bounded_restore_takes_what_is_there() -> None:
    bucket = PretendBucket(an_object(VALUES, [7, 8, 12]))
    assert Reader(bucket, {**ENVELOPED, "restore.until": "end"}).read(WAIT_SECONDS) == [7, 8, 12]


def test_after_a_restart_it_goes_on_at_once_where_no_offset_is_missing_and_else_waits() -> None:
    bucket = PretendBucket(an_object(VALUES, range(4)))
    before = Reader(bucket, ENVELOPED)
    assert before.read(1) == [0, 1, 2, 3]
    bucket.objects |= an_object(VALUES, [4, 6])
    after = Reader(bucket, {**ENVELOPED, **QUICKLY}, before.offsets)
    assert after.read(WAIT_SECONDS) == [4]
    bucket.objects |= an_object(TOMBSTONES, [5])
    assert after.read(SETTLING_SECONDS * 3) == [None, 6]
