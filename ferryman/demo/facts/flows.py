"""What flows in the demo, as the files in configs/ declare it: connectors, topics, tables, and their environment."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ferryman.demo.facts.errors import DemoError

CONFIGS = Path(__file__).parents[2] / "configs"
"""Where the files lie in a package; in a checkout that is a link to the folder at the top."""
SCHEMAS = CONFIGS.parent / "schemas"

PAYMENT_SOURCE = "payments-from-gateway"
EVENT_SOURCE = "crowdfunding-events"
PAYMENT_UPSERT = "payments-to-warehouse"
PAYMENT_INSERT = "payment-log-to-warehouse"
EVENT_INSERT = "events-to-warehouse"
EVENT_UPSERT = "projects-to-warehouse"
PAYMENT_ARCHIVE = "payments-to-archive"
EVENT_ARCHIVE = "events-to-archive"
RECEIPTS = "payment-receipts"
RESTORE = "archive-to-topics"
SOURCES = (PAYMENT_SOURCE, EVENT_SOURCE)
SINKS = (PAYMENT_UPSERT, PAYMENT_INSERT, PAYMENT_ARCHIVE, RECEIPTS, EVENT_INSERT, EVENT_UPSERT, EVENT_ARCHIVE)
DEAD_LETTERING = (PAYMENT_UPSERT, PAYMENT_INSERT, PAYMENT_ARCHIVE, RECEIPTS)
"""The sinks that read the poison."""

PAYMENTS = "payments"
WORLD = "crowdfunding"
INSERTED = ("pledges", "payments", "emails", "metrics", "errors")
UPSERTED = ("projects", "backers", "funding")
UPSERTED_TOPICS = tuple(f"{WORLD}.{stream}" for stream in UPSERTED)
SPOILT_TOPIC, SPOILT_COLUMN = f"{WORLD}.projects", "title"
"""The upserted table some rows of which are overwritten, and the column in which; of the others rows are deleted."""
DAMAGED = 50
"""Rows of each of these tables."""
EVENT_TOPICS = tuple(f"{WORLD}.{stream}" for stream in (*INSERTED, *UPSERTED))

RESTORED = "restored."
"""How the topics begin that the archive is put back into."""
EMAILS_SENT = "emails-sent"
"""The topic of the receipts' events."""

PAYMENT_TABLE = "payments"
PAYMENT_LOG = "payment_log"

GATEWAY_KEY = "sk_test_ferryman_demo"
BUCKET = "crowdfunding-archive"
ARCHIVE_KEY, ARCHIVE_SECRET = "demo", "not-asked-for"
"""The stack's S3 server takes any."""

LATER_FIELDS = ("method", "fee")
"""What version 2 of PaymentProcessed has and version 1 has not."""
WITHOUT_LATER_FIELDS = {
    "transforms": "early",
    "transforms.early.type": "org.apache.kafka.connect.transforms.ReplaceField$Value",
    "transforms.early.exclude": ",".join(LATER_FIELDS),
}
"""Keys of the source of payments while it still writes version 1."""

LOGIN = {
    "event.value.converter.basic.auth.credentials.source": "USER_INFO",
    "event.value.converter.basic.auth.user.info": "producer:${env:FERRYMAN_PRODUCER_PASSWORD}",
    "event.producer.security.protocol": "SASL_SSL",
    "event.producer.sasl.mechanism": "SCRAM-SHA-512",
    "event.producer.sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required "
    'username="producer" password="${env:FERRYMAN_PRODUCER_PASSWORD}";',
    "event.producer.ssl.truststore.type": "PEM",
    "event.producer.ssl.truststore.location": "${env:FERRYMAN_CA}",
}
"""Keys of a sink that writes events of its own, at a Kafka and a registry that ask who is there."""
PRODUCED = "produced_at"
WITH_TIME = {
    "transforms": "time",
    "transforms.time.type": "org.apache.kafka.connect.transforms.InsertField$Value",
    "transforms.time.timestamp.field": PRODUCED,
}
"""Keys of a sink whose rows are to say when their records were produced."""


