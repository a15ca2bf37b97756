"""The keys that every connector has, as Kafka Connect's ConnectorConfig and its sink and source halves declare them."""

from collections.abc import Iterable, Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator

from ferryman.config import (
    Bool,
    Config,
    Int,
    Long,
    NonEmpty,
    Plugin,
    Short,
    Shown,
    Str,
    Strings,
    any_case,
    key,
    split_list,
    trim,
)
from ferryman.config_fields import NAMES, PATTERN, of_null
from ferryman.errors import ConfigError, KeyProblem
from ferryman.regex.pattern import Pattern, TooSlow, compiled


def _name(value: str) -> str:
    if not value:
        raise ValueError("String may not be empty")
    codes = [str(ord(letter)) for letter in value if ord(letter) < 32 or 127 <= ord(letter) < 160]
    if codes:
        raise ValueError(
            f"String may not contain control sequences but had the following ASCII chars: {', '.join(codes)}"
        )
    return value


def _aliases(value: list[str]) -> list[str]:
    if len(set(value)) != len(value):
        raise ValueError("Duplicate alias provided.")
    return value


def _each_once(topics: list[str]) -> list[str]:
    """librdkafka takes no list that names a topic twice."""
    return list(dict.fromkeys(topics))


def _pattern(value: str) -> str:
    try:
        if value:
            compiled(value, "topics.regex")
    except ConfigError as error:
        raise ValueError(str(error)) from None
    return value


NOT_ENABLED = "This worker does not have exactly-once source support enabled."
"""Why a connector that requires exactly-once delivery is refused."""
REPLAYED = "-replayed"
"""The suffix that a topic of dead letters gets in the name of the topic that says which were replayed."""
Aliases = Annotated[Strings, AfterValidator(_aliases), of_null("entry must be non null")]


class ConnectorConfig(Config):
    """What sinks and sources share."""

    ignored: ClassVar[tuple[str, ...]] = (
        "confluent.license",
        "confluent.topic.",
        "_comment",
        "//",
        "#",
        "_doc",
        "task.class",
        "internal.",
    )

    name: Annotated[Str, AfterValidator(_name)] = key(
        importance="HIGH", shown=Shown("Common", 1, "MEDIUM", "Connector name")
    )
    """The connector's name, unique in its worker or cluster."""
    connector_class: Str = key(importance="HIGH", shown=Shown("Common", 2, "LONG", "Connector class"))
    """The connector: its Java class name as known from Kafka Connect, that name's alias, or Ferryman's own name."""
    connector_plugin_version: Str | None = key(None, shown=Shown("Common", 3, "MEDIUM", "Connector version"))
    """The version, or range of versions in Maven's notation, that the connector's package must have."""
    tasks_max: Int = key(1, at_least=1, importance="HIGH", shown=Shown("Common", 4, "SHORT", "Tasks max"))
    """The most tasks that this connector may be split into."""
    tasks_max_enforce: Bool = key(True, importance="LOW", shown=Shown("Common", 5, "SHORT", "Enforce tasks max"))
    """Whether a connector that makes more tasks than tasks.max fails; false only warns."""
    key_converter: Plugin | None = key(None, importance="LOW", shown=Shown("Common", 6, "SHORT", "Key converter class"))
    """Turns keys into bytes and back. If set, only this connector's key.converter.* keys apply, else the worker's."""
    key_converter_plugin_version: Str | None = key(
        None, importance="LOW", shown=Shown("Common", 7, "SHORT", "Key converter version")
    )
    """As connector.plugin.version, for key.converter."""
    value_converter: Plugin | None = key(
        None, importance="LOW", shown=Shown("Common", 8, "SHORT", "Value converter class")
    )
    """As key.converter, for values."""
    value_converter_plugin_version: Str | None = key(
        None, importance="LOW", shown=Shown("Common", 9, "SHORT", "Value converter version")
    )
    """As connector.plugin.version, for value.converter."""
    header_converter: Plugin | None = key(
        None, importance="LOW", shown=Shown("Common", 10, "SHORT", "Header converter class")
    )
    """Turns header values into bytes and back; by default the worker's, which is SimpleHeaderConverter."""
    header_converter_plugin_version: Str | None = key(
        None, importance="LOW", shown=Shown("Common", 11, "SHORT", "Header converter version")
    )
    """As connector.plugin.version, for header.converter."""
    transforms: Aliases = key([], importance="LOW", shown=Shown("Transforms", 12, "LONG", "Transforms"))
    """Aliases of the transforms that each record passes, in order; each has its own transforms.<alias>.* keys."""
    predicates: Aliases = key([], importance="LOW", shown=Shown("Predicates", 13, "LONG", "Predicates"))
    """Aliases of the predicates that transforms may refer to; each has its own predicates.<alias>.* keys."""
    config_action_reload: Literal["none", "restart"] = key(
        "restart", importance="LOW", shown=Shown("Common", 14, "MEDIUM", "Reload Action")
    )
    """Accepted for compatibility and without effect: none of the config providers here gives values that expire."""
    errors_retry_timeout: Long = key(0, shown=Shown("Error Handling", 1, "MEDIUM", "Retry Timeout for Errors"))
    """How long, in milliseconds, an outage is retried before the task fails, over all its sessions; 0 and -1 are
    without end."""
    errors_retry_delay_max_ms: Long = key(
        60000, shown=Shown("Error Handling", 2, "MEDIUM", "Maximum Delay Between Retries for Errors")
    )
    """The longest wait between two tries, in milliseconds."""
    errors_tolerance: Literal["none", "all"] = key("none", shown=Shown("Error Handling", 3, "SHORT", "Error Tolerance"))
    """What a data error does: none fails the task, all skips the record. Outages are retried under both."""
    errors_log_enable: Bool = key(False, shown=Shown("Error Handling", 4, "SHORT", "Log Errors"))
    """Whether each data error is logged, with the stage and the record's coordinates."""
    errors_log_include_messages: Bool = key(False, shown=Shown("Error Handling", 5, "SHORT", "Log Error Details"))
    """Whether that log line also describes the record."""

    @classmethod
    def rules(cls, raw: Mapping[str, str]) -> Iterable[KeyProblem]:
        """What is wrong between the keys of all sinks, or all sources, by their texts, whichever of them parse."""
        return ()

    @classmethod
    def warnings(cls, raw: Mapping[str, str]) -> Iterable[str]:
        """A warning about config.action.reload, unless it has its default."""
        if trim(raw.get("config.action.reload", "restart")) != "restart":
            yield "config.action.reload has no effect: none of the config providers here gives values that expire"

    @property
    def tries_when_refused(self) -> int | None:
        """How often a system that refuses is tried again before anything went well; None is for a minute. Connectors
        that have a key for it (max.retries, connection.attempts) say so."""
        return None


