"""The librdkafka configs of a connector's clients, from the worker's settings and the connector's overrides.

Where librdkafka's defaults differ from what Kafka Connect sets, Kafka Connect's hold (Worker.java, KIP-458); what
exactly-once delivery needs cannot be overridden.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ferryman.config import trim
from ferryman.errors import ConfigError, KeyProblem
from ferryman.kafka import client_security
from ferryman.kafka.client_keys import (
    FORCED,
    INT_MAX,
    NO_SUCH,
    OF_ONE_PROTOCOL,
    REFUSED,
    SILENT,
    TRANSLATIONS,
    Role,
    Value,
    converted,
    denied,
    harmless,
    hint,
)

DEFAULT_BOOTSTRAP = "localhost:9092"
_CONSUMERS = "consumer.override."
CLASSIC, CONSUMER = "classic", "consumer"
"""The protocols of consumer groups; the second is KIP-848's."""
_NOT_CLIENTS = ("producer.", "consumer.", "admin.", "ssl.client.auth")
_LISTENERS = "admin.listeners"
"""Begins keys of the REST API, which look like an admin client's."""
PRODUCER_BASE: Mapping[str, Value] = {
    "acks": "all",
    "enable.idempotence": True,
    "max.in.flight.requests.per.connection": 5,  # an idempotent producer keeps the order with up to 5
    "message.max.bytes": 1048576,  # Java's max.request.size
    "partitioner": "murmur2_random",  # Java's default partitioner; librdkafka's own would scatter keys
}
AT_ONCE: Mapping[str, Value] = {"linger.ms": 0}
"""For records that are waited for one by one: no others come meanwhile that could be sent with them."""
CONSUMER_BASE: Mapping[str, Value] = {
    "allow.auto.create.topics": True,
    "auto.offset.reset": "earliest",
    "check.crcs": True,
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "fetch.queue.backoff.ms": 10,  # by default a full queue costs a second before the next fetch
    "isolation.level": "read_committed",
    "partition.assignment.strategy": "range",
}


@dataclass(frozen=True, slots=True)
class Given:
    """A setting as it was given."""

    name: str
    """The full name of the key, for messages."""
    value: str = field(repr=False)


