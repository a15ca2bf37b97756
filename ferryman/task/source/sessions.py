"""Builds each session of a source task: the producer, the offsets, the connector's instance.

All transactional producers of a task have one transactional id, and the order in which a session begins makes that
exclusive:

1. **Look** (``_check_owner``), only if the last session was fenced. If the offsets have moved otherwise than by its own
   last transaction, another process has this task, and this one fails. It looks before it fences: step 2 would take
   the task away from the other one.
2. **Fence** (``init_transactions``). The broker ends the transaction that the last producer left open, waits for one
   that it is committing, and refuses that producer from now on.
3. **Read** the offsets: ask the worker for them, which reads their topic for all its tasks (``offset_reader``). Only
   now is what it holds final: before step 2 a commit could still have come, and reading would have stood still before
   an open transaction.
4. **Start** the connector's task at these offsets, and go round the loop.

However the session ends, what is open is aborted unless its commit is in doubt, and what the session knows of the
offsets is kept for the next one's first step. Where sources deliver at least once there is nobody to fence, and steps 1
and 2 fall away.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

from confluent_kafka import KafkaException

from ferryman.api import Offset, Source, SourceContext
from ferryman.chain import builder
from ferryman.connector import SourceConfig
from ferryman.errors import ConfigError, FencedError, TaskError
from ferryman.internal_topics import creation, of_worker
from ferryman.kafka.admin import Admin
from ferryman.kafka.callbacks import Producer
from ferryman.kafka.retention import Retention
from ferryman.kafka.topic_creation import TopicCreation
from ferryman.offsets.source_offsets import SourceOffsets
from ferryman.offsets.stores import Stores, WorkersCopy
from ferryman.runs import tallies
from ferryman.runs.pace import Pace
from ferryman.runs.span import SourceRun
from ferryman.runs.tallies import Tally
from ferryman.task.crash_evidence.at_work import Offsets
from ferryman.task.crash_evidence.guilty import Guilty
from ferryman.task.errors.dead_letter_queue import create_topic
from ferryman.task.errors.error_tolerance import Tolerance
from ferryman.task.errors.source_letter_writer import SourceLetterWriter
from ferryman.task.setup.crash_points import crash_point
from ferryman.task.setup.setup import Setup
from ferryman.task.source import loop
from ferryman.task.source.acknowledgements import Acknowledgements
from ferryman.task.source.boundaries import Boundaries
from ferryman.task.source.delivery import Delivery
from ferryman.task.source.ending import Ending
from ferryman.task.source.outbox import Outbox
from ferryman.task.source.source_dead_letter_queue import SourceDeadLetterQueue
from ferryman.task.source.suspects import Suspects
from ferryman.task.source.transactions import FENCED, Transactions, moved_by_another
from ferryman.task.source.waiting import Waiting
from ferryman.validation import exactly_once

log = logging.getLogger(__name__)

ANSWER_SECONDS, MAX_ANSWERS = 2.0, 30
"""Seconds that a transactional producer's start is waited for at once, and how many times, before it counts as failed.
"""


@dataclass
class SourceSessions:
    """The sessions of one source task. Invariant 4."""

    side: ClassVar[str] = "producer"
    setup: Setup
    _left: Mapping[str, Offset] | None = None
    """The offsets as the last session left them."""
    _attempted: Mapping[str, Offset | None] = field(default_factory=dict)
    """The offsets in its last transaction, committed or not."""
    _fenced: bool = False
    """Whether the last session ended because another producer took its identity."""

    def run_one(self, started: Callable[[], None]) -> None:
        """One producer and its transactions, until the task is to stop or something ends it."""
        setup = self.setup
        self._check_guarantee()
        admin = Admin(setup.clients.admin())
        setup.count_admin(admin)
        creation.create(admin, of_worker.source_offsets(setup.spec.worker, setup.config.offsets_storage_topic or ""))
        self._check_owner()
        outbox = self._outbox()
        offsets = self._offsets()
        copy = self._stores.copy()
        delivery, boundaries = self._delivery(outbox, offsets, copy)
        waiting = Waiting(setup.control, None if boundaries else delivery)
        task: Source[Any] = setup.plugin(setup.config, self._context(admin, offsets, boundaries, waiting))
        session = self._session(task, delivery, boundaries, admin, waiting)
        session.ending = self._ending(task, offsets)
        try:
            task.start()
            session.begin()
            started()
            admin.close()
            session.run()
        except KafkaException as error:
            found = delivery.cause(error)
            self._fenced = self._transactional and found.args[0].code() in FENCED
            if session.letters is not None and (refusal := session.letters.refusal(outbox.producer)):
                raise TaskError(refusal) from found
            raise found from None
        finally:
            delivery.abandon()
            if copy is not None:
                copy.close()
            self._left, self._attempted = offsets.snapshot(), delivery.attempted
            task.stop()

    def _context(
        self, admin: Admin, offsets: SourceOffsets, boundaries: Boundaries | None, waiting: Waiting
    ) -> SourceContext:
        return SourceContext(
            **self.setup.facts(admin),
            crash_point=crash_point,
            offset=offsets.get,
            stopping=waiting,
            transaction=boundaries,
            run=self._run,
        )

    def _check_guarantee(self) -> None:
        # The worker's setting may be another one than when the config was checked, and so may the plugin.
        if found := list(exactly_once.problems(self.setup.plugin, self.setup.config, self.setup.worker)):
            raise ConfigError(*found)

    @property
    def _transactional(self) -> bool:
        return self.setup.worker.transactional_sources

    def _outbox(self) -> Outbox:
        """The way into a new producer, which has fenced the last one if it is transactional."""
        clients = self.setup.clients
        producer = Producer(clients.source_producer() if self._transactional else clients.plain_producer())
        if self._transactional:
            self._begin(producer)
        return Outbox(producer, self.setup.control, self.setup.grace, self._transaction_timeout)

    def _delivery(
        self, outbox: Outbox, offsets: SourceOffsets, copy: WorkersCopy | None
    ) -> tuple[Delivery, Boundaries | None]:
        worker, topic, meter = self.setup.worker, self._offsets_topic, self.setup.meters.task
        if not self._transactional:
            interval, patience = worker.offset_flush_interval_ms / 1000, worker.offset_flush_timeout_ms / 1000
            return Acknowledgements(outbox, offsets, topic, interval, patience, copy, meter), None
        heard = self.setup.clients.heard
        transactions = Transactions(
            outbox, offsets, topic, self._interval(), copy, meter, lambda: self.side in heard.cut_off
        )
        by_source = self.setup.config.transaction_boundary == "connector"
        return transactions, Boundaries(transactions) if by_source else None

    def _begin(self, producer: Producer) -> None:
        """Fences the last producer and ends its transaction; looks now and then whether the task is to stop."""
        for left in reversed(range(MAX_ANSWERS)):
            try:
                producer.init_transactions(ANSWER_SECONDS)
            except KafkaException as error:
                if self.setup.control.stopping or not left or not error.args[0].retriable():
                    raise
            else:
                return

    def _session(
        self,
        task: Source[Any],
        delivery: Delivery,
        boundaries: Boundaries | None,
        admin: Admin,
        waiting: Waiting,
    ) -> loop.SourceSession:
        setup, worker = self.setup, self.setup.worker
        return loop.SourceSession(
            chain=setup.chain,
            tolerance=Tolerance(setup.config, setup.spec.task, errors=setup.meters.task.errors),
            control=setup.control,
            source=task,
            delivery=delivery,
            offsets_topic=self._offsets_topic,
            topics=TopicCreation.from_config(admin, setup.spec.config, worker.topic_creation_enable),
            ages=Retention(admin),
            outages=setup.outages,
            letters=self._letters(admin),
            meter=setup.meters.source,
            suspects=self._suspects(),
            boundaries=boundaries,
            waiting=waiting,
        )

    @property
    def _run(self) -> SourceRun | None:
        keys = self.setup.source_run
        return None if keys is None else SourceRun(keys.span, keys.ferryman_run_rate / self._tasks)

    @property
    def _tasks(self) -> int:
        # A rate is for all tasks together; a connector that watches something makes as many as it likes.
        setup = self.setup
        made = setup.plugin.task_configs(setup.config, setup.spec.config) if setup.plugin.connector is None else ()
        return len(made) or max(1, setup.config.tasks_max)

    def _ending(self, task: Source[Any], offsets: SourceOffsets) -> Ending | None:
        run, number = self._run, self.setup.spec.task
        if run is None and not self.setup.plugin.ends(self.setup.config):
            return None
        before = offsets.get(tallies.partition(number))
        tally = None if before is None else Tally.parse(before)
        return Ending(task, number, tally, Pace(0.0 if run is None else run.rate))

    def _suspects(self) -> Suspects:
        setup, spec = self.setup, self.setup.spec
        return Suspects(
            setup.control.at_work,
            [Guilty(*each) for each in spec.guilty],  # type: ignore[arg-type]
            [Offsets(*each) for each in spec.suspect],  # type: ignore[arg-type]
            lambda: builder.chain(spec.config, spec.worker, setup.plugin),
        )

    def _letters(self, admin: Admin) -> SourceDeadLetterQueue | None:
        config: SourceConfig = self.setup.config
        topic = config.dead_letter_queue
        if not topic:
            return None
        create_topic(admin, topic, config.errors_deadletterqueue_topic_replication_factor)
        spec, context_headers = self.setup.spec, config.errors_deadletterqueue_context_headers_enable
        writer = SourceLetterWriter(self.setup.chain.header, context_headers, spec.connector, spec.task)
        return SourceDeadLetterQueue(topic, writer, self.setup.meters.task.errors)

    def _interval(self) -> float | None:
        config: SourceConfig = self.setup.config
        if config.transaction_boundary != "interval":
            return None
        milliseconds = config.transaction_boundary_interval_ms
        wanted = self.setup.worker.offset_flush_interval_ms if milliseconds is None else milliseconds
        # The broker ends a transaction that is open for too long, and with an interval like that it would end them all.
        longest = int(self._transaction_timeout * 1000) // 2
        if wanted > longest:
            log.warning(
                "transaction.boundary.interval.ms is %d, half of transaction.timeout.ms, not %d", longest, wanted
            )
        return min(wanted, longest) / 1000

    @property
    def _transaction_timeout(self) -> float:
        return int(self.setup.clients.source_producer().get("transaction.timeout.ms", 60_000)) / 1000

    @property
    def _offsets_topic(self) -> str:
        config: SourceConfig = self.setup.config
        return config.offsets_storage_topic or self.setup.worker.offset_storage_topic

    @property
    def _stores(self) -> Stores:
        setup = self.setup
        reads = partial(setup.control.asking.read, gives_up=lambda _: setup.control.stopping)
        return Stores(setup.clients, self._offsets_topic, setup.worker.offset_storage_topic, setup.spec.seeds, reads)

    def _offsets(self) -> SourceOffsets:
        return self._stores.read()

    def _check_owner(self) -> None:
        # Only after this producer was fenced: its open transaction has been ended by whoever did it. In any other case
        # it may still be open until the next producer starts, and would hide the end of the topic.
        fenced, self._fenced = self._fenced, False
        if (
            fenced
            and self._left is not None
            and moved_by_another(self._left, self._attempted, self._offsets().snapshot())
        ):
            raise FencedError(f"another process writes the source offsets of {self.setup.spec.connector}")