def table(topic: str) -> str:
    """The table of a crowdfunding topic."""
    return topic.replace(".", "_")


def dead_letters(sink: str) -> str:
    """The dead letter queue of a sink of payments."""
    return f"dead-letters.{sink}"


@dataclass(frozen=True, slots=True)
class Flow:
    """One connector file: its name and the JSON to post, as it is."""

    name: str
    text: str

    def having(self, keys: Mapping[str, str]) -> "Flow":
        """The same connector with these keys besides."""
        posted = json.loads(self.text)
        return Flow(self.name, json.dumps({**posted, "config": {**posted["config"], **keys}}))

    @property
    def config(self) -> Mapping[str, str]:
        """The config in it, references unresolved."""
        config: Mapping[str, str] = json.loads(self.text)["config"]
        return config


def flows(configs: Path) -> list[Flow]:
    """The connector files, sources first. Raises DemoError if they are not all there."""
    return [_flow(configs, name) for name in (*SOURCES, *SINKS)]


def restore(configs: Path) -> Flow:
    """The connector file that puts the archive back into topics. Raises DemoError if it is not there."""
    return _flow(configs, RESTORE, "restore")


def _flow(configs: Path, name: str, folder: str = "connectors") -> Flow:
    file = configs / folder / f"{name}.json"
    try:
        flow = Flow(name, file.read_text())
        assert flow.config is not None
    except OSError as error:
        raise DemoError(
            f"{file}: {error.strerror}. Run the demo in a checkout, or say where its files are: --configs"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise DemoError(f'{file} is not JSON of the form {{"name": …, "config": {{…}}}}: {error}') from None
    return flow


def secured(posted: Sequence[Flow]) -> list[Flow]:
    """The same flows at a Kafka and a registry that ask who is there: the one that writes events of its own says so."""
    return [flow.having(LOGIN) if flow.name == RECEIPTS else flow for flow in posted]


def steadily(posted: Sequence[Flow], rate: int) -> list[Flow]:
    """The same flows with so many events a second, whose rows say when they were produced."""
    return [flow.having(WITH_TIME) if flow.name == EVENT_INSERT else flow for flow in paced(posted, rate)]


def paced(posted: Sequence[Flow], rate: int) -> list[Flow]:
    """The same flows with this many events a second."""
    return [_paced(flow, rate) if flow.name == EVENT_SOURCE else flow for flow in posted]


def _paced(flow: Flow, rate: int) -> Flow:
    return flow.having({"throughput": str(math.ceil(rate / int(flow.config.get("tasks.max", "1"))))})


def events_per_task(configs: Path, events: int) -> int:
    """How many events each task of the event source makes, for at least so many together."""
    return math.ceil(events / int(_flow(configs, EVENT_SOURCE).config.get("tasks.max", "1")))


def variables(addresses: Mapping[str, str], each: int) -> dict[str, str]:
    """The environment that the files refer to. ``addresses`` are those of the stack, ``each`` the events per task."""
    database, mail = urlsplit(addresses["postgres"]), addresses["mail"].rpartition(":")
    return {
        "FERRYMAN_KAFKA": addresses["kafka"],
        "FERRYMAN_REGISTRY": addresses["registry"],
        "FERRYMAN_WAREHOUSE": f"jdbc:postgresql://{database.hostname}:{database.port}{database.path}",
        "FERRYMAN_WAREHOUSE_USER": database.username or "",
        "FERRYMAN_WAREHOUSE_PASSWORD": database.password or "",
        "FERRYMAN_ARCHIVE": addresses["s3"],
        "FERRYMAN_ARCHIVE_BUCKET": BUCKET,
        "FERRYMAN_ARCHIVE_KEY": ARCHIVE_KEY,
        "FERRYMAN_ARCHIVE_SECRET": ARCHIVE_SECRET,
        "FERRYMAN_MAIL_HOST": mail[0],
        "FERRYMAN_MAIL_PORT": mail[2],
        "FERRYMAN_PAYMENTS": addresses["payments"],
        "FERRYMAN_PAYMENTS_KEY": GATEWAY_KEY,
        "FERRYMAN_EVENTS_PER_TASK": str(each),
    }
