"""What each Kafka client setting of the Java clients is called in librdkafka, what it may be, and which are refused.

Only what stands here reaches librdkafka: a key of a connector's config cannot load a library, run a command or send a
credential somewhere else, whatever its spelling.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from ferryman.config import split_list, trim
from ferryman.java import spelling

Role = Literal["producer", "consumer", "admin"]
Value = str | int | float | bool
INT_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Number:
    """A key whose value is a number."""

    name: str
    """Its name in librdkafka."""
    low: int = 0
    """The smallest value there."""
    high: int = INT_MAX
    """The largest value there."""
    unit: int = 1
    """How many of Java's units make one of librdkafka's."""


@dataclass(frozen=True, slots=True)
class Text:
    """A key whose value is a text or a boolean."""

    name: str
    """Its name in librdkafka."""
    values: tuple[str, ...] = ()
    """The values it may have, in lower case; none: any."""
    needed: bool = False
    """Whether it may not be empty."""


@dataclass(frozen=True, slots=True)
class Special:
    """A key whose value is translated, too."""

    name: str
    """Its name in librdkafka."""
    translate: Callable[[str], Value]
    """Java's value as librdkafka's. Raises ValueError for one that has no equal."""


KeyTranslation = Number | Text | Special
_BOOL = ("true", "false")
_ADDRESS = re.compile(r"(?:[0-9a-zA-Z\-%._]*://)?\[?(?P<host>[0-9a-zA-Z\-%._:]+?)\]?:(?P<port>[0-9]{1,9})")
_LAST_PORT = 65535


def _reset(value: str) -> Value:
    try:
        return {"earliest": "earliest", "latest": "latest", "none": "error"}[trim(value).lower()]
    except KeyError:
        raise ValueError("only earliest, latest and none are supported") from None


def _addresses(value: str) -> Value:
    given = [each for each in split_list(value) if each]
    if not given:
        raise ValueError("there is no address in it")
    return ",".join(map(_address, given))


def _address(url: str) -> str:
    """As Java's clients read one: a protocol before it says nothing, where librdkafka goes by it or gives up, and there
    is always a port. A reference that nothing was found for stays, for whoever checks a config elsewhere."""
    if "${" in url:
        return url
    found = _ADDRESS.fullmatch(url)
    if found is None:
        raise ValueError(f"Invalid url in bootstrap.servers: {url}")
    if int(found["port"]) > _LAST_PORT:
        raise ValueError(f"Invalid port in bootstrap.servers: {url}")
    host = found["host"]
    return f"[{host}]:{found['port']}" if ":" in host else f"{host}:{found['port']}"


def _strategies(value: str) -> Value:
    known = {"RangeAssignor": "range", "RoundRobinAssignor": "roundrobin", "range": "range", "roundrobin": "roundrobin"}
    names = [part.rpartition(".")[2] for part in split_list(value)]
    found = [known[name] for name in names if name in known]
    if not found:
        raise ValueError("only RangeAssignor and RoundRobinAssignor are supported")
    return ",".join(found)


COMMON: Mapping[str, KeyTranslation] = {
    "bootstrap.servers": Special("bootstrap.servers", _addresses),
    "client.id": Text("client.id"),
    "client.dns.lookup": Text("client.dns.lookup", ("use_all_dns_ips", "resolve_canonical_bootstrap_servers_only")),
    "client.rack": Text("client.rack"),
    "connections.max.idle.ms": Number("connections.max.idle.ms"),
    "enable.metrics.push": Text("enable.metrics.push", _BOOL),
    "metadata.max.age.ms": Number("topic.metadata.refresh.interval.ms", 1, 3600000),
    "metadata.recovery.rebootstrap.trigger.ms": Number("metadata.recovery.rebootstrap.trigger.ms"),
    "metadata.recovery.strategy": Text("metadata.recovery.strategy", ("none", "rebootstrap")),
    "receive.buffer.bytes": Number("socket.receive.buffer.bytes", 0, 100000000),
    "reconnect.backoff.max.ms": Number("reconnect.backoff.max.ms", 0, 3600000),
    "reconnect.backoff.ms": Number("reconnect.backoff.ms", 0, 3600000),
    "request.timeout.ms": Number("socket.timeout.ms", 10, 300000),
    "retry.backoff.max.ms": Number("retry.backoff.max.ms", 1, 300000),
    "retry.backoff.ms": Number("retry.backoff.ms", 1, 300000),
    "send.buffer.bytes": Number("socket.send.buffer.bytes", 0, 100000000),
    "socket.connection.setup.timeout.ms": Number("socket.connection.setup.timeout.ms", 1000),
    # librdkafka's own
    "broker.address.family": Text("broker.address.family", ("any", "v4", "v6")),
    "log.connection.close": Text("log.connection.close", _BOOL),
    "message.max.bytes": Number("message.max.bytes", 1000, 1000000000),
    "socket.keepalive.enable": Text("socket.keepalive.enable", _BOOL),
    "socket.timeout.ms": Number("socket.timeout.ms", 10, 300000),
    "topic.metadata.refresh.interval.ms": Number("topic.metadata.refresh.interval.ms", 1, 3600000),
}
PRODUCER: Mapping[str, KeyTranslation] = {
    "batch.size": Number("batch.size", 1),
    "buffer.memory": Number("queue.buffering.max.kbytes", 1, unit=1024),
    "compression.type": Text("compression.type", ("none", "gzip", "snappy", "lz4", "zstd")),
    "compression.gzip.level": Number("compression.level", 0, 9),
    "compression.lz4.level": Number("compression.level", 0, 12),
    "compression.zstd.level": Number("compression.level", 0, 12),
    "delivery.timeout.ms": Number("delivery.timeout.ms"),
    "linger.ms": Number("linger.ms", 0, 900000),
    "max.in.flight.requests.per.connection": Number("max.in.flight.requests.per.connection", 1, 5),
    "max.request.size": Number("message.max.bytes", 1000, 1000000000),
    "request.timeout.ms": Number("request.timeout.ms", 1, 900000),
    "retries": Number("retries", 1),
    "transaction.timeout.ms": Number("transaction.timeout.ms", 1000),
    # librdkafka's own
    "batch.num.messages": Number("batch.num.messages", 1, 1000000),
    "compression.level": Number("compression.level", -1, 12),
    "message.timeout.ms": Number("delivery.timeout.ms"),
    "queue.buffering.max.kbytes": Number("queue.buffering.max.kbytes", 1),
    "queue.buffering.max.messages": Number("queue.buffering.max.messages"),
    "queue.buffering.max.ms": Number("linger.ms", 0, 900000),
    "sticky.partitioning.linger.ms": Number("sticky.partitioning.linger.ms", 0, 900000),
}
CONSUMER: Mapping[str, KeyTranslation] = {
    "allow.auto.create.topics": Text("allow.auto.create.topics", _BOOL),
    "auto.offset.reset": Special("auto.offset.reset", _reset),
    "check.crcs": Text("check.crcs", _BOOL),
    "fetch.max.bytes": Number("fetch.max.bytes", 1000, INT_MAX - 512),
    "fetch.max.wait.ms": Number("fetch.wait.max.ms", 0, 300000),
    "fetch.min.bytes": Number("fetch.min.bytes", 1, 100000000),
    "group.id": Text("group.id", needed=True),  # without one librdkafka's consumer aborts the process
    "group.instance.id": Text("group.instance.id"),
    "group.protocol": Text("group.protocol", ("classic", "consumer")),
    "group.remote.assignor": Text("group.remote.assignor"),
    "heartbeat.interval.ms": Number("heartbeat.interval.ms", 1, 3600000),
    "isolation.level": Text("isolation.level", ("read_committed", "read_uncommitted")),
    "max.partition.fetch.bytes": Number("max.partition.fetch.bytes", 1, 1000000000),
    "max.poll.interval.ms": Number("max.poll.interval.ms", 1, 86400000),
    "max.poll.records": Number("max.poll.records", 1),
    "partition.assignment.strategy": Special("partition.assignment.strategy", _strategies),
    "session.timeout.ms": Number("session.timeout.ms", 1, 3600000),
    # librdkafka's own
    "fetch.error.backoff.ms": Number("fetch.error.backoff.ms", 0, 300000),
    "fetch.queue.backoff.ms": Number("fetch.queue.backoff.ms", 0, 300000),
    "fetch.wait.max.ms": Number("fetch.wait.max.ms", 0, 300000),
    "queued.max.messages.kbytes": Number("queued.max.messages.kbytes", 1, 2097151),
    "queued.min.messages": Number("queued.min.messages", 1, 10000000),
}
TRANSLATIONS: Mapping[Role, Mapping[str, KeyTranslation]] = {
    "producer": {**COMMON, **PRODUCER},
    "consumer": {**COMMON, **CONSUMER},
    "admin": COMMON,
}

_BROKERS = "the broker's group.consumer.{} applies"
OF_ONE_PROTOCOL: Mapping[str, Mapping[str, str]] = {
    "classic": {"group.remote.assignor": "the members of a classic group assign its partitions themselves"},
    "consumer": {
        "group.instance.id": "a killed task would keep its successor out until its session is over",
        "heartbeat.interval.ms": _BROKERS.format("heartbeat.interval.ms"),
        "partition.assignment.strategy": "the broker assigns the partitions, see group.remote.assignor",
        "session.timeout.ms": _BROKERS.format("session.timeout.ms"),
    },
}
"""Settings of consumers that have no effect with a group.protocol, and why."""
JAVA_ONLY = frozenset(
    {
        "auto.commit.interval.ms",
        "auto.include.jmx.reporter",
        "bootstrap.controllers",
        "config.providers",
        "default.api.timeout.ms",
        "exclude.internal.topics",
        "internal.leave.group.on.close",
        "max.block.ms",
        "metadata.max.idle.ms",
        "metric.reporters",
        "metrics.num.samples",
        "metrics.recording.level",
        "metrics.sample.window.ms",
        "partitioner.adaptive.partitioning.enable",
        "partitioner.availability.timeout.ms",
        "retries",
        "share.acknowledgement.mode",
        "socket.connection.setup.timeout.max.ms",
        "throw.on.fetch.stable.offset.unsupported",
    }
)
"""Settings of the Java clients that librdkafka has nothing like: they have no effect, but are spelled right."""
FORCED: Mapping[str, str] = {
    "acks": "all",
    "enable.auto.commit": "false",
    "enable.auto.offset.store": "false",
    "enable.idempotence": "true",
}
"""Settings that exactly-once delivery needs as they are; others are replaced, with a warning."""
SILENT = frozenset({"key.serializer", "value.serializer", "key.deserializer", "value.deserializer"})
"""Settings that Kafka Connect replaces, too."""
_JAVA_CODE = "it names Java code, which cannot be loaded"
_FIXED_PARTITIONER = "records go where Java's default partitioner (murmur2) or they themselves say"
REFUSED: Mapping[str, str] = {
    "interceptor.classes": _JAVA_CODE,
    "partitioner.class": _FIXED_PARTITIONER,
    "partitioner.ignore.keys": _FIXED_PARTITIONER,
    "partitioner": _FIXED_PARTITIONER,
    "transaction.two.phase.commit.enable": "only the worker commits transactions",
}
"""Settings that change what is written, or where to; see ``harmless`` for the values that do not."""
_HARMLESS = re.compile(
    r"partitioner\.ignore\.keys=false|transaction\.two\.phase\.commit\.enable=false"
    r"|partitioner=murmur2_random|partitioner\.class=(org\.apache\.kafka\.clients\.producer\.internals\.DefaultPartitioner)?"
    r"|interceptor\.classes=(?:\s*+(?:,\s*+)?io\.confluent\.monitoring\.clients\.interceptor\.\w++)*",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"plugin\.library\.paths|ssl\.engine\..*|ssl\.providers?|sasl\.kerberos\.kinit\.cmd|sasl\.oauthbearer\..*|https\.ca\..*"
    r"|sasl\.login\.(class|callback\.handler\.class)|sasl\.client\.callback\.handler\.class|enable\.sasl\.oauthbearer\..*"
)
NO_SUCH = "no Kafka client has a setting of that name"
_PLAIN = re.compile(r"[a-z0-9.]+")


def denied(key: str) -> str | None:
    """Why a client setting is refused in whatever spelling, worker or connector, policy or not; None if it is not.

    librdkafka would load libraries, run commands, read files or post credentials for these (compare CVE-2023-25194 and
    CVE-2025-27817 for the Java clients).
    """
    spelling = re.sub(r"[\s_\-]+", ".", unicodedata.normalize("NFKC", key).casefold().strip())
    if _DENIED.fullmatch(spelling):
        return "it could load code, run commands, read files or send credentials elsewhere"
    if not _PLAIN.fullmatch(key):
        return NO_SUCH
    return None


def hint(name: str, key: str, role: Role, others: Iterable[str]) -> str:
    """What may have been meant by a setting that no client of that role has; ``name`` is its full key in the config,
    ``others`` are settings that are known beside those of TRANSLATIONS."""
    if key in JAVA_ONLY:
        return ""
    prefix = name.removesuffix(key)
    if key.startswith("override."):
        return f"; did you mean {prefix}{key.removeprefix('override.')}?"
    known = {*TRANSLATIONS[role], *FORCED, *REFUSED, *JAVA_ONLY, "transactional.id", *others}
    if found := spelling.meant(prefix + key, [prefix + each for each in known]):
        return found
    whose = next((other for other in TRANSLATIONS if key in TRANSLATIONS[other]), None)
    return f"; it is a setting of {whose}s" if whose else ""


def harmless(key: str, value: str) -> bool:
    """Whether a setting of REFUSED has a value that changes nothing."""
    return bool(_HARMLESS.fullmatch(f"{key}={trim(value)}"))


def converted(translation: KeyTranslation, value: str) -> tuple[Value, str | None]:
    """The value for librdkafka, and what was changed about it. Raises ValueError, in words for the user."""
    match translation:
        case Special():
            return translation.translate(value), None
        case Text():
            text = trim(value)
            if translation.values and text.lower() not in translation.values:
                raise ValueError(f"String must be one of: {', '.join(translation.values)}")
            if translation.needed and not text:
                raise ValueError("String must be non-empty")
            return (text.lower() if translation.values else text), None
        case Number():
            return _number(translation, trim(value))


def _number(translation: Number, text: str) -> tuple[int, str | None]:
    if not re.fullmatch(r"[+-]?\d+", text):
        raise ValueError("Not a number of type LONG")
    wanted = -(-int(text) // translation.unit)
    value = min(max(wanted, translation.low), translation.high)
    changed = value != wanted and wanted < INT_MAX and int(text) != -1
    return value, f"becomes {value * translation.unit}, the nearest value that the client accepts" if changed else None
