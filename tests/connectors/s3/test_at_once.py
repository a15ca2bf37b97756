"""What several do with one archive at once: it grows while it is verified and restored, by two at a time."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ferryman.archives.comparison import Report
from ferryman.archives.kafka import settings_of
from ferryman.commands import verify
from ferryman.connectors.s3.archive import at_url
from tests.connectors.s3.s3_task import World
from tests.connectors.s3.test_source_worker import archive_config, archived, by_partition, fill, restore_config
from tests.running import consume, create_topic, settings, until, worker

COUNT = 600


@pytest.fixture
def bucket(s3_server: str, unique: str) -> World:
    """A bucket of the test's own."""
    return World(s3_server, unique)


def report(bucket: World, kafka: str, topic: str) -> Report:
    keys = {"store.url": bucket.url, "aws.access.key.id": "test", "aws.secret.access.key": "test"}
    config = at_url(f"s3://{bucket.bucket}/topics", keys)
    return verify._report(config, topic, settings_of(None, kafka))


def at_once(calls: Sequence[Callable[[], Report]]) -> list[Report]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return [each.result() for each in [pool.submit(call) for call in calls]]


def test_while_the_archive_grows_two_verify_it_and_two_restore_it_and_each_record_comes_once(
    kafka: str, unique: str, bucket: World, tmp_path: Path
) -> None:
    restored, other = f"{unique}-restored", f"{unique}-other"
    for topic in (unique, restored, other):
        create_topic(kafka, topic, 2)
    fill(kafka, unique, COUNT // 2)
    chosen = settings(kafka, unique)
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    with worker(folders[0], chosen) as one, worker(folders[1], chosen) as two:
        one.create(archive_config(bucket, unique, **{"flush.size": "50"}))
        until(lambda: archived(bucket) > 100, what="the archive to begin")
        more = threading.Thread(target=lambda: fill(kafka, unique, COUNT - COUNT // 2))
        more.start()
        # The same restore on two workers, and another one of the same archive into a topic of its own.
        for each in (one, two):
            each.create(restore_config(bucket, unique, **{"record.batch.max.size": "40"}))
        elsewhere = {"name": f"{unique}-elsewhere", "transforms.rename.replacement": "$1-other"}
        two.create(restore_config(bucket, unique, **elsewhere))
        found = at_once([lambda: report(bucket, kafka, unique)] * 2)
        more.join()
        until(lambda: archived(bucket) == COUNT, what="the archive")
        for topic in (restored, other):
            until(lambda name=topic: len(consume(kafka, name)) >= COUNT, 120, f"the restore into {topic}", 0.5)  # type: ignore[misc]
        found += at_once([lambda: report(bucket, kafka, unique)] * 2)
        original = by_partition(consume(kafka, unique))
        for topic in (restored, other):
            assert by_partition(consume(kafka, topic)) == original
    assert [each.findings for each in found] == [[]] * 4
    assert [each.archived for each in found[2:]] == [COUNT] * 2
