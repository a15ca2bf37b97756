"""An admin client that comes and goes, on a real broker."""

import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from ferryman.kafka import admin as admins
from ferryman.kafka.admin import Admin
from ferryman.retry.leader import LEADER_MOVING
from tests.places import ROOT
from tests.running import create_topic, until

ITS_THREADS = """
import sys
from pathlib import Path

from ferryman.kafka.admin import Admin
from tests.running import until


def threads():
    return sum(each.read_text().startswith("rdk:") for each in Path("/proc/self/task").glob("*/comm"))


admin = Admin({"bootstrap.servers": sys.argv[1]})
admin.close()
assert threads() == 0, "before it was asked"
cluster = admin.describe_cluster(request_timeout=60).result().cluster_id
assert threads() > 0, "asked"
admin.close()
until(lambda: threads() == 0, what="its threads to end")
assert admin.describe_cluster(request_timeout=60).result().cluster_id == cluster
admin.close()
"""


def test_it_takes_nothing_until_it_is_asked_and_after_it_is_closed(kafka: str) -> None:
    """In a process of its own: clients of other tests begin and end their threads when they like."""
    ran = subprocess.run([sys.executable, "-c", ITS_THREADS, kafka], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def test_whoever_asks_for_the_end_of_a_topic_that_a_broker_has_not_heard_of_yet_is_told_when_it_has(
    kafka: str, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admins, "AGREE_SECONDS", 600.0)
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    wanted, admin = {TopicPartition(unique, 0): latest}, Admin({"bootstrap.servers": kafka})
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(admin.offsets, wanted, IsolationLevel.READ_COMMITTED, 600)
        until(lambda: asked.running() and admin.living, what="the question")
        create_topic(kafka, unique)
        assert asked.result() == {TopicPartition(unique, 0): 0}


@pytest.mark.parametrize("code", [KafkaError._NOENT, KafkaError.UNKNOWN_TOPIC_OR_PART, *sorted(LEADER_MOVING)])
def test_what_is_said_of_a_topic_before_all_have_heard_of_its_leader_is_no_answer(
    code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    partition = TopicPartition("new", 0)
    answers: list[admins.Told] = [({}, KafkaException(KafkaError(code))), ({partition: 7}, None)]
    monkeypatch.setattr(admins, "_told", lambda *_: answers.pop(0))
    monkeypatch.setattr(admins, "AGREE_SECONDS", 600.0)
    admin = Admin({"bootstrap.servers": "127.0.0.1:1", "log_level": 0})
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    assert admin.offsets({partition: latest}, IsolationLevel.READ_COMMITTED, 600) == {partition: 7}


def test_whoever_asks_for_the_end_of_a_topic_that_there_is_not_is_told_so(
    kafka: str, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admins, "AGREE_SECONDS", 0.5)
    latest, admin = OffsetSpec.latest(), Admin({"bootstrap.servers": kafka})  # type: ignore[no-untyped-call]
    with pytest.raises(KafkaException, match="No leaders found"):
        admin.offsets({TopicPartition(unique, 0): latest}, IsolationLevel.READ_COMMITTED, 60)


def test_of_topics_that_were_known_those_that_are_there_still_are_told_at_once(
    kafka: str, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_topic(kafka, unique)
    asked = list[int]()
    ask = admins._told

    def counted(client: AdminClient, wanted: Mapping[TopicPartition, OffsetSpec], *others: Any) -> admins.Told:
        asked.append(len(wanted))
        return ask(client, wanted, *others)

    monkeypatch.setattr(admins, "_told", counted)
    latest, admin = OffsetSpec.latest(), Admin({"bootstrap.servers": kafka})  # type: ignore[no-untyped-call]
    wanted = {TopicPartition(topic, 0): latest for topic in (unique, f"{unique}-gone")}
    assert admin.some_offsets(wanted, IsolationLevel.READ_COMMITTED, 60) == {TopicPartition(unique, 0): 0}
    assert asked == [2]


@pytest.mark.parametrize("folder", ["ferryman", "connectors", "transforms"])
def test_nobody_else_asks_librdkafka_where_partitions_end_whose_leader_may_have_changed(folder: str) -> None:
    asking = {each for each in (ROOT / folder).rglob("*.py") if ".list_offsets(" in each.read_text()}
    assert asking <= {ROOT / "ferryman" / "kafka" / "admin.py"}
