"""A flow of each kind through a group of workers, fed without a pause from a thread, and the ledger of what came of it.

Records get into a plain INSERT, into objects that are rarely full, into the logbooks of two sinks (one with each
protocol of consumer groups), and from a growing file into a topic, in one transaction with its offsets.
"""

import json
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.connectors.s3.s3_task import World
from tests.reliability.flows import STRING, Config, Table, row, s3_sink, sql_sink
from tests.reliability.moves.logbook import LOGBOOK_SINK, Entry, entries
from tests.running import Worker, consume, until

PARTITIONS = 3
TOPICS = ("inserted", "archived", "classic", "cooperative")
"""The flows that begin in a topic, which has their name."""
AT_ONCE, STILL = 3, 0.05
"""Records of each flow that are sent together, and seconds until the next ones."""


@dataclass
class Flowing:
    """All of them, with their worlds."""

    kafka: str
    name: str
    folder: Path
    table: Table
    bucket: World
    sent: int = 0
    """How many records have gone into each flow."""
    refused: list[object] = field(default_factory=list)
    """What brokers said of those that they did not take."""
    _over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._feeding = threading.Thread(target=self._feed)
        # One that reads on: to read all from the beginning, again and again, would take most of the machine.
        self._reader = Consumer({"bootstrap.servers": self.kafka, "group.id": "reader", "log_level": 0})
        self._read = 0

    def of(self, kind: str) -> str:
        """The connector's name, and its topic's."""
        return f"{self.name}-{kind}"

    def configs(self) -> Iterator[Config]:
        """The connectors, two tasks each where they may."""
        two = {"tasks.max": "2", "errors.retry.delay.max.ms": "300"}
        yield sql_sink(self.of("inserted"), self.table.url) | two
        yield s3_sink(self.of("archived"), self.bucket.url, self.bucket.bucket) | {"flush.size": "150"} | two
        yield logbook_sink(self.of("classic"), self.folder / "classic.log") | two
        consumer = {"consumer.override.group.protocol": "consumer"}
        yield logbook_sink(self.of("cooperative"), self.folder / "cooperative.log") | consumer | two
        yield {
            "name": self.of("grown"),
            "connector.class": "FileStreamSource",
            "file": str(self.folder / "grows.txt"),
            "topic": self.of("grown"),
            "value.converter": STRING,
        }

    def begin(self) -> None:
        """Feeds until ``end``."""
        self._reader.assign([TopicPartition(self.of("grown"), 0, 0)])
        self._feeding.start()

    def end(self) -> None:
        """Returns when all that was sent is written."""
        self._over.set()
        self._feeding.join()

    def close(self) -> None:
        self.end()
        self._reader.close()

    def _feed(self) -> None:
        """A broker that is away is waited for, and each record written once."""
        config = {"bootstrap.servers": self.kafka, "enable.idempotence": True, "linger.ms": 2, "log_level": 0}
        producer = Producer(config | {"retry.backoff.max.ms": 200, "queue.buffering.max.messages": 1_000_000})
        with (self.folder / "grows.txt").open("ab", buffering=0) as file:
            while not self._over.wait(STILL):
                for number in range(self.sent, self.sent + AT_ONCE):
                    for kind, value in self._values(number).items():
                        producer.produce(self.of(kind), value, None, number % PARTITIONS, self._answered)
                file.write(b"".join(b"%d\n" % number for number in range(self.sent, self.sent + AT_ONCE)))
                self.sent += AT_ONCE
                producer.poll(0)
        if left := producer.flush(120):
            self.refused.append(f"{left} records were never answered")

    def _values(self, number: int) -> Mapping[str, bytes]:
        plain = str(number).encode()
        values = row(number, "x"), json.dumps({"id": number}).encode(), plain, plain
        return dict(zip(TOPICS, values, strict=True))

    def _answered(self, error: object, _message: object) -> None:
        if error is not None:
            self.refused.append(error)

    def counts(self) -> Counter[str]:
        """How many records have come out of each flow."""
        return Counter({kind: found() for kind, found in self._found().items()})

    def _found(self) -> Mapping[str, Callable[[], int]]:
        return {
            "inserted": lambda: len(self.table.ids()),
            "archived": lambda: self._objects().total(),
            "classic": lambda: len(set(self._put("classic"))),
            "cooperative": lambda: len(set(self._put("cooperative"))),
            "grown": self._grown,
        }

    def _grown(self) -> int:
        while found := self._reader.consume(1000, 0.05):
            self._read += sum(each.error() is None for each in found)
        return self._read

    def _objects(self) -> Counter[int]:
        return Counter(int(each["id"]) for found in self.bucket.contents().values() for each in found)

    def log(self, kind: str) -> list[Entry]:
        """What one of the logbooks says."""
        return entries(self.folder / f"{kind}.log")

    def _put(self, kind: str) -> list[int]:
        return [each.number for each in self.log(kind) if each.what == "put"]

    def all_go_on(self, records: int) -> None:
        """Waits until so many more records have come out of each flow."""
        before = self.counts()
        for kind, found in self._found().items():
            until(lambda found=found, kind=kind: found() >= before[kind] + records, 120, f"{kind} to go on", pause=0.5)  # type: ignore[misc]

    def check(self, again: bool) -> None:
        """The ledger, once all is there. ``again``: whether a sink that keeps nothing may get records once more."""
        assert self.refused == []
        for kind, found in self._found().items():
            try:
                until(lambda found=found: found() >= self.sent, 120, f"{self.sent} records of {kind}", pause=0.5)  # type: ignore[misc]
            except AssertionError as error:
                missing, left = self._missing(), self._left(kind)
                raise AssertionError(f"{error}; the first that are missing: {missing}; {left}") from None
        everything = range(self.sent)
        assert self.table.ids() == [*everything]
        assert self._objects() == Counter(everything)
        grown = [int(message.value() or b"") for message in consume(self.kafka, self.of("grown"))]
        assert grown == [*everything]
        for kind in ("classic", "cooperative"):
            put = self._put(kind)
            assert sorted(set(put) if again else put) == [*everything]

    def _missing(self) -> Mapping[str, Sequence[int]]:
        there: dict[str, Collection[int]] = {"inserted": self.table.ids(), "archived": self._objects()}
        there |= {kind: self._put(kind) for kind in ("classic", "cooperative")}
        return {kind: sorted({*range(self.sent)} - {*found})[:20] for kind, found in there.items()}

    def _left(self, kind: str) -> str:
        """Whether a sink's group has got to the ends of its topic, and where it has not, who has the partition."""
        if kind not in TOPICS:
            return ""
        name = f"connect-{self.of(kind)}"
        sources = [TopicPartition(self.of(kind), number) for number in range(PARTITIONS)]
        with closing(Consumer({"bootstrap.servers": self.kafka, "group.id": name, "log_level": 0})) as reader:
            ends = [reader.get_watermark_offsets(each, timeout=30) for each in sources]
            committed = [each.offset for each in reader.committed(sources, timeout=30)]
        group = AdminClient({"bootstrap.servers": self.kafka}).describe_consumer_groups([name])[name].result()
        return f"the topic has {ends}, the group has got to {committed}, its members: {[*map(_shown, group.members)]}"


