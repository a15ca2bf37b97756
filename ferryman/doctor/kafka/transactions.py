"""Whether a source can write in transactions: one is begun under an id of our own, and aborted.

With the ids of the tasks themselves it would fence those that run now.
"""

from collections.abc import Iterator

from confluent_kafka import KafkaError, KafkaException

from ferryman.doctor.kafka.client import Client
from ferryman.doctor.kafka.needs import acl
from ferryman.findings import Finding, mend, ok
from ferryman.kafka.callbacks import Producer

_REFUSED = (KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED)


def tried(client: Client, prefix: str, seconds: float) -> Iterator[Finding]:
    """Begins and aborts one as ``<prefix>doctor``."""
    name = f"{prefix}doctor"
    subject = f"producer: transactional id {prefix}…"
    try:
        quiet = {"log_level": 0, "error_cb": lambda error: None, "client.id": "ferryman-doctor"}
        producer = Producer({**client.way, **quiet, "transactional.id": name})
        producer.init_transactions(seconds)
        producer.begin_transaction()
        producer.abort_transaction(seconds)
    except KafkaException as error:
        reason: KafkaError = error.args[0]
        said = f"{client.user} cannot begin a transaction as {name}: {reason.str()}"
        yield mend(subject, said, _what(client, prefix, reason.code()))
        return
    yield ok(
        subject, f"{client.user} has begun and aborted a transaction as {name}, an id that the brokers will forget"
    )


def _what(client: Client, prefix: str, code: int) -> str:
    if code not in _REFUSED:
        return "check whether the brokers can satisfy transaction.state.log.replication.factor and min.isr"
    command = acl(client.user, client.servers, "transactional-id", prefix, ["WRITE"], prefixed=True)
    return f"{command}; or exactly.once.source.support=disabled, with which sources deliver at least once"
