"""What must arrive: the invented events, made once more from the config that was posted, and the payments made."""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ferryman.connectors.datagen.source import DatagenConfig, world
from ferryman.demo.facts import flows, ledger
from ferryman.demo.facts.errors import DemoError
from ferryman.demo.facts.ledger import Content, Found, Identity

_CHUNK = 5000


def content(values: Iterable[Any]) -> int:
    """A digest of a record's values in their order: 64 bits, good within this process only."""
    return hash(tuple(map(_plain, values)))


def _plain(value: Any) -> Hashable:
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    plain: Hashable = value
    return plain


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment as the gateway's SDK returned it."""

    id: str
    status: str
    amount: int
    """In the currency's smallest unit."""
    currency: str
    pledge_id: str
    project_id: str
    backer_id: str
    returned: float
    """When the SDK returned, in epoch seconds."""


PAYMENT_FIELDS = ("payment_id", "status", "amount", "currency", "pledge_id", "project_id", "backer_id")
"""What is compared of a payment wherever it lies."""


def payment_content(payment: Payment, backer: str | None = None) -> int:
    """The digest of a payment's fields; ``backer`` if something else must stand there."""
    amount, currency = Decimal(payment.amount).scaleb(-2), payment.currency.upper()
    owner = payment.backer_id if backer is None else backer
    return content((payment.id, payment.status, amount, currency, payment.pledge_id, payment.project_id, owner))


@dataclass(frozen=True)
class Events:
    """All invented events, in the order of their making within each task."""

    records: Sequence[tuple[str, str, int]]
    """The topic, the key and the digest of the value of each."""
    identities: Sequence[tuple[str, str]]
    fields: Mapping[str, Sequence[str]]
    """The names of each topic's fields; the first is the identity."""

    def in_topics(self) -> dict[Identity, Content]:
        """What the topics must hold."""
        return ledger.by_identity(
            (identity, made[2]) for identity, made in zip(self.identities, self.records, strict=True)
        )

    def inserted(self) -> dict[Identity, Content]:
        """What the tables written by plain INSERT must hold."""
        return {each: made for each, made in self.in_topics().items() if _topic(each) not in _UPSERTED}

    def upserted(self) -> dict[Identity, Content]:
        """What the tables written by upsert must hold: of each key the last state."""
        return ledger.latest(self._keyed())

    def _keyed(self) -> Iterator[Found]:
        for topic, key, digest in self.records:
            if topic in _UPSERTED:
                yield (topic, key), digest

    def rows(self) -> dict[str, int]:
        """How many rows each topic's table must hold in the end."""
        counts = dict.fromkeys(self.fields, 0)
        for identity in (*self.inserted(), *self.upserted()):
            counts[_topic(identity)] += 1
        return counts

    def keys(self) -> int:
        """How many different keys the records have, topic by topic."""
        return len({(topic, key) for topic, key, _ in self.records})

    def pledges(self) -> list[str]:
        """The ids of the pledges."""
        return [str(number) for topic, number in self.identities if topic == f"{flows.WORLD}.pledges"]


_UPSERTED = frozenset(f"{flows.WORLD}.{stream}" for stream in flows.UPSERTED)


def _topic(identity: Identity) -> str:
    assert isinstance(identity, tuple)
    return str(identity[0])


def events(config: Mapping[str, str]) -> Events:
    """The events that a Datagen config with its references resolved makes. Raises DemoError if they cannot be known."""
    parsed = DatagenConfig.parse(config)
    if parsed.random_seed is None or parsed.iterations < 1:
        raise DemoError(f"{flows.EVENT_SOURCE} needs random.seed and iterations: otherwise its records cannot be known")
    records: list[tuple[str, str, int]] = []
    identities: list[tuple[str, str]] = []
    fields: dict[str, Sequence[str]] = {}
    for task in range(parsed.tasks_max):
        made = world(parsed, parsed.random_seed, task)
        fields = {stream.topic: [field.name for field in stream.value_schema.fields] for stream in made.streams}
        names = list(fields)
        for start in range(0, parsed.iterations, _CHUNK):
            for number, key, value in made.records(start, min(start + _CHUNK, parsed.iterations)):
                topic = names[number]
                columns = fields[topic]
                records.append((topic, key, content(value[name] for name in columns)))
                identities.append((topic, value[columns[0]]))
    return Events(records, identities, fields)
