"""One process reads the offsets of all tasks of a real worker; what becomes of it costs nobody anything."""

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from tests.reliability.flows import STRING
from tests.running import Worker, alive, consume, create_topic, produce, send, settings, until, worker


@pytest.fixture
def running(tmp_path: Path, kafka: str, unique: str) -> Iterator[Worker]:
    with worker(tmp_path, settings(kafka, unique)) as one:
        yield one


def readers(running: Worker, topic: str) -> list[int]:
    """The pids of the readers of a topic, one after the other."""
    return [int(pid) for pid in re.findall(rf"the reader of {topic} runs as process (\d+)", running.said)]


def source(name: str, file: Path) -> dict[str, str]:
    made = {"name": name, "connector.class": "FileStreamSource", "topic": name, "file": str(file)}
    return made | {"value.converter": STRING}


def test_one_reader_serves_all_tasks_and_requests_and_one_that_is_killed_is_replaced(
    tmp_path: Path, kafka: str, running: Worker, unique: str
) -> None:
    names = [f"{unique}-{number}" for number in range(3)]
    for name in names:
        create_topic(kafka, name)
        (tmp_path / name).write_text("a\n")
        running.create(source(name, tmp_path / name))
    for name in names:
        until(lambda: len(consume(kafka, name)) == 1)  # noqa: B023
        assert running.call("GET", f"/connectors/{name}/offsets")["offsets"][0]["offset"] == {"position": 2}
    (pid,) = readers(running, f"{unique}-offsets")
    send(pid, signal.SIGKILL)
    until(lambda: len(readers(running, f"{unique}-offsets")) == 2)
    for name in names:
        with (tmp_path / name).open("a") as file:
            file.write("b\n")
        running.call("POST", f"/connectors/{name}/tasks/0/restart", expect=204)
    for name in names:
        until(lambda: len(consume(kafka, name)) >= 2)  # noqa: B023
        assert [each.value() for each in consume(kafka, name)] == [b"a", b"b"]
    last = readers(running, f"{unique}-offsets")
    assert len(last) == 2
    running.stop()
    until(lambda: not alive(last[-1]))


def test_a_long_answer_comes_whole_and_anothers_open_transaction_is_in_nobodys_way(
    tmp_path: Path, kafka: str, running: Worker, unique: str
) -> None:
    """Of a connector with so many partitions that its answer has several parts; and one whose own are hidden waits."""
    offsets, hidden = f"{unique}-offsets", f"{unique}-hidden"
    create_topic(kafka, offsets, 1, cleanup_policy="compact")
    count = 8000
    keys = [f'["{unique}",{{"filename":"{number:080d}"}}]'.encode() for number in range(count)]
    produce(kafka, offsets, [b'{"position":1}'] * count, keys)
    other = Producer({"bootstrap.servers": kafka, "transactional.id": f"{unique}-other"})
    other.init_transactions(60)
    other.begin_transaction()
    other.produce(offsets, b'{"position":9}', b'["somebody",{"filename":"x"}]')
    assert other.flush(60) == 0
    file = tmp_path / "in"
    file.write_text("a\nb\n")
    produce(kafka, offsets, [b'{"position":2}'], [json.dumps([hidden, {"filename": str(file)}]).encode()])
    for name in (unique, hidden):
        create_topic(kafka, name)
        running.create(source(name, file))
    until(lambda: len(consume(kafka, unique)) == 2)
    # What it has committed by now lies behind the open transaction too; GET does not get it before that has ended.
    until(lambda: f"another producer's transaction is open at {offsets}-0@{count}" in running.said)
    assert not consume(kafka, hidden)
    other.abort_transaction(60)
    found = running.call("GET", f"/connectors/{unique}/offsets", expect=200)["offsets"]
    assert len(found) == count + 1
    until(lambda: consume(kafka, hidden))
    assert [each.value() for each in consume(kafka, hidden)] == [b"b"]
