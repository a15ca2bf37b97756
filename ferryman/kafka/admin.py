"""An admin client that is there only while it is needed.

A client of librdkafka keeps a connection, three or four threads and up to two megabytes, and wakes up every second.
task asks the cluster something when it starts and twice a minute after that.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    OffsetSpec,
    ResourceType,
    TopicDescription,
)

from ferryman.retry.leader import LEADER_MOVING, RETRY_SECONDS

ANSWER_SECONDS = 60.0
"""The default number of seconds for an answer."""
FIRST_TRY_SHARE = 0.25
"""The part of its time for which a client that has been asked before is believed to know who leads the partitions."""
AGREE_SECONDS = 5.0
"""How long a broker may not have heard of leaders yet that others know: of a topic that was just made, say."""
_TOO_NEW = frozenset({KafkaError._NOENT, KafkaError.UNKNOWN_TOPIC_OR_PART})
"""What is said of a topic that is too new, and of one that there is not: librdkafka has heard of no leader of any
partition, or a leader not yet of its partition."""
_ANOTHER = frozenset(
    {
        KafkaError._TIMED_OUT,
        KafkaError._TRANSPORT,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.NOT_CONTROLLER,
    }
)
"""What another client may not hear: this one asks a broker that is gone."""
Answer = TypeVar("Answer")
Told = tuple[dict[TopicPartition, int], KafkaException | None]
"""What is known, and why that is not all."""


class Admin:
    """Makes its client at the first question, and lets it go with ``close``; the next question makes another one.

    librdkafka's client asks one broker about topics: the one that it once heard to be the controller, which may be any
    (KIP-590). It keeps to it when it is gone, as it keeps to the former leader of a partition, until it looks again,
    perhaps a quarter of an hour later. So a client that has been asked before is replaced when its answer does not
    come. Calls raise KafkaException.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = dict(config)
        self._client: AdminClient | None = None

    @property
    def living(self) -> bool:
        """Whether there is a client now."""
        return self._client is not None

    @property
    def _made(self) -> AdminClient:
        client = self._client
        if client is None:
            client = self._client = AdminClient(self._config)
        return client

    def close(self) -> None:
        """Lets the client go; for when all answers are in."""
        self._client = None

    def describe_cluster(self, request_timeout: float) -> "Future[Any]":
        return self._made.describe_cluster(request_timeout=request_timeout)

    def list_topics(self, timeout: float) -> Any:
        return self._made.list_topics(timeout=timeout)

    def described(self, topics: Iterable[str], within: float = ANSWER_SECONDS) -> dict[str, TopicDescription]:
        """The descriptions of these topics, as far as they exist."""
        wanted = TopicCollection(list(topics))
        return self._answered(lambda client, left: _described(client, wanted, left), within)

    def create_topic(self, topic: NewTopic, within: float = ANSWER_SECONDS) -> None:
        """Also raises for one that is there: it may have been created by this very call, if a first answer was lost."""
        self._answered(lambda client, left: _created(client, topic, left), within)

    def members(self, group: str, within: float = ANSWER_SECONDS) -> int:
        """How many a group has; 0 for one that there is not."""
        return self._answered(lambda client, left: _members(client, group, left), within)

    def static_members(self, group: str, within: float = ANSWER_SECONDS) -> frozenset[str]:
        """The group.instance.ids of a group's members."""
        return self._answered(lambda client, left: _static_members(client, group, left), within)

    def committed(self, group: str, within: float = ANSWER_SECONDS) -> list[TopicPartition]:
        """The next offsets that a group has committed, of all partitions."""
        return self._answered(lambda client, left: _committed(client, group, left), within)

    def settings(self, topic: str, within: float = ANSWER_SECONDS) -> dict[str, ConfigEntry]:
        """The settings of a topic, by their names."""
        resource = ConfigResource(ResourceType.TOPIC, topic)
        return self._answered(lambda client, left: _settings(client, resource, left), within)

    def _answered(self, ask: Callable[[AdminClient, float], Answer], within: float) -> Answer:
        until = time.monotonic() + within
        if self.living:
            try:
                return ask(self._made, FIRST_TRY_SHARE * within)
            except KafkaException as error:
                if error.args[0].code() not in _ANOTHER:
                    raise
            self.close()
        return ask(self._made, max(until - time.monotonic(), RETRY_SECONDS))

    def offsets(
        self, wanted: Mapping[TopicPartition, OffsetSpec], isolation: IsolationLevel, within: float
    ) -> dict[TopicPartition, int]:
        """Where partitions begin or end, all of them. KafkaException if one is not told within so many seconds."""
        found, failure = self._told(wanted, isolation, within, AGREE_SECONDS)
        if failure is not None:
            raise failure
        return found

    def some_offsets(
        self, wanted: Mapping[TopicPartition, OffsetSpec], isolation: IsolationLevel, within: float
    ) -> dict[TopicPartition, int]:
        """The same, of those partitions that are told. Whoever asks knows them already: one that is not known to the
        brokers is no new one but gone, and not waited for."""
        return self._told(wanted, isolation, within, 0.0)[0]

    def _told(
        self, wanted: Mapping[TopicPartition, OffsetSpec], isolation: IsolationLevel, within: float, agree: float
    ) -> Told:
        began, found = time.monotonic(), dict[TopicPartition, int]()
        until = began + within
        part = FIRST_TRY_SHARE if self.living else 1.0
        while True:
            left = {each: which for each, which in wanted.items() if each not in found}
            more, failure = _told(self._made, left, isolation, part * max(until - time.monotonic(), RETRY_SECONDS))
            found |= more
            if failure is None:
                return found, None
            self.close()
            if time.monotonic() >= until or (part == 1.0 and not _passes(failure, time.monotonic() - began < agree)):
                return found, failure
            part = 1.0
            time.sleep(RETRY_SECONDS)

    def poll(self, timeout: float) -> int:
        """Lets the client report errors that it has met in the background (``error_cb``)."""
        return self._made.poll(timeout)