@dataclass(slots=True)
class _Translation:
    values: dict[str, Value] = field(default_factory=dict)
    problems: list[KeyProblem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """A client's config, and what its owner should know about the keys it came from."""

    values: dict[str, Value] = field(repr=False)
    """As confluent_kafka takes them."""
    warnings: tuple[str, ...] = ()
    """Keys that have no effect or another one than in Java, by name."""
    max_poll_records: int = 500
    """Records to take at once, for consumers."""


def sink_consumer(worker: Mapping[str, str], connector: str, task: int, raw: Mapping[str, str]) -> ClientConfig:
    """The consumer of a sink task, in group ``connect-<connector>`` unless overridden. ``worker`` are the worker's
    settings as text, ``raw`` the connector's config, references resolved. Raises ConfigError with every problem."""
    base = {
        **CONSUMER_BASE,
        "group.id": f"connect-{connector}",
        "client.id": f"connector-consumer-{connector}-{task}",
    }
    return _client("consumer", base, worker, raw)


def source_producer(worker: Mapping[str, str], connector: str, task: int, raw: Mapping[str, str]) -> ClientConfig:
    """The transactional producer of a source task, for records and offsets. As ``sink_consumer``."""
    base = {
        **PRODUCER_BASE,
        "client.id": f"connector-producer-{connector}-{task}",
        "transactional.id": f"{_worker_group(worker)}-{connector}-{task}",
    }
    return _client("producer", base, worker, raw)


def plain_producer(worker: Mapping[str, str], connector: str, task: int, raw: Mapping[str, str]) -> ClientConfig:
    """The producer of a source task that delivers at least once. As ``sink_consumer``. It gives up a record after two
    minutes, Java's default, where Kafka Connect's never does, so that an outage shows; the record comes again."""
    base = {
        **PRODUCER_BASE,
        "client.id": f"connector-producer-{connector}-{task}",
        "delivery.timeout.ms": 120_000,
    }
    return _client("producer", base, worker, raw)


def dlq_producer(worker: Mapping[str, str], connector: str, task: int, raw: Mapping[str, str]) -> ClientConfig:
    """The producer of a sink task's dead letters, which tries without end. As ``sink_consumer``."""
    base = {
        **PRODUCER_BASE,
        "client.id": f"connector-dlq-producer-{connector}-{task}",
        "delivery.timeout.ms": INT_MAX,
    }
    return _client("producer", base, worker, raw)


def admin(worker: Mapping[str, str], connector: str, raw: Mapping[str, str]) -> ClientConfig:
    """The admin client for a connector's topics and groups. As ``sink_consumer``."""
    return _client("admin", {"client.id": f"connector-adminclient-{connector}"}, worker, raw)


def worker_admin(worker: Mapping[str, str]) -> ClientConfig:
    """The worker's own admin client. As ``sink_consumer``."""
    return _client("admin", {"client.id": f"{_worker_group(worker)}-admin"}, worker, {})


def offsets_consumer(worker: Mapping[str, str], connector: str, raw: Mapping[str, str]) -> ClientConfig:
    """A reader of a connector's offsets topic, by assignment: it never joins its group. As ``sink_consumer``.

    It reads where the source's producer writes, records and offsets being one transaction, so that it has the
    producer's addresses and credentials unless it is given addresses of its own.
    """
    producer = _layers("producer", worker, raw)
    follows = producer["bootstrap.servers"].value != _layers("consumer", worker, raw)["bootstrap.servers"].value
    if follows and "consumer.override.bootstrap.servers" not in raw:
        of_consumers = {key: value for key, value in raw.items() if not _connects(key.removeprefix(_CONSUMERS))}
        raw = of_consumers | {f"{_CONSUMERS}{key}": each.value for key, each in producer.items() if _connects(key)}
    client = _client("consumer", CONSUMER_BASE, worker, raw)
    fixed: dict[str, Value] = {
        "allow.auto.create.topics": False,
        "auto.offset.reset": "earliest",
        "client.id": f"connector-offsets-{connector}",
        "enable.partition.eof": True,
        "group.id": f"{_worker_group(worker)}-offsets",
        "isolation.level": "read_committed",
    }
    return ClientConfig(alone(client.values) | fixed, client.warnings, client.max_poll_records)


def alone(values: Mapping[str, Value]) -> dict[str, Value]:
    """A consumer's config for one that never joins its group."""
    of_members = {"group.instance.id", "group.protocol", "group.remote.assignor"}
    return {key: value for key, value in values.items() if key not in of_members}


def protocol(values: Mapping[str, Value]) -> str:
    """The protocol of a consumer's group: ``classic``, or ``consumer`` (KIP-848)."""
    return str(values.get("group.protocol", CLASSIC))


def _connects(key: str) -> bool:
    return key == "bootstrap.servers" or client_security.is_security(key)


def internal_consumer(worker: Mapping[str, str], purpose: str, committed: bool) -> ClientConfig:
    """The worker's own reader of an internal topic, by assignment; ``purpose`` is ``configs`` or ``statuses``. It takes
    the worker's settings without a prefix, as Kafka Connect's does. As ``sink_consumer``."""
    base: dict[str, Value] = {
        **CONSUMER_BASE,
        "allow.auto.create.topics": False,
        "group.id": f"{_worker_group(worker)}-{purpose}",  # librdkafka asks for one; it is not joined
        "isolation.level": "read_committed" if committed else "read_uncommitted",
    }
    return _internal(base, worker, purpose)


def internal_producer(worker: Mapping[str, str], purpose: str) -> ClientConfig:
    """The worker's own producer for an internal topic, one request at a time so that the order is kept without
    idempotence, for which old brokers want a right of its own. As ``internal_consumer``."""
    ours = {"enable.idempotence": False, "max.in.flight.requests.per.connection": 1, "delivery.timeout.ms": 30_000}
    return _internal({**PRODUCER_BASE, **AT_ONCE, **ours}, worker, purpose)


def leader_transactional_id(group: str) -> str:
    """The transactional id of the leader of a group of workers (DistributedConfig.transactionalProducerId)."""
    return f"connect-cluster-{group}"


def leader_producer(worker: Mapping[str, str]) -> ClientConfig:
    """The leader's producer, which fences former leaders (KIP-618). As ``internal_consumer``."""
    transactional_id = leader_transactional_id(_worker_group(worker))
    return _internal({**PRODUCER_BASE, **AT_ONCE, "transactional.id": transactional_id}, worker, "configs-leader")


def _internal(base: Mapping[str, Value], worker: Mapping[str, str], purpose: str) -> ClientConfig:
    own = {key: value for key, value in worker.items() if not key.startswith(_NOT_CLIENTS) and key != "client.id"}
    middle = f"{trim(worker['client.id'])}-" if trim(worker.get("client.id", "")) else ""
    return _client("admin", {**base, "client.id": f"{_worker_group(worker)}-{middle}{purpose}"}, own, {})


def _worker_group(worker: Mapping[str, str]) -> str:
    return trim(worker.get("group.id", "")) or "connect"


def checked(role: Role, worker: Mapping[str, str], raw: Mapping[str, str]) -> tuple[list[KeyProblem], list[str]]:
    """What is wrong with a connector's ``<role>.override.*`` keys, and warnings by name."""
    found, prefix = _translated(role, _layers(role, worker, raw)), f"{role}.override."
    return (
        [problem for problem in found.problems if problem.key.startswith(prefix)],
        [warning for warning in found.warnings if warning.startswith(prefix)],
    )


def worker_checked(worker: Mapping[str, str]) -> tuple[list[KeyProblem], list[str]]:
    """What is wrong with a worker's own client settings, and warnings by name."""
    problems, warnings = dict[str, KeyProblem](), dict[str, None]()
    for role in TRANSLATIONS:
        result = _translated(role, _layers(role, worker, {}))
        problems |= {problem.key: problem for problem in result.problems}
        warnings |= dict.fromkeys(result.warnings)
    return list(problems.values()), list(warnings)


def _layers(role: Role, worker: Mapping[str, str], raw: Mapping[str, str]) -> dict[str, Given]:
    """The settings by their Java names, a stronger layer over a weaker one."""
    merged = {"bootstrap.servers": Given("bootstrap.servers", worker.get("bootstrap.servers", DEFAULT_BOOTSTRAP))}
    if role == "admin":
        merged |= {key: Given(key, value) for key, value in worker.items() if _is_admins(key)}
    for source, prefix in ((worker, f"{role}."), (raw, f"{role}.override.")):
        for name, value in source.items():
            if name.startswith(prefix) and not name.startswith(_LISTENERS):
                merged[name.removeprefix(prefix)] = Given(name, value)
    protocol = merged.get("security.protocol", Given("", "")).value
    if client_security.speaks_tls(protocol):
        return merged
    # Unprefixed keys for TLS are the REST API's as well; a client that speaks no TLS reads none of them, as in Java.
    return {key: given for key, given in merged.items() if given.name != key or not key.startswith("ssl.")}


def _is_admins(key: str) -> bool:
    return not key.startswith(_NOT_CLIENTS) and (key in TRANSLATIONS["admin"] or client_security.is_security(key))


def _client(role: Role, base: Mapping[str, Value], worker: Mapping[str, str], raw: Mapping[str, str]) -> ClientConfig:
    result = _translated(role, _layers(role, worker, raw))
    if result.problems:
        raise ConfigError(*result.problems)
    values = {**base, **result.values}
    records = values.pop("max.poll.records", 500)
    return ClientConfig(_consistent(role, values), tuple(result.warnings), int(records))


def _translated(role: Role, given: Mapping[str, Given]) -> _Translation:
    result = _Translation()
    security = {key: one for key, one in given.items() if client_security.is_security(key) and not denied(key)}
    _secure(role, security, result)
    for key, one in given.items():
        if key not in security:
            _plain(role, key, one, result)
    if role == "consumer":
        result.warnings += _of_other_protocol(protocol(result.values), given)
    return result


def _of_other_protocol(chosen: str, given: Mapping[str, Given]) -> Iterable[str]:
    for key, reason in OF_ONE_PROTOCOL[chosen].items():
        if key in given and trim(given[key].value):
            yield f"{given[key].name} has no effect with group.protocol={chosen}: {reason}"


def _secure(role: Role, given: Mapping[str, Given], result: _Translation) -> None:
    found = client_security.translate({key: one.value for key, one in given.items()})
    names = {key: one.name for key, one in given.items()}
    result.values |= found.values
    result.warnings += [f"{names.get(key, key)} {text}" for key, text in found.warnings.items()]
    for key, text in found.invalid.items():
        reason = f"Invalid value {trim(given[key].value)} for configuration {names[key]}: {text}"
        result.problems.append(KeyProblem(names[key], reason))
    for key, text in found.problems.items():
        name = names.get(key, key)
        meant = "" if key in client_security.NAMES else hint(name, key, role, client_security.NAMES)
        result.problems.append(_refusal(name, NO_SUCH + meant if meant else text))


def _plain(role: Role, key: str, given: Given, result: _Translation) -> None:
    name, value = given.name, given.value
    translation = TRANSLATIONS[role].get(key)
    if reason := denied(key):
        result.problems.append(_refusal(name, reason + hint(name, key, role, client_security.NAMES)))
    elif key in REFUSED and not harmless(key, value):
        result.problems.append(_refusal(name, REFUSED[key]))
    elif key in FORCED or key == "transactional.id":
        result.warnings += _replaced(key, given)
    elif translation is not None:
        try:
            result.values[translation.name], changed = converted(translation, value)
        except ValueError as error:
            result.problems.append(KeyProblem(name, f"Invalid value {value} for configuration {name}: {error}"))
        else:
            result.warnings += [f"{name}={value} {changed}"] if changed else []
    elif key not in SILENT:
        result.warnings.append(f"{name} has no effect on this {role}{hint(name, key, role, client_security.NAMES)}")


def _replaced(key: str, given: Given) -> Iterable[str]:
    wanted = FORCED.get(key, "")
    equal = {"-1": "all"}.get(trim(given.value), trim(given.value).lower())
    if equal != wanted:
        yield f"{given.name}={given.value} is replaced: exactly-once delivery needs {wanted or 'its own'}"


def _refusal(name: str, reason: str) -> KeyProblem:
    return KeyProblem(name, f"{name} is not supported: {reason}")


def _consistent(role: Role, values: dict[str, Value]) -> dict[str, Value]:
    """Meets the conditions between settings without which librdkafka refuses to start."""
    if "reconnect.backoff.ms" in values:
        values["reconnect.backoff.max.ms"] = max(
            int(values["reconnect.backoff.ms"]), int(values.get("reconnect.backoff.max.ms", 10000))
        )
    elif "reconnect.backoff.max.ms" in values:
        values["reconnect.backoff.ms"] = min(100, int(values["reconnect.backoff.max.ms"]))
    if "transactional.id" in values:
        # Both follow from transaction.timeout.ms, and may not exceed it.
        values.pop("delivery.timeout.ms", None)
        if "socket.timeout.ms" in values:
            limit = int(values.get("transaction.timeout.ms", 60000))
            values["socket.timeout.ms"] = min(int(values["socket.timeout.ms"]), limit)
    if role == "producer":
        _linger(values)
    if role == "consumer":
        # A fetch must have room for a message, and a poll may take longer than a silence.
        if "fetch.max.bytes" in values:
            values["message.max.bytes"] = min(
                int(values["fetch.max.bytes"]), int(values.get("message.max.bytes", 1000000))
            )
        for key in OF_ONE_PROTOCOL[protocol(values)]:
            values.pop(key, None)
        interval, session = (
            int(values.get("max.poll.interval.ms", 300000)),
            int(values.get("session.timeout.ms", 45000)),
        )
        if interval < session and protocol(values) == CLASSIC:
            values["session.timeout.ms"] = interval
    return values


def _linger(values: dict[str, Value]) -> None:
    """A record may not wait for others for longer than it has to arrive; without a limit that is 0."""
    is_transactional = "transactional.id" in values
    limit = int(values.get("transaction.timeout.ms", 60000) if is_transactional else values["delivery.timeout.ms"])
    if 0 < limit <= float(values.get("linger.ms", 5)):
        values["linger.ms"] = limit - 1
