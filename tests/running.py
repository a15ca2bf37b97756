"""Drives a real worker as a user does: property file, command line, REST; and reads what it did from Kafka."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from ferryman.stack.runtime.ports import free_port
from tests.prefork import Process, start

FERRYMAN = str(Path(sys.executable).with_name("ferryman"))
WEB = httpx.Client(timeout=120, limits=httpx.Limits(max_connections=None, max_keepalive_connections=0))
"""Asks over a connection of its own each time. Made once, since making it reads all certificate authorities."""
Outcome = Any
Kafka = str | Mapping[str, Any]
"""How a client of the tests' own gets in: bootstrap.servers, or all that its config needs, by librdkafka's names."""


def until(probe: Callable[[], Outcome], seconds: float = 60.0, what: str = "", pause: float = 0.05) -> Outcome:
    """The first true answer of a probe; AssertionError with its last answer after so many seconds.

    It waits two minutes at least, so that a slow or busy machine fails no test. ``pause`` is between two probes, longer
    for costly ones.
    """
    deadline = time.monotonic() + max(seconds, 120.0)
    while True:
        answer = probe()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"not within {seconds} s: {what or probe}, last answer {answer!r}"
        time.sleep(pause)


def stay(seconds: float, still: float = 0.25) -> Iterator[None]:
    """Goes by for so long, with something to look at in between."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(still)


@dataclass
class Worker:
    """A worker in its own process, that can be killed and started again with the same address."""

    directory: Path
    settings: Mapping[str, str]
    port: int = field(default_factory=free_port)
    environment: dict[str, str] = field(default_factory=dict)
    folder: Path | None = None
    """Its current folder, in which an interpreter of its own begins; None for that of the tests."""
    command: tuple[str, ...] = (FERRYMAN,)
    mode: str = "standalone"
    """Or distributed."""
    options: tuple[str, ...] = ()
    """Options of the command line."""
    process: Process | None = None
    before: int = 0
    """Bytes of the log that are of earlier tests."""

    @property
    def said(self) -> str:
        """What the worker and its tasks have logged."""
        with self.log.open("rb") as log:
            log.seek(self.before)
            return log.read().decode()

    @property
    def log(self) -> Path:
        return self.directory / f"worker-{self.port}.log"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def id(self) -> str:
        """What statuses call it."""
        return f"127.0.0.1:{self.port}"

    def start(self, *connector_files: Path) -> "Worker":
        file = self.directory / f"worker-{self.port}.properties"
        settings = {"listeners": self.url, **self.settings}
        file.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", **self.environment}
        with self.log.open("ab") as log:
            command = [*self.command, self.mode, *self.options, str(file), *map(str, connector_files)]
            if self.folder is None:
                self.process = start(command, log, environment)
            else:
                self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=self.folder)
        until(self._ready, 60, f"the worker's start, see {self.log.read_text()[-3000:]}")
        return self

    def _ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        try:
            return WEB.get(self.url + "/health").status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """SIGKILL: the power cut."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """SIGTERM, and the time it takes."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(120)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def call(self, method: str, path: str, body: Any = None, expect: int | None = None) -> Any:
        answer = WEB.request(method, self.url + path, json=body)
        assert expect is None or answer.status_code == expect, f"{answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def create(self, config: Mapping[str, Any]) -> None:
        self.call("POST", "/connectors", {"name": config["name"], "config": dict(config)}, expect=201)

    def delete(self, name: str) -> None:
        self.call("DELETE", f"/connectors/{name}", expect=204)

    def states(self, name: str) -> list[str]:
        """The connector's and its tasks'; none while nothing is known of it."""
        status = self.call("GET", f"/connectors/{name}/status")
        if "connector" not in status:
            return []
        return [status["connector"]["state"], *(task["state"] for task in status["tasks"])]

    def trace(self, name: str) -> str:
        """The first failed task's trace, once there is one."""

        def probe() -> str:
            status = self.call("GET", f"/connectors/{name}/status")
            return "".join(task.get("trace", "") for task in status["tasks"] if task["state"] == "FAILED")

        return str(until(probe, 60, f"{name} to fail"))

    def running(self, name: str) -> None:
        until(lambda: set(self.states(name)) == {"RUNNING"} and len(self.states(name)) > 1, 60, f"{name} to run")

    def keeps_running(self, name: str, seconds: float) -> None:
        """So much time goes by, in which the connector and its tasks run."""
        for _ in stay(seconds):
            states = self.states(name)
            assert states == ["RUNNING"] * max(2, len(states))

    def pids(self, name: str) -> list[int]:
        """The pids of a connector's task processes, one after the other as they were started."""
        return [int(pid) for pid in re.findall(rf"task {re.escape(name)}-\d+ runs as process (\d+)", self.said)]


@contextmanager
def worker(directory: Path, settings: Mapping[str, str], **environment: str) -> Iterator[Worker]:
    """A worker that is gone at the end, with all its processes."""
    made = Worker(directory, settings, environment=environment)
    try:
        yield made.start()
    finally:
        made.stop()


