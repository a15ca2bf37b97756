"""A log is read from its beginning to its end, then on as it grows; what is written is acknowledged."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import Consumer, Message
from confluent_kafka.admin import AdminClient

from ferryman.errors import RetriableError
from ferryman.internal_topics import kafka_log, of_worker, pulse
from ferryman.internal_topics.kafka_log import LogRecord
from ferryman.java.numbers import wrapped
from tests.internal_topics.logs import SOON, Received, arrives, config_logs, distributed, make
from tests.running import until


def test_what_is_written_is_received_by_all_in_order_and_later_readers_get_it_from_the_beginning(
    kafka: str, unique: str
) -> None:
    worker = distributed(kafka, unique)
    with config_logs(2, worker) as [(first, one), (second, other)]:
        first.send([(b"a", b"1"), (b"b", b"2"), (b"a", None)], SOON)
        second.send([(b"c", b"3")], SOON)
        arrives(one, b"1", b"2", None, b"3")
        arrives(other, b"1", b"2", None, b"3")
        assert [(each.partition, each.offset, each.key) for each in one.records[:2]] == [(0, 0, b"a"), (0, 1, b"b")]
        late = Received()
        third = of_worker.config_log(worker, late)
        third.start()
        try:
            assert late.values == [b"1", b"2", None, b"3"]
        finally:
            third.close()


def test_reading_to_the_end_returns_when_all_was_handed_over(kafka: str, unique: str) -> None:
    with config_logs(1, distributed(kafka, unique)) as [(log, received)]:
        log.read_to_end(SOON)
        for number in range(5):
            log.send([(b"k", b"%d" % number)], SOON)
            log.read_to_end(SOON)
            assert received.values[-1] == b"%d" % number


class Sticking(Consumer):
    """A client that may be dead: it fetches nothing, says nothing, and cannot be closed."""

    stuck = False

    def close(self) -> None:
        while self.stuck:
            time.sleep(0.01)
        super().close()

    def poll(self, timeout: float = -1) -> Message | None:
        if self.stuck:
            time.sleep(timeout)
            return None
        return super().poll(timeout)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Sticking]]:
    """The clients that logs make, in their order."""
    clients = list[Sticking]()

    def consumer(config: dict[str, Any]) -> Sticking:
        clients.append(Sticking(config))
        return clients[-1]

    monkeypatch.setattr(kafka_log, "Consumer", consumer)
    yield clients
    for each in clients:
        each.stuck = False


def test_a_reader_whose_client_is_silent_for_long_goes_on_by_itself(
    kafka: str, unique: str, made: list[Sticking], monkeypatch: pytest.MonkeyPatch
) -> None:
    with config_logs(1, distributed(kafka, unique)) as [(log, received)]:
        log.send([(b"key", b"1")], SOON)
        arrives(received, b"1")
        made[0].stuck = True
        monkeypatch.setattr(pulse, "SILENT_SECONDS", 0.5)
        until(lambda: len(made) > 1, what="another client")
        monkeypatch.undo()
        log.send([(b"key", b"2")], SOON)
        arrives(received, b"1", b"2")


def test_a_log_whose_client_is_dead_can_be_closed(
    kafka: str, unique: str, made: list[Sticking], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_log, "CLOSE_SECONDS", 0.1)
    with config_logs(1, distributed(kafka, unique)):
        made[0].stuck = True


def test_a_reader_whose_client_fetches_no_more_begins_anew_where_it_was(
    kafka: str, unique: str, made: list[Sticking], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_log, "STANDING_SECONDS", 0.5)
    with config_logs(1, distributed(kafka, unique)) as [(log, received)]:
        log.send([(b"key", b"1")], SOON)
        log.read_to_end(SOON)
        made[0].stuck = True
        log.send([(b"key", b"2")], SOON)
        log.read_to_end(2 * SOON)
        log.send([(b"key", b"3")], SOON)
        log.read_to_end(SOON)
        assert received.values == [b"1", b"2", b"3"]


def test_records_of_a_key_lie_in_the_partition_that_javas_partitioner_chooses(kafka: str, unique: str) -> None:
    # Utils.murmur2 of Kafka's own tests: kafka-clients' UtilsTest.
    hashes = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536}
    with config_logs(1, distributed(kafka, unique), partitions=5) as [(log, received)]:
        log.send([(key, b"") for key in hashes], SOON)
        log.read_to_end(SOON)
        expected = {key: (wrapped(number, 32) & 0x7FFFFFFF) % 5 for key, number in hashes.items()}
        assert {each.key: each.partition for each in received.records} == expected


def test_a_reader_that_fails_at_a_record_gets_the_next_ones(
    kafka: str, unique: str, caplog: pytest.LogCaptureFixture
) -> None:
    worker, seen = distributed(kafka, unique), []

    def received(records: list[LogRecord]) -> None:
        seen.extend(records)
        if len(seen) == 1:
            raise KeyError("odd")

    make(kafka, worker.distributed.config_storage_topic)
    log = of_worker.config_log(worker, received)  # type: ignore[arg-type]
    log.start()
    try:
        log.send([(b"k", b"1")], SOON)
        log.read_to_end(SOON)
        log.send([(b"k", b"2")], SOON)
        log.read_to_end(SOON)
        assert [each.value for each in seen] == [b"1", b"2"]
        assert "could not be taken in" in caplog.text
    finally:
        log.close()


def test_a_topic_that_is_not_there_is_waited_for_and_named(kafka: str, unique: str) -> None:
    worker = distributed(kafka, unique)
    log = of_worker.config_log(worker, Received())
    with pytest.raises(RetriableError, match=f"Could not look up partition metadata for topic {unique}-configs"):
        log.start(within=0)
    assert f"{unique}-configs" not in AdminClient({"bootstrap.servers": kafka}).list_topics().topics
    starting = threading.Thread(target=log.start)
    starting.start()
    make(kafka, worker.distributed.config_storage_topic)
    starting.join()
    log.read_to_end(SOON)
    log.close()


def test_a_topic_that_is_deleted_is_shown_and_logged(
    kafka: str, admin: AdminClient, unique: str, caplog: pytest.LogCaptureFixture
) -> None:
    with config_logs(1, distributed(kafka, unique, metadata_max_age_ms="500")) as [(log, _)]:
        assert log.failure is None
        admin.delete_topics([log.topic])[log.topic].result()
        until(lambda: log.failure, what="that the topic is gone")
        assert f"the topic {log.topic} no longer exists" in (log.failure or "")
        assert f"the topic {log.topic} no longer exists" in caplog.text
        with pytest.raises(RetriableError):
            log.read_to_end(SOON)


def test_whoever_waits_when_it_is_closed_is_told(kafka: str, unique: str) -> None:
    with config_logs(1, distributed(kafka, unique)) as [(log, _)]:
        log.close()
        with pytest.raises(RetriableError, match="is no longer being read"):
            log.read_to_end(SOON)


def test_a_record_that_the_broker_refuses_is_an_error_with_the_limit(kafka: str, unique: str) -> None:
    with config_logs(1, distributed(kafka, unique)) as [(log, received)]:
        with pytest.raises(RetriableError, match=r"max\.message\.bytes"):
            log.send([(b"k", b"x" * 2_000_000)], SOON)
        log.send([(b"k", b"small")], SOON)
        arrives(received, b"small")