def _described(client: AdminClient, topics: TopicCollection, within: float) -> dict[str, TopicDescription]:
    found = dict[str, TopicDescription]()
    for name, answer in client.describe_topics(topics, request_timeout=within).items() if topics.topic_names else ():
        try:
            found[name] = answer.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise
    return found


def _created(client: AdminClient, topic: NewTopic, within: float) -> None:
    client.create_topics([topic], request_timeout=within)[topic.topic].result()


def _members(client: AdminClient, group: str, within: float) -> int:
    return len(_those_of(client, group, within))


def _static_members(client: AdminClient, group: str, within: float) -> frozenset[str]:
    return frozenset(each.group_instance_id for each in _those_of(client, group, within) if each.group_instance_id)


def _those_of(client: AdminClient, group: str, within: float) -> Sequence[Any]:
    try:
        found = client.describe_consumer_groups([group], request_timeout=within)[group].result()
    except KafkaException as error:
        if error.args[0].code() != KafkaError.GROUP_ID_NOT_FOUND:
            raise
        return ()
    return tuple(found.members)


def _committed(client: AdminClient, group: str, within: float) -> list[TopicPartition]:
    wanted = ConsumerGroupTopicPartitions(group)
    found = client.list_consumer_group_offsets([wanted], request_timeout=within)[group].result()
    return list(found.topic_partitions)


def _settings(client: AdminClient, resource: ConfigResource, within: float) -> dict[str, ConfigEntry]:
    found: dict[str, ConfigEntry] = client.describe_configs([resource], request_timeout=within)[resource].result()
    return found


def _told(
    client: AdminClient, wanted: Mapping[TopicPartition, OffsetSpec], isolation: IsolationLevel, within: float
) -> Told:
    found, failure = dict[TopicPartition, int](), None
    # All of them are waited for: a client must not go while one is to come.
    for each, answer in client.list_offsets(dict(wanted), isolation_level=isolation, request_timeout=within).items():
        try:
            offset = int(answer.result().offset)
        except KafkaException as error:
            failure = error
        else:
            if offset >= 0:
                found[each] = offset
            else:  # what librdkafka tells, without an error, of a partition whose leader has not answered
                failure = _silent(each)
    return found, failure


def _passes(failure: KafkaException, may_be_new: bool) -> bool:
    """Whether the same question may be answered soon."""
    code = failure.args[0].code()
    return code in LEADER_MOVING or (code in _TOO_NEW and may_be_new)


def _silent(partition: TopicPartition) -> KafkaException:
    text = f"the leader of {partition.topic}-{partition.partition} does not answer"
    return KafkaException(KafkaError(KafkaError._TIMED_OUT, text))