class SinkConfig(ConnectorConfig):
    """The keys that every sink has, beside those of all connectors. A sink's config class derives from it."""

    topics: Annotated[Strings, AfterValidator(_each_once), NAMES] = key(
        [], importance="HIGH", shown=Shown("Common", 4, "LONG", "Topics")
    )
    """The topics to consume."""
    topics_regex: Annotated[Str, AfterValidator(_pattern), PATTERN] = key(
        "", importance="HIGH", shown=Shown("Common", 4, "LONG", "Topics regex")
    )
    """A Java regular expression that names the topics to consume, instead of topics."""
    errors_deadletterqueue_topic_name: Str = key(
        "", shown=Shown("Error Handling", 6, "MEDIUM", "Dead Letter Queue Topic Name")
    )
    """The topic for records that were skipped; empty for none."""
    errors_deadletterqueue_topic_replication_factor: Short = key(
        3, shown=Shown("Error Handling", 7, "MEDIUM", "Dead Letter Queue Topic Replication Factor")
    )
    """The replication factor with which a missing dead letter queue topic is created."""
    errors_deadletterqueue_context_headers_enable: Bool = key(
        False, shown=Shown("Error Handling", 8, "MEDIUM", "Enable Error Context Headers")
    )
    """Whether dead letters carry __connect.errors.* headers with the reason and the record's original coordinates."""

    @property
    def written_topics(self) -> tuple[str, ...]:
        """The topics that the connector writes itself, or that replays of its letters are marked in; topics.regex never
        brings them in."""
        letters = self.errors_deadletterqueue_topic_name
        return (letters, letters + REPLAYED) if letters else ()

    def problems(self) -> Iterable[KeyProblem]:
        """The rules between topics, topics.regex and the dead letter queue."""
        return _subscription(self.topics, self.topics_regex, self.errors_deadletterqueue_topic_name)

    @classmethod
    def rules(cls, raw: Mapping[str, str]) -> Iterable[KeyProblem]:
        """The same; as in Kafka Connect, a pattern that is none is one that is set."""
        topics = _each_once(split_list(raw.get("topics", "")))
        queue = trim(raw.get("errors.deadletterqueue.topic.name", ""))
        return _subscription(topics, trim(raw.get("topics.regex", "")), queue)

    def pattern(self) -> Pattern:
        """topics.regex compiled; raises ConfigError for one that is no pattern of Java's."""
        return compiled(self.topics_regex, "topics.regex")


def _subscription(topics: list[str], pattern: str, queue: str) -> Iterable[KeyProblem]:
    """What is wrong with what a sink reads (SinkConnectorConfig.validate); ``queue`` is for its dead letters."""
    if topics and pattern:
        text = "topics and topics.regex are mutually exclusive options, but both are set."
        yield KeyProblem("topics", text)
        yield KeyProblem("topics.regex", text)
    if not topics and not pattern:
        yield KeyProblem("topics", "Must configure one of topics or topics.regex")
        yield KeyProblem("topics.regex", "Must configure one of topics or topics.regex")
    if "" in topics:
        yield KeyProblem("topics", "Configuration 'topics' values must not be empty.")
    if queue and queue in topics:
        yield KeyProblem(
            "topics",
            f"The DLQ topic '{queue}' may not be included in the list of topics "
            f"('topics=[{', '.join(topics)}]') consumed by the connector",
        )
    if queue and pattern and (message := _reads(pattern, queue)):
        yield KeyProblem("topics.regex", message)


