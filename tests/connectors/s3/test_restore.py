"""What a restore reads of a bucket, however many objects there are, and whatever happens while it is listed."""

from typing import Any

import pytest

from ferryman.connectors.s3 import archive
from ferryman.connectors.s3.source import S3SourceConnector
from tests.connectors.s3.pretend_bucket import AIVENS, JSON, USUAL, PretendBucket, source_of
from tests.running import until

FOLDER = "topics/orders/partition=0"
END = {"restore.until": "end"}


def line(number: int) -> bytes:
    return b'{"id": %d}\n' % number


def ids(source: S3SourceConnector) -> list[Any]:
    """The records up to the end of what is there, each poll committed."""
    found = list[Any]()
    while not source.at_end():
        batches = source.poll_batches()
        found += [record.value["id"] for batch in batches for record in batch.records()]
        list(source.progress(batches))
    return found


def test_any_number_of_objects_without_their_keys_is_passed_over() -> None:
    objects = {f"{FOLDER}/orders+0+{number:010d}.json": line(number) for number in range(1500)}
    whole = {f"{FOLDER}/orders+0+0000001500.json": line(1500), f"{FOLDER}/orders+0+0000001500.keys.json": b'"k"\n'}
    keys = {"store.kafka.keys": "true", "keys.format.class": "JsonFormat", "behavior.on.error": "log"}
    assert ids(source_of(PretendBucket(objects | whole), {**USUAL, **JSON, **keys, **END})) == [1500]


def heads(prefix: str) -> dict[str, bytes]:
    """More of them than objects, and what else a sink keeps for itself."""
    made = {f"{prefix}-heads/cluster/archive/orders/{number}.json": b'{"id": -1}' for number in range(9)}
    return {**made, f"{prefix}/archive/orders/0.json": b'{"id": -1}'}


ANY_NAME = {"file.name.template": ".*", "topic": "orders", "input.format": "jsonl", "format.output.fields": "value"}
GENERIC = {**JSON, "mode": "GENERIC", "topic.regex.list": "orders:orders/.*"}


@pytest.mark.parametrize("prefix", ["_ferryman", "of/the sink"])
@pytest.mark.parametrize(
    "raw", [{**USUAL, **GENERIC}, {**AIVENS, **ANY_NAME, "format.output.envelope": "false"}], ids=["generic", "aiven"]
)
def test_what_the_sink_keeps_for_itself_is_restored_by_nobody(raw: dict[str, str], prefix: str) -> None:
    bucket = PretendBucket({"in/orders/any.json": line(1), **heads(prefix)})
    assert ids(source_of(bucket, {**raw, **END, "s3.manifest.prefix": prefix})) == [1]


def test_the_formats_of_a_bucket_are_those_of_its_objects_and_not_of_the_sinks_heads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    objects = {f"topics/orders/partition=0/orders+0+{number:010d}.bin": b"x\n" for number in range(3)}
    bucket = PretendBucket({**objects, **heads("_ferryman")})
    monkeypatch.setattr(archive, "bucket_to_read", lambda config: bucket)
    config = archive.at_url("s3://archive", {"aws.access.key.id": "a", "aws.secret.access.key": "b"})
    assert config.format_name == "ByteArrayFormat"
    look = archive.look(config)
    assert (look.topics, look.passed_over.count) == (["orders"], 0)


def test_folders_below_one_another_show_each_object_once(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = PretendBucket({f"{FOLDER}/orders+0+0000000000.json": line(0)})
    monkeypatch.setattr(archive, "bucket_to_read", lambda config: bucket)
    config = archive.source_config({**USUAL, **JSON, "folders": f"topics/orders,{FOLDER}"})
    assert [each.name for each in archive.look(config).examined("orders")] == [f"{FOLDER}/orders+0+0000000000.json"]


@pytest.mark.parametrize("listing", [0, 1])
def test_an_object_that_appears_while_pages_of_names_without_fixed_width_are_listed_is_read_in_its_turn(
    listing: int,
) -> None:
    bucket = PretendBucket({f"orders-0-{number}": line(number) for number in range(199)}, page=113)

    def goes_on(page: int) -> None:
        # Each listing has two pages, the first of which ended behind the place of 199, and before that of 200.
        if page == 2 * listing + 1:
            bucket.objects |= {f"orders-0-{number}": line(number) for number in (199, 200)}

    bucket.before_page = goes_on
    raw = {**AIVENS, "file.name.template": "{{topic}}-{{partition}}-{{start_offset}}", "input.format": "jsonl"}
    source = source_of(bucket, {**raw, "s3.poll.interval.ms": "1"})
    found = list[int]()

    def has_all() -> bool:
        found.extend(record.value["id"] for batch in source.poll_batches() for record in batch.records())
        return len(found) >= 201

    until(has_all, 120, pause=0)
    has_all()
    assert found == list(range(201))


def test_names_of_a_fixed_width_are_listed_once_a_look() -> None:
    bucket = PretendBucket({f"{FOLDER}/orders+0+{number:010d}.json": line(number) for number in range(30)})
    assert ids(source_of(bucket, {**USUAL, **JSON, **END})) == list(range(30))
    assert bucket.pages == 1


def test_a_listing_that_a_stop_cuts_short_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    # 10 stands before 2: half a listing would show it alone.
    bucket = PretendBucket({f"{FOLDER}/orders+0+{number}.json": line(number) for number in range(2, 1500)})
    source = source_of(bucket, {**USUAL, **JSON})
    stops = iter([False, True])
    monkeypatch.setattr(source._listing, "stopping", lambda seconds: next(stops, True))
    assert source.poll_batches() == []
