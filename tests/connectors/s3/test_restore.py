"""What a restore reads of a bucket, however many objects there are, and whatever happens while it is listed."""

from typing import Any

from ferryman.connectors.s3.source import S3SourceConnector
from tests.connectors.s3.pretend_bucket import JSON, USUAL, PretendBucket, source_of

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