def _shown(member: Any) -> str:
    assigned = member.assignment.topic_partitions if member.assignment else ()
    return f"{member.group_instance_id or member.member_id} with {sorted(each.partition for each in assigned)}"


def logbook_sink(name: str, logbook: Path, **more: str) -> Config:
    """Into a logbook."""
    made = {"name": name, "connector.class": LOGBOOK_SINK, "topics": name, "logbook": str(logbook)}
    return {**made, "value.converter": STRING, **more}


@contextmanager
def flowing(folder: Path, kafka: str, s3: str, postgres: str, name: str, replicas: int = 1) -> Iterator[Flowing]:
    """The topics; while the block runs, they are fed. No connector is there yet."""
    made = Flowing(kafka, name, folder, Table(postgres, f"{name}-inserted"), World(s3, name))
    admin = AdminClient({"bootstrap.servers": kafka})
    wanted = [NewTopic(made.of(kind), PARTITIONS, replicas) for kind in TOPICS]
    for future in admin.create_topics([*wanted, NewTopic(made.of("grown"), 1, replicas)]).values():
        future.result()
    made.begin()
    with closing(made):
        yield made


def created(made: Flowing, worker: Worker) -> None:
    """The connectors are asked for and run."""
    for config in made.configs():
        worker.create(config)
    for config in made.configs():
        worker.running(config["name"])