def distributed(kafka: str, name: str, **more: str) -> dict[str, str]:
    """The settings of workers in a group of their own: as ``settings``, and quick to notice who is gone."""
    topics = {f"{kind}.storage.topic": f"{name}-{kind}s" for kind in ("config", "offset", "status")}
    alone = {f"{kind}.storage.replication.factor": "1" for kind in ("config", "offset", "status")}
    group = {
        "status.storage.partitions": "1",
        "session.timeout.ms": "6000",
        "heartbeat.interval.ms": "1000",
        "scheduled.rebalance.max.delay.ms": "0",
    }
    own = {key.replace("_", "."): value for key, value in more.items()}
    return {**settings(kafka, name), **topics, **alone, **group, **own}


@contextmanager
def group(directory: Path, chosen: Mapping[str, str], count: int, **environment: str) -> Iterator[list[Worker]]:
    """Distributed workers of one group, all of them gone at the end."""
    workers = [Worker(directory, chosen, environment=environment, mode="distributed") for _ in range(count)]
    try:
        for each in workers:
            each.start()
        yield workers
    finally:
        for each in workers:
            each.stop()


@contextmanager
def borrowed(lasting: Worker, name: str) -> Iterator[Worker]:
    """A worker that runs for many tests, as one of them sees it: its log begins now.

    In the end it has none of the connectors any more whose names begin with the test's.
    """
    if lasting.process is None or lasting.process.poll() is not None:
        lasting.start()
    one = replace(lasting, before=lasting.log.stat().st_size)
    yield one
    for connector in one.call("GET", "/connectors"):
        if connector.startswith(name):
            one.delete(connector)


def settings(kafka: str, name: str, **more: str) -> dict[str, str]:
    """Worker settings for tests: offsets apart from other tests', quick commits, quick failure detection."""
    return {
        "bootstrap.servers": kafka,
        "group.id": name,
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
        "header.converter": "org.apache.kafka.connect.storage.StringConverter",
        "offset.storage.topic": f"{name}-offsets",
        "offset.storage.partitions": "1",
        "offset.flush.interval.ms": "500",
        "consumer.session.timeout.ms": "6000",
        "consumer.heartbeat.interval.ms": "500",
        **{key.replace("_", "."): value for key, value in more.items()},
    }


def fresh(name: str) -> str:
    """A name for what lasts for several tests. A process that takes over a part of a file's tests makes their fixtures
    too, and may do so again: a name that is fixed, or is the file's or the process's, would be two workers' at once."""
    return f"{name}-{uuid.uuid4().hex[:10]}"


def client(kafka: Kafka) -> dict[str, Any]:
    """The config of a client that gets in."""
    return {"bootstrap.servers": kafka} if isinstance(kafka, str) else dict(kafka)


def create_topic(kafka: Kafka, topic: str, partitions: int = 1, **config: str) -> None:
    """With as many replicas as there are brokers. Whatever their timestamps, its records stay: a broker looks every
    five minutes for those that are too old."""
    admin = AdminClient(client(kafka))
    given = {"retention.ms": "-1"} | {key.replace("_", "."): value for key, value in config.items()}
    wanted = NewTopic(topic, partitions, config=given)
    admin.create_topics([wanted])[topic].result()
    until(lambda: topic in admin.list_topics(timeout=60).topics, 30)


def produce(
    kafka: Kafka,
    topic: str,
    values: Sequence[bytes | None],
    keys: Sequence[bytes | None] | None = None,
    partition: int = -1,
    headers: Sequence[tuple[str, str | bytes | None]] = (),
    largest: int = 1_000_000,
) -> None:
    """Writes records and waits for them; AssertionError if the broker refuses one."""
    refused: list[object] = []

    def answered(error: object, message: object) -> None:
        if error is not None:
            refused.append(error)

    quick = {"linger.ms": 2, "partitioner": "murmur2_random", "acks": "all"}
    producer = Producer({**client(kafka), **quick, "message.max.bytes": largest})
    for index, value in enumerate(values):
        key = None if keys is None else keys[index]
        producer.produce(topic, value, key, partition, answered, headers=list(headers))
        if index % 10_000 == 0:
            producer.poll(0)
    assert (producer.flush(60), refused[:3]) == (0, [])


def feed(kafka: str, topic: str, numbers: Sequence[int], partition: int = -1) -> None:
    """Numbers as JSON, each of one of three kinds and with itself as key."""
    values = [json.dumps({"id": number, "kind": "abc"[number % 3]}).encode() for number in numbers]
    produce(kafka, topic, values, [str(number).encode() for number in numbers], partition)


def consume(kafka: Kafka, topic: str) -> list[Message]:
    """Every record of a topic that a read_committed reader sees, up to its present end."""
    quick = {"enable.partition.eof": True, "fetch.wait.max.ms": 10}
    consumer = Consumer({**client(kafka), "group.id": "reader", **quick})
    try:
        partitions = consumer.list_topics(topic, timeout=60).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
        found: list[Message] = []
        ended: set[int | None] = set()
        while len(ended) < len(partitions):
            for message in consumer.consume(1000, 0.1):
                if message.error():
                    ended.add(message.partition())
                else:
                    found.append(message)
        return found
    finally:
        consumer.close()


def alive(pid: int) -> bool:
    """Whether a process runs: not a zombie that nobody has waited for, nor a thread of another one that has got its
    number since."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    if not Path("/proc/self").exists():
        return True
    try:
        facts = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    except OSError:
        return False
    return facts["State"].split()[0] != "Z" and int(facts["Tgid"]) == pid


def send(pid: int, number: signal.Signals) -> None:
    os.kill(pid, number)
