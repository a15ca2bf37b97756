"""How much a sink's consumer waits for: the sink's wish, as far as the consumer's settings leave it one."""

import pytest
from confluent_kafka import Consumer

from ferryman.kafka.clients import Clients
from ferryman.kafka.fetching import fetch_summary

OVERRIDE = "consumer.override."


def consumer(wish: int, raw: dict[str, str], worker: dict[str, str]) -> dict[str, object]:
    return Clients("c", 0, worker, raw, "w", fetch_min_bytes=wish).sink_consumer()


def test_a_sink_without_a_wish_gets_whatever_there_is() -> None:
    assert "fetch.min.bytes" not in consumer(1, {}, {})
    assert fetch_summary({}) is None


def test_a_sinks_wish_reaches_its_consumer() -> None:
    found = consumer(1_000_000, {}, {})
    assert found["fetch.min.bytes"] == 1_000_000
    assert fetch_summary(found) == "fetch 1,000,000 bytes at once, or what is there after 500 ms"  # type: ignore[arg-type]


@pytest.mark.parametrize("least", ["1", "5"])
def test_the_settings_of_connector_and_worker_go_over_it(least: str) -> None:
    assert consumer(1_000_000, {OVERRIDE + "fetch.min.bytes": least}, {})["fetch.min.bytes"] == int(least)
    assert consumer(1_000_000, {}, {"consumer.fetch.min.bytes": least})["fetch.min.bytes"] == int(least)


def test_how_long_is_waited_can_be_set_beside_it() -> None:
    found = consumer(1_000_000, {OVERRIDE + "fetch.max.wait.ms": "2000"}, {})
    assert (found["fetch.min.bytes"], found["fetch.wait.max.ms"]) == (1_000_000, 2000)


@pytest.mark.parametrize("key", ["max.partition.fetch.bytes", "fetch.max.bytes"])
def test_no_more_is_waited_for_than_an_answer_may_have(key: str) -> None:
    found = consumer(1_000_000, {OVERRIDE + key: "4096"}, {})
    assert found["fetch.min.bytes"] == 4096


@pytest.mark.parametrize("raw", [{}, {OVERRIDE + "fetch.max.bytes": "1000"}, {OVERRIDE + "fetch.max.wait.ms": "0"}])
def test_librdkafka_accepts_the_settings_that_fetching_adds(raw: dict[str, str]) -> None:
    found = consumer(1_000_000, raw | {OVERRIDE + "bootstrap.servers": "127.0.0.1:1"}, {})
    Consumer({key: value for key, value in found.items() if key != "logger"} | {"log_level": 0}).close()
