"""Connectors of all kinds for a group of workers, what is sent into each, and the ledger of what came of it.

What a connector promises once must be there once. E-mail may be double where a log lists it as in doubt, and what a
source without transactions reads. One connector fails on its first record and must say so wherever it runs; one is
paused and must have done nothing.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ferryman.stack import Stack
from ferryman.stack.servers.mailbox import Mailbox
from tests.connectors.s3.s3_task import World
from tests.connectors.stripe.stripe_stub import StripeStub, serving
from tests.reliability.chaos.journal import JOURNAL_SINK, overlaps
from tests.reliability.flows import (
    JSON,
    STRING,
    Config,
    Table,
    events,
    file_sink,
    gateway,
    lines,
    pay,
    row,
    s3_sink,
    sql_sink,
    stripe_source,
)
from tests.reliability.test_email import copies, email_sink
from tests.running import Kafka, client, consume, create_topic, produce

PARTITIONS = 3
ROUND = 30
"""Records a round of each flow."""
INVENTED = 200
"""Records that each of the two tasks which invent some makes in all."""
_INVENTED_SCHEMA = {"type": "record", "name": "invented", "fields": [{"name": "n", "type": "long"}]}


@dataclass
class Connectors:
    """All of them, with their worlds."""

    kafka: Kafka
    name: str
    folder: Path
    inserted: Table
    upserted: Table
    bucket: World
    mailbox: Mailbox
    stub: StripeStub
    configs: dict[str, Config] = field(default_factory=dict)
    sent: int = 0
    paid: list[str] = field(default_factory=list)

    def of(self, kind: str) -> str:
        """The connector's name, and its topic's."""
        return f"{self.name}-{kind}"

    def feed(self) -> None:
        """A round of records into each flow."""
        numbers = range(self.sent, self.sent + ROUND)
        keys = [str(number).encode() for number in numbers]
        for kind in ("inserted", "upserted"):
            self._send(kind, [row(number, f"row {number}") for number in numbers], keys)
        self._send("s3", [json.dumps({"id": number}).encode() for number in numbers], keys)
        self._send(
            "mail", [json.dumps({"id": number, "to": f"b{number}@example.org"}).encode() for number in numbers], keys
        )
        for kind in ("lines", "journal", "paused"):
            self._send(kind, keys, keys)
        with (self.folder / "grows.txt").open("ab") as file:
            file.write(b"".join(key + b"\n" for key in keys))
        self.paid += pay(self.stub, numbers[0], numbers[-1] + 1)
        self.sent += ROUND

    def _send(self, kind: str, values: list[bytes], keys: list[bytes]) -> None:
        """Each is there once, also where a broker dies that has not answered yet."""
        produce({**client(self.kafka), "enable.idempotence": True}, self.of(kind), values, keys)

    def lacking(self) -> dict[str, str]:
        """The flows that have less than was sent into them, with what they have."""
        wanted = dict.fromkeys(self._counts(), self.sent) | {"invented": 2 * INVENTED}
        found = {kind: count() for kind, count in self._counts().items()}
        return {kind: f"{found[kind]} of {wanted[kind]}" for kind in wanted if found[kind] < wanted[kind]}

    def _counts(self) -> Mapping[str, Callable[[], int]]:
        return {
            "inserted": lambda: len(set(self.inserted.ids())),
            "upserted": lambda: len(set(self.upserted.ids())),
            "s3": lambda: len(self._objects()),
            "mail": lambda: len(copies(self.mailbox, self.of("mail"))),
            "lines": lambda: len(set(lines(self.folder / "lines.txt"))),
            "journal": lambda: len(set(self._journalled())),
            "grown": lambda: len(set(self._grown())),
            "paid": lambda: len(set(events(self.kafka, self.of("paid")))),
            "invented": lambda: len(self._invented()),
        }

    def check(self, doubts: Counter[str], once: bool) -> None:
        """The ledger. ``doubts``: how often the logs list each message as in doubt; ``once``: whether sources have
        transactions, and what they read is there once."""
        everything = list(range(self.sent))
        texts = sorted(str(number).encode() for number in everything)
        assert self.inserted.ids() == everything
        assert self.upserted.ids() == everything
        assert self._objects() == Counter(everything)
        assert sorted(lines(self.folder / "lines.txt")) == texts
        self._check_sources(texts, once)
        mails = copies(self.mailbox, self.of("mail"))
        assert sorted(mails) == everything
        assert all(len(set(ids)) == 1 and len(ids) <= 1 + doubts[ids[0]] for ids in mails.values())
        assert set(self._journalled()) == set(everything)
        assert overlaps(self.folder / "journal.txt") == []
        assert lines(self.folder / "paused.txt") == []

    def _check_sources(self, texts: list[bytes], once: bool) -> None:
        invented = [(task, iteration) for task in range(2) for iteration in range(INVENTED)]
        for kind, found, wanted in (
            ("grown", self._grown(), texts),
            ("paid", events(self.kafka, self.of("paid")), self.paid),
            ("invented", self._invented().elements(), invented),
        ):
            counted = Counter[object](found)
            assert counted.keys() == set(wanted), kind
            assert not once or counted == Counter(wanted), f"{kind} has doubles"

    def _grown(self) -> list[bytes]:
        return [message.value() or b"" for message in consume(self.kafka, self.of("grown"))]

    def _objects(self) -> Counter[int]:
        return Counter(int(each["id"]) for found in self.bucket.contents().values() for each in found)

    def _journalled(self) -> Iterator[int]:
        for line in lines(self.folder / "journal.txt"):
            yield from map(int, line.split()[3:])

    def _invented(self) -> Counter[tuple[int, int]]:
        found = Counter[tuple[int, int]]()
        for message in consume(self.kafka, self.of("invented")):
            headers = {name: int(value or 0) for name, value in dict(message.headers() or []).items()}
            found[headers["task.id"], headers["current.iteration"]] += 1
        return found


@contextmanager
def connectors(folder: Path, kafka: Kafka, s3: str, postgres: str, name: str) -> Iterator[Connectors]:
    """Their worlds and configs; nothing runs yet."""
    with ExitStack() as closing:
        mail = closing.enter_context(Stack(("mail",)))
        stub = closing.enter_context(serving(gateway()))
        tables = Table(postgres, f"{name}-inserted"), Table(postgres, f"{name}-upserted")
        made = Connectors(kafka, name, folder, *tables, World(s3, name), Mailbox(mail["mail"].directory), stub)
        made.configs = {each["name"]: each for each in _configs(made, mail, s3)}
        for each in made.configs:
            create_topic(kafka, each, PARTITIONS)
        (folder / "grows.txt").touch()
        produce(kafka, made.of("failed"), [b"this is no JSON"])
        yield made


def _configs(made: Connectors, mail: Stack, s3: str) -> Iterator[Config]:
    quick = {"errors.retry.delay.max.ms": "300", "errors.retry.timeout": "-1", "tasks.max": "2"}
    url, folder = made.inserted.url, made.folder
    yield sql_sink(made.of("inserted"), url) | quick
    yield sql_sink(made.of("upserted"), url, insert_mode="upsert", pk_mode="record_value", pk_fields="id") | quick
    yield s3_sink(made.of("s3"), s3, made.bucket.bucket) | quick
    yield email_sink(made.of("mail"), mail) | quick
    yield file_sink(made.of("lines"), folder / "lines.txt")
    yield file_sink(made.of("paused"), folder / "paused.txt")
    yield file_sink(made.of("failed"), folder / "failed.txt") | {"value.converter": JSON}
    yield stripe_source(made.of("paid"), made.stub.url)
    yield {
        "name": made.of("grown"),
        "connector.class": "FileStreamSource",
        "file": str(folder / "grows.txt"),
        "topic": made.of("grown"),
        "value.converter": STRING,
    }
    yield {
        "name": made.of("invented"),
        "connector.class": "DatagenSource",
        "kafka.topic": made.of("invented"),
        "schema.string": json.dumps(_INVENTED_SCHEMA),
        "iterations": str(INVENTED),
        "throughput": "20",
        "tasks.max": "2",
    }
    yield {
        "name": made.of("journal"),
        "connector.class": JOURNAL_SINK,
        "topics": made.of("journal"),
        "journal": str(folder / "journal.txt"),
        "value.converter": STRING,
        "tasks.max": "2",
    }
