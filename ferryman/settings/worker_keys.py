"""The keys of every worker: Kafka Connect's WorkerConfig, RestServerConfig and StandaloneConfig, declared once."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, SecretStr

from ferryman.config import Bool, Int, Long, Password, Plugin, Short, Str, Strings, any_case, key, trim
from ferryman.metrics.family import NAMES
from ferryman.settings import listeners, response_headers, rest_access
from ferryman.settings.listeners import Listener
from ferryman.settings.task_keys import TaskKeys

PREFIXES = (
    "key.converter.",
    "value.converter.",
    "header.converter.",
    "producer.",
    "consumer.",
    "admin.",
    "config.providers.",
    "listeners.https.",
)
"""Prefixes whose keys belong to something else: a converter, a client, a provider, a listener."""
CLIENT_PREFIXES = ("sasl.", "ssl.", "security.")
CLIENT_KEYS = frozenset(
    {
        "client.dns.lookup",
        "client.id",
        "client.rack",
        "connections.max.idle.ms",
        "default.api.timeout.ms",
        "metadata.max.age.ms",
        "metadata.recovery.rebootstrap.trigger.ms",
        "metadata.recovery.strategy",
        "receive.buffer.bytes",
        "reconnect.backoff.max.ms",
        "reconnect.backoff.ms",
        "request.timeout.ms",
        "retries",
        "retry.backoff.max.ms",
        "retry.backoff.ms",
        "send.buffer.bytes",
        "socket.connection.setup.timeout.max.ms",
        "socket.connection.setup.timeout.ms",
    }
)
"""Unprefixed keys that the worker's own admin client takes (ferryman.client_config)."""
POLICIES = ("All", "None", "Principal", "Allowlist")
_POLICY_CLASS = re.compile(
    r"(?:org\.apache\.kafka\.connect\.connector\.policy\.)?(\w+?)(?:ConnectorClientConfigOverridePolicy)?"
)


def _listeners(value: list[str]) -> list[str]:
    if not value:
        raise ValueError("at least one listener is needed")
    return _admin_listeners(value)


def _admin_listeners(value: list[str]) -> list[str]:
    for url in value:
        listeners.listener(url)
    return list(dict.fromkeys(value))


def _extensions(value: list[str]) -> list[str]:
    unknown = [each for each in value if each not in rest_access.EXTENSIONS]
    if unknown:
        known = ", ".join(sorted(rest_access.EXTENSIONS))
        raise ValueError(f"{unknown[0]} is Java code and cannot be loaded; known here are {known}")
    return value


def _access(value: SecretStr) -> SecretStr:
    rest_access.Access.parse(value.get_secret_value())
    return value


def _header_rules(value: str) -> str:
    response_headers.parse(value)
    return value


def _metric_names(value: list[str]) -> list[str]:
    if not value or set(value) - set(NAMES):
        raise ValueError(f"one or both of {', '.join(NAMES)} are expected")
    return value


def _policy(value: str) -> str:
    found = _POLICY_CLASS.fullmatch(value)
    if not found or found[1] not in POLICIES:
        raise ValueError(f"Class {value} could not be found. Known policies are {', '.join(POLICIES)}")
    return found[1]


def count(value: int) -> int:
    """A number of partitions or replicas; -1 leaves it to the broker. Raises ValueError."""
    if value < 1 and value != -1:
        raise ValueError("Value must be at least 1, or -1 for the broker's default")
    return value


Count = Annotated[Int, AfterValidator(count)]


Listeners = Annotated[Strings, AfterValidator(_listeners)]


