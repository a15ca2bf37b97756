"""A flow for each neighbour of a worker, over links that tests make bad: the registry, a database, S3, mail, a gateway.

Kafka's own link is in the way of all of them.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy as sa

from ferryman.stack import Stack
from ferryman.stack.servers.mailbox import Mailbox
from tests.connectors.s3.s3_task import World
from tests.connectors.stripe.stripe_stub import StripeStub, serving
from tests.reliability.flows import (
    Config,
    Table,
    committed,
    events,
    gateway,
    pay,
    s3_sink,
    sql_sink,
    stripe_source,
    tolerant,
)
from tests.reliability.links.broker import Broker
from tests.reliability.links.proxy import Proxy, proxy
from tests.reliability.test_email import copies, email_sink, listed
from tests.running import WEB, Worker, consume, create_topic, produce, settings, until, worker

COUNT = 12
"""Records a round of each flow."""
AVRO = "io.confluent.connect.avro.AvroConverter"
LINKS = ["registry", "database", "S3", "mail", "gateway", "Kafka"]
RETRY = {"errors.retry.delay.max.ms": "300", "errors.retry.timeout": "-1"}


@dataclass
class Flows:
    """A worker, its flows, what was sent into each, and the links that they run over."""

    kafka: str
    name: str
    running: Worker
    links: dict[str, Proxy]
    table: Table
    registered: Table
    bucket: World
    mailbox: Mailbox
    stub: StripeStub
    registry: str
    sent: int = 0
    paid: list[str] = field(default_factory=list)
    schemas: int = 0
    complete: dict[str, int] = field(default_factory=dict)
    """How many records of a flow have arrived for sure."""
    configs: list[Config] = field(default_factory=list)

    def topic(self, flow: str) -> str:
        return f"{self.name}-{flow}"

    def feed(self) -> None:
        """A round of records into each flow; those of the registry's have a schema that is not known yet."""
        numbers = range(self.sent, self.sent + COUNT)
        produce(self.kafka, self.topic("sql"), [self._row(number) for number in numbers])
        produce(self.kafka, self.topic("s3"), [json.dumps({"id": number}).encode() for number in numbers])
        pledges = [json.dumps({"id": number, "to": f"b{number}@example.org"}).encode() for number in numbers]
        produce(self.kafka, self.topic("mail"), pledges)
        produce(self.kafka, self.topic("avro"), self._framed(numbers))
        self.paid += pay(self.stub, numbers[0], numbers[-1] + 1)
        self.sent += COUNT

    def _row(self, number: int) -> bytes:
        schema = {"type": "struct", "fields": [{"field": "id", "type": "int64"}]}
        return json.dumps({"schema": schema, "payload": {"id": number}}).encode()

    def _framed(self, numbers: range) -> list[bytes]:
        """Records in Avro, under the id of a new schema: by another name, as the registry knows others again."""
        self.schemas += 1
        fields = [{"name": "id", "type": "long"}, {"name": "kind", "type": "int"}]
        schema = {"type": "record", "name": f"payment{self.schemas}", "fields": fields}
        url = f"{self.registry}/subjects/{self.topic('avro')}-{self.schemas}-value/versions"
        answer = WEB.post(url, json={"schema": json.dumps(schema)})
        head = b"\0" + int(answer.json()["id"]).to_bytes(4, "big")
        return [head + _long(number) + _long(self.schemas) for number in numbers]

    def missing(self) -> dict[str, str]:
        """What has not arrived of each flow, or is not committed yet. What has arrived once is not counted again."""
        counts: dict[str, Callable[[], int]] = {
            "sql": lambda: len(self.table.ids()),
            "avro": lambda: len(self.registered.ids()),
            "s3": lambda: self.objects().total(),
            "mail": lambda: len(copies(self.mailbox, self.topic("mail"))),
            "source": lambda: len(events(self.kafka, self.topic("source"))),
        }
        lacking = {}
        for flow, count in counts.items():
            if self.complete.get(flow) == self.sent:
                continue
            if (found := count()) < self.sent:
                lacking[flow] = f"{found} of {self.sent}"
            elif flow != "source" and committed(self.running, self.topic(flow)) < self.sent:
                lacking[flow] = "not committed"
            else:
                self.complete[flow] = self.sent
        return lacking

    def feel(self, links: Sequence[str]) -> None:
        """Waits until the faults of these links have been met."""
        for name in links:
            link = self.links[name]
            until(lambda link=link: link.felt, 240, f"{link.fault} to be felt by {name}")  # type: ignore[misc]

    def arrive(self, when: str) -> None:
        """Waits until nothing is missing."""
        found: dict[str, str] = {"all": "not looked at"}

        def there() -> bool:
            found.clear()
            found.update(self.missing())
            return not found

        try:
            until(there, 240, pause=0.3)
        except AssertionError as error:
            raise AssertionError(f"{when}: missing {found}, see {self.running.log}") from error

    def objects(self) -> Counter[int]:
        """How often each number is in the bucket."""
        return Counter(int(each["id"]) for found in self.bucket.contents().values() for each in found)

    def check(self) -> None:
        """The ledger of all flows."""
        assert self.table.ids() == list(range(self.sent))
        assert self.registered.ids() == list(range(self.sent))
        assert self.objects() == Counter(range(self.sent))
        assert events(self.kafka, self.topic("source")) == self.paid
        mails = copies(self.mailbox, self.topic("mail"))
        assert sorted(mails) == list(range(self.sent))
        assert {ids[0] for ids in mails.values() if len(ids) > 1} <= listed(self.running).keys()
        for flow in ("sql", "avro", "s3", "mail"):
            assert consume(self.kafka, f"{self.topic(flow)}-dlq") == []
            assert self.running.states(self.topic(flow)) == ["RUNNING", "RUNNING"]


