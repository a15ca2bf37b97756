"""Builds the sessions of a task from its configs, and runs one after the other until the task is to stop."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from ferryman import assembly, backoff, java_regex, offset_topic, plugins, settings, sink, source
from ferryman.api import Sink, Source, SourceContext
from ferryman.chain import Chain
from ferryman.clients import Clients
from ferryman.connector import ConnectorConfig, SinkConfig, SourceConfig
from ferryman.control import Control
from ferryman.crash import crash_point
from ferryman.dead_letters import DeadLetters, create_topic
from ferryman.errors import ConfigError, FencedError, Indeterminate, RetriableError
from ferryman.group import Group
from ferryman.plan import plan
from ferryman.settings import Settings
from ferryman.source_offsets import SourceOffsets
from ferryman.tolerance import Tolerance
from ferryman.topic_creation import TopicCreation

log = logging.getLogger(__name__)


@dataclass
class Sessions:
    """All that outlives one session of a task."""

    connector: str
    task: int
    raw: Mapping[str, str]
    worker_id: str
    settings: Settings
    seeds: Mapping[str, str]
    control: Control
    plugin: type[Any]
    config: Any
    clients: Clients
    chain: Chain
    _attempted: dict[str, Any] = field(default_factory=dict)
    _before: Mapping[str, Any] | None = None

    @classmethod
    def of(
        cls,
        connector: str,
        task: int,
        raw: Mapping[str, str],
        worker: Mapping[str, str],
        worker_id: str,
        seeds: Mapping[str, str],
        control: Control,
    ) -> "Sessions":
        """From configs as strings. Raises ConfigError."""
        worker_settings = settings.of(dict(worker))
        plugin = plugins.connector(raw["connector.class"])
        if plugin is None:
            raise ConfigError.of("connector.class", f"no connector is called {raw['connector.class']}")
        chain = assembly.chain(raw, worker)
        clients = Clients(connector, task, worker, raw, worker_id)
        config = plugin.config_class.parse(raw)
        return cls(connector, task, raw, worker_id, worker_settings, seeds, control, plugin, config, clients, chain)

    def run(self) -> None:
        """Until the task is to stop; raises what fails it."""
        attempt = 0
        while not self.control.stopping:
            try:
                self._session(lambda: self.control.tell("running", {}))
            except FencedError:
                raise
            except RetriableError as error:
                attempt = 1 if self._went_well else attempt + 1
                wait = error.after if error.after is not None else backoff.delay(attempt, self._longest_wait)
                log.warning("%s (session %d ended, next in %.1f s)", error, attempt, wait)
                self.control.wait(wait)

    _went_well: bool = False

    def _session(self, started: Callable[[], None]) -> None:
        self._went_well = False
        try:
            if plugins.is_sink(self.plugin):
                self._sink_session(started)
            else:
                self._source_session(started)
        except KafkaException as error:
            raise _classified(error) from error

    @property
    def _longest_wait(self) -> float:
        config: ConnectorConfig = self.config
        return config.errors_retry_delay_max_ms / 1000

    @property
    def _give_up(self) -> float | None:
        config: ConnectorConfig = self.config
        return config.errors_retry_timeout / 1000 if config.errors_retry_timeout > 0 else None

    def _cluster(self, admin: AdminClient) -> str:
        return str(admin.describe_cluster().result().cluster_id)

    def _tolerance(self, admin: AdminClient) -> Tolerance:
        config = self.config
        if not isinstance(config, SinkConfig) or not config.errors_deadletterqueue_topic_name:
            return Tolerance(config, self.task)
        topic = config.errors_deadletterqueue_topic_name
        create_topic(admin, topic, config.errors_deadletterqueue_topic_replication_factor)
        letters = DeadLetters(
            Producer(self.clients.dead_letter_producer()),
            topic,
            config.errors_deadletterqueue_context_headers_enable,
            self.connector,
            self.task,
        )
        return Tolerance(config, self.task, letters)

    def _sink_session(self, started: Callable[[], None]) -> None:
        config: SinkConfig = self.config
        for step in plan(self.chain, self.plugin):
            log.info("plan: %s", step)
        admin = AdminClient(self.clients.admin())
        consumer_config = self.clients.sink_consumer()
        pace = sink.Pace(
            limit=self.clients.limit,
            commit_interval=self.settings.config.offset_flush_interval_ms / 1000,
            longest_wait=self._longest_wait,
            give_up=self._give_up,
        )
        facts = {"connector": self.connector, "task": self.task, "cluster": self._cluster(admin), "raw": self.raw}
        task: Sink[Any] = self.plugin(config, sink.context(lambda: session, **facts))
        session = sink.SinkSession(self.chain, self._tolerance(admin), self.control, pace, task)
        try:
            task.start()
            session.group = Group(Consumer(consumer_config), admin, session, self.clients.read_from)
            try:
                started()
                self._went_well = True
                session.run(lambda: self._topics(admin, config))
                session.group.leave()
            except (RetriableError, FencedError):
                raise
            except Exception:
                session.group.leave_quietly()
                raise
            finally:
                session.group.close()
        finally:
            task.stop()

    def _topics(self, admin: AdminClient, config: SinkConfig) -> list[str]:
        if config.topics:
            return config.topics
        pattern = java_regex.compiled(config.topics_regex)
        return sorted(topic for topic in admin.list_topics(timeout=30).topics if pattern.fullmatch(topic))

    def _source_session(self, started: Callable[[], None]) -> None:
        config: SourceConfig = self.config
        admin = AdminClient(self.clients.admin())
        worker = self.settings.config
        topic = config.offsets_storage_topic or worker.offset_storage_topic
        offset_topic.create(admin, topic, worker.offset_storage_partitions, worker.offset_storage_replication_factor)
        self._check_owner(topic)
        producer = Producer(self.clients.source_producer())
        producer.init_transactions(60)
        offsets = self._offsets(topic)
        context = SourceContext(
            self.connector,
            self.task,
            self._cluster(admin),
            self.raw,
            crash_point,
            offset=offsets.get,
            stopping=self.control.wait,
        )
        task: Source[Any] = self.plugin(config, context)
        session = source.SourceSession(
            chain=self.chain,
            tolerance=Tolerance(config, self.task),
            control=self.control,
            source=task,
            producer=producer,
            offsets=offsets,
            offsets_topic=topic,
            topics=TopicCreation.of(admin, self.raw, worker.topic_creation_enable),
            interval=self._interval(config),
            longest_wait=self._longest_wait,
            give_up=self._give_up,
        )
        try:
            task.start()
            started()
            self._went_well = True
            session.run()
        finally:
            self._before, self._attempted = offsets.snapshot(), session.attempted
            task.stop()

    def _interval(self, config: SourceConfig) -> float | None:
        if config.transaction_boundary != "interval":
            return None
        milliseconds = config.transaction_boundary_interval_ms
        return (self.settings.config.offset_flush_interval_ms if milliseconds is None else milliseconds) / 1000

    def _offsets(self, topic: str) -> SourceOffsets:
        offsets = SourceOffsets(self.connector)
        for key, value in self.seeds.items():
            offsets.load(key.encode(), value.encode())
        return offset_topic.read(self.clients.offsets_consumer(), topic, offsets)

    def _check_owner(self, topic: str) -> None:
        # After this producer was fenced: read before the next one fences whoever did it.
        if self._before is None:
            return
        now = self._offsets(topic).snapshot()
        if source.moved_by_another(self._before, self._attempted, now):
            raise FencedError(f"another process writes the source offsets of {self.connector}")


def _classified(error: KafkaException) -> Exception:
    reason: KafkaError = error.args[0]
    if reason.code() in (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.TOPIC_AUTHORIZATION_FAILED):
        return source.classified(error)
    return Indeterminate(f"{reason.name()}: {reason.str()}")
