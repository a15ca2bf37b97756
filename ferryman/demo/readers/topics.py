"""The demo's own eyes on Kafka: reads topics to their end as a committed reader sees them, and counts lag."""

import io
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import fastavro
import httpx
from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]
from confluent_kafka.admin._listoffsets import LatestSpec

from ferryman.demo.facts.errors import DemoError
from ferryman.demo.readers.access import Access
from ferryman.kafka.admin import Admin

_SECONDS = 10
_LATEST: Any = LatestSpec
_ORIGIN = "__connect.errors."
Coordinates = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Read:
    """A record as read."""

    topic: str
    key: str
    value: Mapping[str, Any] | None
    """None if it is no Avro of the registry's."""
    payload: bytes
    """The bytes of the value."""
    at: Coordinates


@dataclass
class Topics:
    """Reads topics. Raises DemoError when broker or registry fail."""

    access: Access
    _schemas: dict[int, Any] = field(default_factory=dict)
    _members: dict[str, Consumer] = field(default_factory=dict)

    @cached_property
    def _admin(self) -> Admin:
        return Admin({**self.access.kafka})

    def existing(self, wanted: Iterable[str]) -> list[str]:
        """The wanted topics that exist."""
        known = self._admin.list_topics(timeout=_SECONDS).topics
        return [topic for topic in wanted if topic in known]

    def create(self, topic: str) -> None:
        """Makes a topic of one partition. Raises DemoError if it cannot be."""
        try:
            self._admin.create_topic(NewTopic(topic, 1, -1), _SECONDS)
        except KafkaException as error:
            raise DemoError(f"the topic {topic} cannot be created: {error}") from error

    def records(self, wanted: Iterable[str]) -> Iterator[Read]:
        """All committed records of the topics, decoded."""
        with self._registry() as client:
            for message in self._messages(wanted):
                payload = message.value() or b""
                key = (message.key() or b"").decode(errors="replace")
                at = message.topic() or "", message.partition() or 0, message.offset() or 0
                yield Read(at[0], key, self._decoded(payload, client), payload, at)

    def dead_letters(self, topic: str) -> Iterator[tuple[Coordinates | None, bytes]]:
        """The dead letters of a queue: where each record was read, and its bytes."""
        for message in self._messages([topic]):
            yield _origin(message), message.value() or b""

    def poison(self, topic: str, key: str, payload: bytes) -> Coordinates:
        """Writes a record that cannot be decoded."""
        delivered: list[tuple[KafkaError | None, Message]] = []
        producer = Producer({**self.access.kafka})
        producer.produce(topic, payload, key, on_delivery=lambda error, message: delivered.append((error, message)))
        producer.flush(_SECONDS)
        if not delivered or delivered[0][0] is not None:
            raise DemoError(f"Kafka did not accept a record for {topic}")
        message = delivered[0][1]
        return message.topic() or "", message.partition() or 0, message.offset() or 0

    def versions(self, topic: str) -> Iterator[tuple[int, frozenset[str]]]:
        """The versions of a topic's value schema, and the names of each one's fields."""
        with self._registry() as client:
            path = f"{self.access.registry}/subjects/{topic}-value/versions"
            for number in client.get(path).raise_for_status().json():
                schema = json.loads(client.get(f"{path}/{number}").raise_for_status().json()["schema"])
                yield number, frozenset(each["name"] for each in schema["fields"])

    def ends(self, wanted: Iterable[str], committed: bool = False) -> dict[tuple[str, int], int]:
        """The end of each partition; with ``committed``, how far a committed reader gets."""
        known = self._admin.list_topics(timeout=_SECONDS).topics
        places = [TopicPartition(topic, each) for topic in wanted if topic in known for each in known[topic].partitions]
        if not places:
            return {}
        level = IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
        found = self._admin.offsets(dict.fromkeys(places, _LATEST()), level, _SECONDS)
        return {(place.topic, place.partition): end for place, end in found.items()}

    def lag(self, connector: str, ends: Mapping[tuple[str, int], int]) -> int:
        """How far a sink's consumer group is behind the ends of its topics' partitions, as lag tools count it."""
        if not ends:
            return 0
        found = self._member(connector).committed([TopicPartition(*place) for place in ends], _SECONDS)
        committed = {(one.topic, one.partition): max(0, one.offset) for one in found}
        return sum(max(0, end - committed.get(place, 0)) for place, end in ends.items())

    def _registry(self) -> httpx.Client:
        return httpx.Client(timeout=_SECONDS, auth=self.access.login)

    def close(self) -> None:
        """Closes what asks for lag."""
        for member in self._members.values():
            member.close()
        self._members.clear()

    def _member(self, connector: str) -> Consumer:
        # It never joins. An admin client can ask the same, but librdkafka crashes there while a group's coordinator is
        # moving or loading.
        if connector not in self._members:
            self._members[connector] = Consumer({**self.access.kafka, "group.id": f"connect-{connector}"})
        return self._members[connector]

    def _messages(self, wanted: Iterable[str]) -> Iterator[Message]:
        ends = self._stable_ends(list(wanted))
        consumer = Consumer(
            {
                **self.access.kafka,
                "group.id": "ferryman-demo-ledger",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "fetch.queue.backoff.ms": 10,
            }
        )
        try:
            consumer.assign([TopicPartition(topic, partition, 0) for topic, partition in ends])
            yield from _until_ends(consumer, set(ends))
        finally:
            consumer.close()

    def _stable_ends(self, wanted: Sequence[str]) -> dict[tuple[str, int], int]:
        """The ends, once no open transaction hides records from a committed reader."""
        deadline = time.monotonic() + _SECONDS
        while (ends := self.ends(wanted)) != self.ends(wanted, committed=True):
            if time.monotonic() > deadline:
                raise DemoError(f"a transaction in {', '.join(wanted)} was left open")
            time.sleep(0.1)
        return ends

    def _decoded(self, payload: bytes, client: httpx.Client) -> Mapping[str, Any] | None:
        if len(payload) < 5 or payload[0] != 0:
            return None
        try:
            schema = self._schema(int.from_bytes(payload[1:5], "big"), client)
            body = io.BytesIO(payload)
            body.seek(5)
            value = fastavro.schemaless_reader(body, schema, None)
        except (httpx.HTTPStatusError, ValueError, EOFError, IndexError, TypeError):
            return None
        return value if isinstance(value, dict) else None

    def _schema(self, number: int, client: httpx.Client) -> Any:
        if number not in self._schemas:
            answer = client.get(f"{self.access.registry}/schemas/ids/{number}").raise_for_status()
            self._schemas[number] = fastavro.parse_schema(json.loads(answer.json()["schema"]))
        return self._schemas[number]


def _until_ends(consumer: Consumer, open_places: set[tuple[str, int]]) -> Iterator[Message]:
    heard = time.monotonic()
    while open_places:
        # It waits for that many or that long, whatever has arrived: hence a short time.
        messages = consumer.consume(5_000, 0.1)
        if messages:
            heard = time.monotonic()
        elif time.monotonic() - heard > _SECONDS:
            raise DemoError(f"Kafka returned nothing for {_SECONDS} s")
        for message in messages:
            error = message.error()
            if error is None:
                yield message
            elif error.code() == KafkaError._PARTITION_EOF:
                open_places.discard((message.topic() or "", message.partition() or 0))
            else:
                raise KafkaException(error)


def _origin(message: Message) -> Coordinates | None:
    headers: dict[str, Any] = dict(message.headers() or ())
    try:
        topic, partition, offset = (headers[_ORIGIN + name].decode() for name in ("topic", "partition", "offset"))
        return topic, int(partition), int(offset)
    except (AttributeError, KeyError, ValueError):
        return None