class WorkerConfig(TaskKeys):
    """The settings of every worker, with the defaults of a standalone one."""

    bootstrap_servers: Strings = key(["localhost:9092"], importance="HIGH")
    """Addresses, host:port, of some of the Kafka cluster's brokers."""
    key_converter: Plugin = key(importance="HIGH")
    """Turns keys into bytes and back, for connectors that name no key.converter; its settings are key.converter.*."""
    value_converter: Plugin = key(importance="HIGH")
    """Turns values into bytes and back, for connectors without value.converter; its settings: value.converter.*."""
    header_converter: Plugin = key("org.apache.kafka.connect.storage.SimpleHeaderConverter", importance="LOW")
    """Turns header values into bytes and back, for connectors that name no header.converter."""
    group_id: Str = key("connect")
    """The prefix of transactional ids and of client ids. Workers that share a Kafka cluster need different ones."""
    task_shutdown_graceful_timeout_ms: Long = key(5000, importance="LOW")
    """Milliseconds that all tasks together have to end when the worker stops; then they are killed."""
    offset_flush_interval_ms: Long = key(60000, importance="LOW")
    """Milliseconds between commits of offsets, of sinks and of sources without transactions, and the default of
    transaction.boundary.interval.ms."""
    offset_flush_timeout_ms: Long = key(5000, importance="LOW")
    """Milliseconds that a commit of offsets may take."""
    exactly_once_source_support: (
        Annotated[Literal["disabled", "preparing", "enabled"], any_case("disabled", "preparing", "enabled")] | None
    ) = key(None, importance="HIGH")
    """Without it, every source delivers exactly once, by transactions. disabled: at least once and without them, as in
    Kafka Connect. preparing, enabled: exactly once, and the leader of a group writes to the config topic in fenced
    transactions, so that a former leader that comes back writes nothing; all workers go from another value to preparing
    before one goes to enabled."""
    offset_storage_file_filename: Str | None = key(None, importance="HIGH")
    """The offset file of a standalone worker on the JVM. Read once, for partitions that offset.storage.topic knows
    nothing about; never written."""
    offset_storage_topic: Str = key("connect-offsets", importance="HIGH")
    """The compacted topic that keeps the offsets of sources. If it must be created, it gets the settings of a topic in
    other keys: offset.storage.segment.bytes and so on."""
    offset_storage_partitions: Count = key(25, importance="LOW")
    """Partitions of that topic if it must be created; -1 for the broker's default."""
    offset_storage_replication_factor: Annotated[Short, AfterValidator(count)] = key(-1, importance="LOW")
    """Replication factor of that topic if it must be created; -1 for the broker's default."""
    config_providers: Strings = key([], importance="LOW")
    """Names of providers for references like ${name:path:key}; each is declared by config.providers.<name>.class."""
    connector_client_config_override_policy: Annotated[Str, AfterValidator(_policy)] = key("All")
    """Which client settings a connector may override: All, None, Principal (who it logs in as) or Allowlist."""
    connector_client_config_override_allowlist: Strings = key([])
    """With policy Allowlist: the client settings that a connector may override."""
    connector_allowed_paths: Strings = key([])
    """Folders, with all that is in them, in which connectors may read and write files: those of the file connectors,
    SQLite's databases, schemas, templates. Links are followed first. Empty: whatever the worker itself may read and
    write. Files for TLS are not meant."""
    ferryman_log_format: Annotated[Literal["text", "json"], any_case("text", "json")] = key("text", importance="LOW")
    """How the worker and its tasks log: lines of text, or one JSON object a line with time, level, logger, worker,
    connector, task, message, trace, and where the record lies that it is about. What is wrong with the settings
    themselves is said before, as text."""
    metrics_sample_window_ms: Long = key(30_000, at_least=1, importance="LOW")
    """Milliseconds of a window of the metrics that are a rate, a mean, a maximum or a percentage."""
    metrics_num_samples: Int = key(2, at_least=1, importance="LOW")
    """How many such windows count."""
    ferryman_metrics_enable: Bool = key(True, importance="LOW")
    """Whether there are metrics for Prometheus, under /metrics of the REST API."""
    ferryman_metrics_names: Annotated[Strings, AfterValidator(_metric_names)] = key(["exporter"], importance="LOW")
    """What the metrics are called that Kafka Connect has too: exporter is as the JMX exporter does with Strimzi's
    rules, reporter as Strimzi's metrics reporter does; with both, each metric is served twice."""
    ferryman_metrics_partitions: Bool = key(False, importance="LOW")
    """Whether the lag of sinks is served by partition too, not only their tasks' sum and maximum."""
    tasks_max_limit: Int = key(1000, at_least=1, importance="LOW")
    """The largest tasks.max that a connector may have; each task is a process."""
    topic_creation_enable: Bool = key(True, importance="LOW")
    """Whether topic.creation.* of source connectors has an effect."""
    topic_tracking_enable: Bool = key(True, importance="LOW")
    """Whether the topics that a connector uses are recorded."""
    topic_tracking_allow_reset: Bool = key(True, importance="LOW")
    """Whether that record may be reset over REST."""
    listeners: Listeners = key(["http://127.0.0.1:8083"], importance="LOW")
    """Where the REST API listens. Unlike Kafka Connect's it is reachable from this machine only, unless this says
    otherwise: http://:8083 listens on every interface."""
    rest_advertised_host_name: Str | None = key(None, importance="LOW")
    """The host under which others reach this worker: the first half of its worker_id. By default the listener's."""
    rest_advertised_port: Int | None = key(None, importance="LOW")
    """The port under which others reach this worker. By default the listener's."""
    rest_advertised_listener: Annotated[Literal["http", "https"], any_case("http", "https")] | None = key(
        None, importance="LOW"
    )
    """The scheme under which others reach this worker. By default http if any listener has it."""
    access_control_allow_origin: Str = key("", importance="LOW")
    """Web pages from these origins (comma-separated, or *) may use the REST API from a browser; empty for none."""
    access_control_allow_methods: Str = key("", importance="LOW")
    """HTTP methods that such pages may use; by default GET, POST and HEAD."""
    response_http_headers_config: Annotated[Str, AfterValidator(_header_rules)] = key("", importance="LOW")
    """Headers added to every answer: rules "set name: value" or "add name: value" (setDate, addDate: milliseconds from
    now), comma-separated."""
    rest_extension_classes: Annotated[Strings, AfterValidator(_extensions)] = key([], importance="LOW")
    """Kafka's BasicAuthSecurityRestExtension, which lets in whom java.security.auth.login.config names. Others are Java
    code and are refused."""
    java_security_auth_login_config: Str | None = key(None, importance="LOW")
    """The file with the JAAS entry KafkaConnect, for that extension. By default what the environment's KAFKA_OPTS says:
    -Djava.security.auth.login.config=FILE."""
    rest_auth: Annotated[Password, AfterValidator(_access)] | None = key(None)
    """Who may use the REST API, on all listeners: a list of basic:USER:PASSWORD, token:TOKEN (a bearer token) and
    file:PATH, a property file of names and passwords that is read again when it changes. By default everybody."""
    rest_auth_health: Bool = key(True, importance="LOW")
    """Whether /health is for those in rest.auth only; false lets everybody look, as probes do."""
    admin_listeners: Annotated[Strings, AfterValidator(_admin_listeners)] | None = key(None, importance="LOW")
    """Where the endpoints under /admin are served: there and nowhere else. By default on all listeners; empty: not at
    all."""
    ssl_client_auth: Literal["required", "requested", "none"] = key("none", importance="LOW")
    """Whether clients of https listeners must (required) or may (requested) show a certificate."""

    @property
    def transactional_sources(self) -> bool:
        """Whether sources deliver exactly once."""
        return self.exactly_once_source_support != "disabled"

    @property
    def addresses(self) -> list[Listener]:
        """The addresses in ``listeners``."""
        return [listeners.listener(url) for url in self.listeners]

    @property
    def admin_addresses(self) -> list[Listener]:
        """The addresses in ``admin.listeners``."""
        return [listeners.listener(url) for url in self.admin_listeners or ()]

    @property
    def advertised_address(self) -> Listener:
        """The address that this worker advertises; a host or port that no setting says is empty, or 0."""
        found = listeners.advertised(self.addresses, self.rest_advertised_listener)
        host = self.rest_advertised_host_name or found.host
        port = found.port if self.rest_advertised_port is None else self.rest_advertised_port
        return Listener(host, port, (self.rest_advertised_listener or found.scheme) == "https")

    @property
    def advertised(self) -> str:
        """``host:port`` of that address, which is also the worker_id."""
        found = self.advertised_address
        return listeners.authority(found.host or "localhost", found.port)


def log_format(values: Mapping[str, str]) -> Literal["text", "json"]:
    """How to log, of all keys of a worker as text, for whoever logs before it knows whether they are right."""
    return "json" if trim(values.get("ferryman.log.format", "")).lower() == "json" else "text"


Topic = Literal["config", "offset", "status"]
_NOT_TOPICS = {"topic", "partitions", "replication.factor", "file.filename", "cleanup.policy"}


def internal_topic(values: Mapping[str, str], topic: Topic) -> dict[str, str]:
    """The settings that an internal topic is to have, beside being compacted, of all keys of a worker as text."""
    prefix = f"{topic}.storage."
    given = {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}
    return {name: value for name, value in given.items() if name not in _NOT_TOPICS}
