"""EmailSent: an event for each message that left, or was given up as in doubt, in a topic of its own."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from ferryman.chain import builder
from ferryman.connectors.email.mail.message import Mail
from ferryman.conversion import Converter
from ferryman.errors import ConfigError, KeyProblem, RetriableError, TaskError
from ferryman.java import spelling
from ferryman.kafka import client_config
from ferryman.kafka.refusals import explained
from ferryman.plugins import catalog
from ferryman.record import Coordinates, Rows
from ferryman.schema import INT32, INT64, STRING, TIMESTAMP_SCHEMA, Schema, array, struct

EventOutcome = Literal["sent", "resent", "skipped"]
CONVERTER, PRODUCER = "event.value.converter", "event.producer."
SCHEMA: Schema = struct(
    {
        "message_id": STRING,
        "outcome": STRING,
        "sender": STRING,
        "recipients": array(STRING),
        "subject": STRING,
        "at": TIMESTAMP_SCHEMA,
        "answer": STRING,
        "connector": STRING,
        "topic": STRING,
        "partition": INT32,
        "offset": INT64,
    },
    name="ferryman.EmailSent",
)
_FLUSH_SECONDS = 5.0


@dataclass
class Events:
    """Writes events; ``flush`` says whether they have arrived."""

    producer: Producer
    """Writes to the events' own cluster."""
    converter: Converter[Any]
    """Makes them into bytes."""
    topic: str
    """Where they go."""
    connector: str
    """The connector's name, told in each."""
    _waiting: int = 0
    """Events without the broker's answer."""
    _refused: list[str] = field(default_factory=list)
    """Why the broker refused some."""

    def write(self, mail: Mail, origin: Coordinates, outcome: EventOutcome, answer: str) -> None:
        """Sets an event on its way. Raises RetriableError if the registry is away."""
        now = datetime.now(UTC)
        event = {
            "message_id": mail.id,
            "outcome": outcome,
            "sender": mail.sender.spec,
            "recipients": mail.recipients,
            "subject": mail.subject,
            "at": now.replace(microsecond=now.microsecond // 1000 * 1000),
            "answer": answer,
            "connector": self.connector,
            "topic": origin.topic,
            "partition": origin.partition,
            "offset": origin.offset,
        }
        (payload,) = self.converter.from_data(self.topic, Rows(SCHEMA, [event]))
        self._waiting += 1
        while True:
            try:
                self.producer.produce(self.topic, payload, mail.id.encode(), on_delivery=self._answered)
                return
            except BufferError:
                self.producer.poll(0.1)
            except KafkaException as error:
                self._answered(error.args[0], None)
                return

    def flush(self) -> None:
        """Waits for the broker's answer to all events.

        Raises TaskError when it refuses one, RetriableError when it is silent.
        """
        deadline = time.monotonic() + _FLUSH_SECONDS
        while self._waiting and not self._refused and time.monotonic() < deadline:
            self.producer.poll(0.05)
        if self._refused:
            raise TaskError(self._refused[0])
        if self._waiting:
            raise RetriableError(f"{self._waiting} events are not acknowledged yet by {self.topic}")

    def _answered(self, error: KafkaError | None, message: Message | None) -> None:
        self._waiting -= 1
        if error is not None:
            self._refused.append(
                f"an EmailSent event was not written to {self.topic}: {explained(error, self.topic, PRODUCER)}"
            )


def converter(raw: Mapping[str, str], default: str) -> Converter[Any]:
    """The converter of events. Raises ConfigError with the keys as they were given."""
    own = {CONVERTER: default} | {name: value for name, value in raw.items() if name.startswith(CONVERTER)}
    try:
        return builder.converter("value", {name.removeprefix("event."): value for name, value in own.items()}, {})
    except ConfigError as error:
        raise ConfigError(*(_prefixed("value.converter", "event.", each) for each in error.problems)) from None


def producer_config(bootstrap: str, connector: str, task: int, raw: Mapping[str, str]) -> dict[str, Any]:
    """The producer's config, from event.producer.*. Raises ConfigError with the keys as they were given."""
    try:
        client = client_config.dlq_producer({"bootstrap.servers": bootstrap, **_producer(raw)}, connector, task, {})
    except ConfigError as error:
        raise ConfigError(*(_prefixed("producer.", "event.", each) for each in error.problems)) from None
    return {"linger.ms": 2, **client.values, "client.id": f"{connector}-{task}-events"}


def producer_warnings(raw: Mapping[str, str], default: str) -> Iterator[str]:
    """Warnings, by name, about settings below event.value.converter and event.producer that do nothing."""
    if not raw.get("event.topic"):
        given = [name for name in raw if name.startswith((f"{CONVERTER}.", PRODUCER))]
        yield from (f"{name} has no effect without event.topic" for name in given)
        return
    class_name = raw.get(CONVERTER, default)
    plugin = catalog.find("converter", class_name)
    if plugin is not None:
        names = [name.removeprefix(f"{CONVERTER}.") for name in raw if name.startswith(f"{CONVERTER}.")]
        known = [f"{CONVERTER}.{name}" for name in sorted(plugin.config_class.keys())]
        for name in plugin.config_class.strangers(names):
            hint = spelling.meant(f"{CONVERTER}.{name}", known)
            yield f"{CONVERTER}.{name} is not a setting of {class_name} and has no effect{hint}"
    _, warnings = client_config.worker_checked(_producer(raw))
    yield from (f"event.{text}".replace("did you mean producer.", f"did you mean {PRODUCER}", 1) for text in warnings)


def _producer(raw: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix("event."): value for name, value in raw.items() if name.startswith(PRODUCER)}


def _prefixed(old: str, prefix: str, problem: KeyProblem) -> KeyProblem:
    return replace(problem, key=prefix + problem.key, message=problem.message.replace(old, prefix + old, 1))