def _long(number: int) -> bytes:
    """Avro's zigzag varint."""
    value, coded = number << 1, bytearray()
    while value > 0x7F:
        coded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*coded, value])


@contextmanager
def flowing(directory: Path, broker: Broker, stack: dict[str, str], postgres: str, name: str) -> Iterator[Flows]:
    """All flows, in good times."""
    with ExitStack() as closing:
        mail = closing.enter_context(Stack(("mail",)))
        stub = closing.enter_context(serving(gateway()))
        addresses = {
            "registry": urlsplit(stack["registry"]).netloc,
            "database": f"{sa.make_url(postgres).host}:{sa.make_url(postgres).port}",
            "S3": urlsplit(stack["s3"]).netloc,
            "mail": mail.addresses["mail"],
            "gateway": urlsplit(stub.url).netloc,
        }
        links = {each: closing.enter_context(proxy(address)) for each, address in addresses.items()}
        links["Kafka"] = broker.link
        running = closing.enter_context(worker(directory, settings(broker.proxied, name)))
        tables = Table(postgres, f"{name}-sql"), Table(postgres, f"{name}-avro")
        mailbox = Mailbox(mail["mail"].directory)
        bucket = World(stack["s3"], name)
        made = Flows(broker.address, name, running, links, *tables, bucket, mailbox, stub, stack["registry"])
        made.configs = _configs(made, mail)
        for config in made.configs:
            create_topic(made.kafka, config["name"])
            create_topic(made.kafka, f"{config['name']}-dlq")
            running.create(config)
        yield made


def _configs(flows: Flows, mail: Stack) -> list[Config]:
    """Every flow's connector; all but the registry's reach their neighbour through its link, and that one only it."""
    at = {name: link.address for name, link in flows.links.items()}
    database = sa.make_url(flows.table.url).set(host="127.0.0.1", port=flows.links["database"].port)
    host, _, port = at["mail"].rpartition(":")
    url = urlsplit(flows.registry)._replace(netloc=at["registry"]).geturl()
    sinks: list[Config] = [
        sql_sink(flows.topic("sql"), database.render_as_string(hide_password=False)),
        sql_sink(flows.topic("avro"), flows.table.url)
        | {"value.converter": AVRO, "value.converter.schema.registry.url": url},
        s3_sink(flows.topic("s3"), f"http://{at['S3']}", flows.bucket.bucket, **{"rotate.idle.interval.ms": "200"}),
        email_sink(flows.topic("mail"), mail) | {"smtp.host": host, "smtp.port": port},
    ]
    source = stripe_source(flows.topic("source"), f"http://{at['gateway']}")
    return [*(config | tolerant(f"{config['name']}-dlq") | RETRY for config in sinks), source]
