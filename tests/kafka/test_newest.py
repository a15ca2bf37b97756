"""Looks into topics leave no trace."""

import time
from contextlib import closing

from confluent_kafka.admin import AdminClient

from ferryman.kafka.newest import Extent, Newest


def test_whoever_looks_into_a_topic_that_is_not_there_makes_none(kafka: str, admin: AdminClient, unique: str) -> None:
    client = {"bootstrap.servers": kafka, "group.id": unique, "allow.auto.create.topics": True}
    with closing(Newest(client, unique, "the topic")) as newest:
        assert list(newest.messages(10, time.monotonic() + 30, Extent())) == []
        assert newest.one(0, 0) is None
    assert unique not in admin.list_topics(timeout=30).topics
