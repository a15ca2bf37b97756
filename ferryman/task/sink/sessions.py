"""Builds each session of a sink task: the connector's instance, its consumer, its dead letter queue."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from ferryman.api import Sink
from ferryman.connector import SinkConfig
from ferryman.errors import FencedError, RetriableError
from ferryman.kafka import subscription
from ferryman.task.errors.dead_letters import DeadLetters, create_topic
from ferryman.task.errors.error_tolerance import Tolerance
from ferryman.task.setup.setup import Setup
from ferryman.task.sink import loop
from ferryman.task.sink.backlog import Backlog
from ferryman.task.sink.delivery import Delivery
from ferryman.task.sink.group import Group

log = logging.getLogger(__name__)


@dataclass
class SinkSessions:
    """The sessions of one sink task."""

    setup: Setup

    def run_one(self, started: Callable[[], None]) -> None:
        """One membership in the group, until the task is to stop or something ends it."""
        setup = self.setup
        for step in setup.chain.plan.steps:
            log.info("plan: %s", step)
        admin = AdminClient(setup.clients.admin())
        task: Sink[Any] = setup.plugin(setup.config, loop.context(lambda: session, **setup.facts(admin)))
        backlog = Backlog(setup.chain, self._tolerance(admin), Delivery(), task)
        session = loop.SinkSession(setup.control, self._pace(), backlog)
        try:
            task.start()
            session.group = Group(Consumer(setup.clients.sink_consumer()), admin, session, setup.clients.read_from)
            self._consume(session, admin, started)
        finally:
            task.stop()

    def _consume(self, session: loop.SinkSession, admin: AdminClient, started: Callable[[], None]) -> None:
        try:
            started()
            session.run(lambda: subscription.topics(admin, self.setup.config))
            session.group.leave()
        except (RetriableError, FencedError):
            raise
        except Exception:
            session.group.leave_quietly()
            raise
        finally:
            session.group.close()

    def _pace(self) -> loop.Pace:
        return loop.Pace(
            limit=self.setup.clients.limit,
            commit_interval=self.setup.settings.config.offset_flush_interval_ms / 1000,
            refresh=self.setup.clients.metadata_age,
            longest_wait=self.setup.longest_wait,
            give_up=self.setup.give_up,
        )

    def _tolerance(self, admin: AdminClient) -> Tolerance:
        config: SinkConfig = self.setup.config
        spec = self.setup.spec
        topic = config.errors_deadletterqueue_topic_name
        if not topic:
            return Tolerance(config, spec.task)
        create_topic(admin, topic, config.errors_deadletterqueue_topic_replication_factor)
        producer = Producer(self.setup.clients.dead_letter_producer())
        headers = config.errors_deadletterqueue_context_headers_enable
        return Tolerance(config, spec.task, DeadLetters(producer, topic, headers, spec.connector, spec.task))