def _reads(pattern: str, queue: str) -> str | None:
    """What is wrong if the pattern matches the dead letter queue."""
    try:
        matches = compiled(pattern, "topics.regex").matches(queue)
    except TooSlow as error:
        return str(error)
    except ConfigError:  # no pattern, which is said elsewhere
        return None
    if not matches:
        return None
    return (
        f"The DLQ topic '{queue}' may not be matched by the regex for the topics "
        f"('topics.regex={pattern}') consumed by the connector"
    )


def own_offsets_topic(raw: Mapping[str, str]) -> str:
    """The topic for its offsets that a source's config names, as text with its references resolved; empty for none."""
    return trim(raw.get("offsets.storage.topic", ""))


def _queue_of_offsets(queue: str, offsets: str | None) -> Iterable[KeyProblem]:
    if queue and queue == offsets:
        name = "errors.deadletterqueue.topic.name"
        yield KeyProblem(name, f"The DLQ topic '{queue}' may not be the topic of the connector's offsets")


class SourceConfig(ConnectorConfig):
    """The keys that every source has, beside those of all connectors. A source's config class derives from it."""

    @property
    def dead_letter_queue(self) -> str:
        """The topic for records that are skipped; empty for none. Without tolerance none is skipped: the one that fails
        the task stays in the source, and comes again."""
        return self.errors_deadletterqueue_topic_name if self.errors_tolerance == "all" else ""

    @property
    def written_topics(self) -> tuple[str, ...]:
        """The topics that the connector writes, as far as its config names them; beside the dead letter queue."""
        return ()

    def problems(self) -> Iterable[KeyProblem]:
        """A dead letter queue that is the topic of offsets."""
        return _queue_of_offsets(self.errors_deadletterqueue_topic_name, self.offsets_storage_topic)

    @classmethod
    def rules(cls, raw: Mapping[str, str]) -> Iterable[KeyProblem]:
        """What ``problems`` says, of a config as text."""
        return _queue_of_offsets(trim(raw.get("errors.deadletterqueue.topic.name", "")), own_offsets_topic(raw))

    topic_creation_groups: Aliases = key(
        [], importance="LOW", shown=Shown("Topic Creation", 1, "LONG", "Topic Creation Groups")
    )
    """Names of groups of topics that are created with their own topic.creation.<group>.* settings."""
    exactly_once_support: Annotated[Literal["required", "requested"], any_case("required", "requested")] = key(
        "requested", shown=Shown("Exactly Once Support", 2, "SHORT", "Exactly once support")
    )
    """Whether the connector refuses to run without exactly-once delivery (required): on a worker with
    exactly.once.source.support=disabled, or if it says itself that it cannot."""
    transaction_boundary: Annotated[
        Literal["interval", "poll", "connector"], any_case("interval", "poll", "connector")
    ] = key("poll", shown=Shown("Exactly Once Support", 3, "SHORT", "Transaction Boundary"))
    """What ends a transaction: each poll, an interval, or the connector itself, if it can."""
    transaction_boundary_interval_ms: Long | None = key(
        None,
        at_least=0,
        importance="LOW",
        shown=Shown("Exactly Once Support", 4, "SHORT", "Transaction boundary interval"),
    )
    """With boundary interval: milliseconds between commits; by default the worker's offset.flush.interval.ms."""
    offsets_storage_topic: Annotated[Str | None, NonEmpty] = key(
        None, importance="LOW", shown=Shown("offsets.topic", 1, "LONG", "Offsets topic")
    )
    """The topic for this connector's offsets, instead of the worker's."""
    errors_deadletterqueue_topic_name: Str = key(
        "", listed=False, shown=Shown("Error Handling", 6, "MEDIUM", "Dead Letter Queue Topic Name")
    )
    """The topic for records that errors.tolerance=all skips, as the source handed them over; empty for none. Kafka
    Connect has no dead letter queue for sources."""
    errors_deadletterqueue_topic_replication_factor: Short = key(
        3, listed=False, shown=Shown("Error Handling", 7, "MEDIUM", "Dead Letter Queue Topic Replication Factor")
    )
    """The replication factor with which a missing dead letter queue topic is created."""
    errors_deadletterqueue_context_headers_enable: Bool = key(
        False, listed=False, shown=Shown("Error Handling", 8, "MEDIUM", "Enable Error Context Headers")
    )
    """Whether dead letters carry __connect.errors.* headers with the reason."""
