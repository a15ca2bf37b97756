"""Makes a worker's internal topics where they are missing, and refuses those that would lose what is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.cimpl import NewTopic

from ferryman.errors import ConfigError, RetriableError, TaskError
from ferryman.kafka.admin import Admin
from ferryman.kafka.refusals import as_refusal

Kind = Literal["config", "offset", "status"]
_KEEPS: Mapping[Kind, str] = {
    "config": "connector configurations",
    "offset": "source connector offsets",
    "status": "connector and task statuses",
}
_HOPELESS = frozenset(
    {KafkaError.INVALID_CONFIG, KafkaError.INVALID_PARTITIONS, KafkaError.POLICY_VIOLATION, KafkaError.TOPIC_EXCEPTION}
)
"""Answers to its creation that trying again does not change."""

_HIDDEN = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.UNSUPPORTED_VERSION,
    }
)
"""Answers by which nobody may look at its settings, as ``TopicAdmin.describeTopicConfigs`` has them."""


@dataclass(frozen=True, slots=True)
class InternalTopic:
    """A topic as it is to be. It is always compacted; the config topic always has one partition."""

    kind: Kind
    name: str
    partitions: int
    """-1 leaves it to the broker."""
    replication_factor: int
    """-1 leaves it to the broker."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Its own settings, as the broker takes them."""
    named_by: str = ""
    """The key that names it, if that is not the worker's."""

    @property
    def key(self) -> str:
        """The key that names it."""
        return self.named_by or f"{self.kind}.storage.topic"

    @property
    def keys(self) -> str:
        """All keys that say what it is to be, for messages."""
        count = () if self.kind == "config" else ("partitions",)
        names = sorted(("topic", *count, *self.settings))
        return ", ".join(f"{self.kind}.storage.{name}" for name in names)


ANSWER_SECONDS = 5.0
"""Seconds to wait for the broker's list of topics; whoever asks tries again."""


def create(admin: Admin, topic: InternalTopic) -> None:
    """Creates the topic if it is missing, and looks at what is there then.

    Raises ConfigError for one that is not compacted, or for a config topic with several partitions, in Kafka Connect's
    words (KafkaTopicBasedBackingStore); TaskError if the broker makes no such topic; RetriableError if not now. Where
    nobody may look at its settings, they are trusted.
    """
    partitions = _partitions(admin, topic)
    if partitions is None:
        if _created(admin, topic):
            return
        # Somebody was faster, or the broker that was asked did not know of it yet.
        partitions = _partitions(admin, topic)
        if partitions is None:
            raise RetriableError(f"the {topic.kind}s topic {topic.name} is there, but the broker does not list it yet")
    policy = _cleanup_policy(admin, topic)
    if policy not in ("compact", None):
        raise ConfigError.for_key(topic.key, _forgets(topic, policy))
    if topic.kind == "config" and partitions != 1:
        raise ConfigError.for_key(
            topic.key,
            f"Topic '{topic.name}' supplied via the '{topic.key}' property is required to have a single partition in "
            f"order to guarantee consistency of connector configurations, but found {partitions} partitions.",
        )


def _partitions(admin: Admin, topic: InternalTopic) -> int | None:
    """How many there are; None without the topic."""
    try:
        found = admin.list_topics(timeout=ANSWER_SECONDS).topics.get(topic.name)
    except KafkaException as error:
        raise _untold(topic, error.args[0]) from error
    return None if found is None else len(found.partitions)


def _untold(topic: InternalTopic, reason: KafkaError) -> RetriableError:
    return RetriableError(f"the {topic.kind}s topic {topic.name} cannot be described: {reason.str()}")


def _created(admin: Admin, topic: InternalTopic) -> bool:
    """Whether it was made; False for one that is there."""
    settings = {**topic.settings, "cleanup.policy": "compact"}
    new = NewTopic(topic.name, topic.partitions, topic.replication_factor, config=settings)
    try:
        admin.create_topic(new)
        return True
    except KafkaException as error:
        reason: KafkaError = error.args[0]
        if reason.code() in _HOPELESS:
            text = f"the {topic.kind}s topic {topic.name}: {as_refusal(reason, topic.name)} (the keys are {topic.keys})"
            raise TaskError(text) from error
        if reason.code() != KafkaError.TOPIC_ALREADY_EXISTS:
            text = f"the {topic.kind}s topic {topic.name} cannot be created: {reason.str()}"
            raise RetriableError(f"{text}{_asked(topic, reason.code())}") from error
        return False


def _asked(topic: InternalTopic, code: int) -> str:
    if code != KafkaError.INVALID_REPLICATION_FACTOR:
        return ""
    return f" ({topic.kind}.storage.replication.factor is {topic.replication_factor})"


def _forgets(topic: InternalTopic, policy: str | None) -> str:
    keeps, compact = _KEEPS[topic.kind], "'cleanup.policy=compact'"
    return (
        f"Topic '{topic.name}' supplied via the '{topic.key}' property is required to have {compact} to guarantee "
        f"consistency and durability of {keeps}, but found the topic currently has 'cleanup.policy={policy}'. "
        f"Continuing would likely result in eventually losing {keeps} and problems restarting this Connect cluster in "
        f"the future. Change the '{topic.key}' property in the Connect worker configurations to use a topic with "
        f"{compact}."
    )


def _cleanup_policy(admin: Admin, topic: InternalTopic) -> str | None:
    """None where it is not to be seen."""
    try:
        entry = admin.settings(topic.name).get("cleanup.policy")
    except KafkaException as error:
        if error.args[0].code() in _HIDDEN:
            return None
        raise _untold(topic, error.args[0]) from error
    return None if entry is None else str(entry.value)
