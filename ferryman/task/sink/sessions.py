"""Builds each session of a sink task: the connector's instance, its consumer, its dead letter queue."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ferryman.api import Sink
from ferryman.connector import SinkConfig
from ferryman.errors import FencedError, Indeterminate, RetriableError
from ferryman.kafka import fenced_member, fetching
from ferryman.kafka.admin import Admin
from ferryman.kafka.callbacks import Consumer, Producer
from ferryman.kafka.subscription import Subscription
from ferryman.runs.pace import Pace
from ferryman.task.crash_evidence.guilty import Guilty
from ferryman.task.errors.dead_letter_queue import DeadLetterQueue, create_topic
from ferryman.task.errors.error_tolerance import Tolerance
from ferryman.task.errors.letter_writer import LetterWriter
from ferryman.task.setup import overrun
from ferryman.task.setup.setup import Setup
from ferryman.task.sink import loop, sink_context
from ferryman.task.sink.backlog import Backlog
from ferryman.task.sink.group import Group
from ferryman.task.sink.history import Reader
from ferryman.task.sink.pacing.slices import Slices
from ferryman.task.sink.pausing import LeaseOver
from ferryman.task.sink.reading import Reading
from ferryman.task.sink.runs import live_watch
from ferryman.task.sink.runs.bounds import Bounds
from ferryman.task.sink.runs.replayed_letters import replayed_letters
from ferryman.task.sink.sink_thread import SinkThread, StillBusy
from ferryman.validation import group_protocol

log = logging.getLogger(__name__)

REVOCATION_SHARE = 0.8
"""The part of max.poll.interval.ms that a revocation may be held up, less the time until we know of it: the group
counts from when it asks for one, we hear of that with the next heartbeat, and the callback comes with the next poll."""
MIN_REVOCATION_SECONDS = 0.5
FOLDED_RECORDS, FOLDED_SLICE_SECONDS = 500, 0.05
"""Records at once of a run that writes where its live connector does, and the seconds that they should take: that one
waits for each of its transactions."""


@dataclass
class SinkSessions:
    """The sessions of one sink task."""

    side: ClassVar[str] = "consumer"
    setup: Setup
    _said: tuple[object, ...] = ()
    """The plan that the log has; while another system is away there may be a session each second."""

    def run_one(self, started: Callable[[], None]) -> None:
        """One membership in the group, until the task is to stop or something ends it.

        Raises StillBusy when the connector holds its thread and the process has to end.
        """
        setup = self.setup
        consumer, protocol = setup.clients.sink_consumer(), setup.clients.group_protocol
        consequences = group_protocol.consequences(setup.plugin, protocol)
        self._say(fetching.fetch_summary(consumer), *setup.chain.plan.steps, *consequences)
        admin = Admin(setup.clients.admin())
        setup.count_admin(admin)
        tolerance, facts = self._tolerance(admin), setup.facts(admin)
        thread, history = SinkThread(setup.control, setup.grace), self._history
        reading = self._reading(tolerance)
        watching = live_watch.begin(setup, reading.pace.yielding, facts)
        try:
            context = sink_context.context(lambda: session, history, group_protocol=protocol, **facts)
            task: Sink[Any] = thread.call(lambda: setup.plugin(setup.config, context))
            session = self._session(self._backlog(tolerance, task), thread, reading)
            try:
                thread.call(task.start)
                made = Consumer(consumer | self._of_a_run)
                group = Group(made, admin, session, setup.clients.read_from, protocol)
                session.group = group
                self._consume(session, admin, started)
            finally:
                thread.finish(session.timing.revocation)
                thread.call(task.stop)
        finally:
            thread.end()
            if watching is not None:
                watching.close()
            if history is not None and not thread.busy:
                history.close()

    def _say(self, *plan: object) -> None:
        if plan != self._said:
            for step in filter(None, plan):
                log.info("plan: %s", step)
        self._said = plan

    @property
    def _folds(self) -> bool:
        return self.setup.run is not None and self.setup.run.ferryman_run_fold

    @property
    def _history(self) -> Reader | None:
        setup, ends = self.setup, {"enable.partition.eof": True, "auto.offset.reset": "earliest"}
        if not self._folds:
            return None
        return Reader(
            lambda: Consumer(setup.clients.group_reader() | ends), setup.chain, setup.control.at_work, self._guilty
        )

    @property
    def _guilty(self) -> Sequence[Guilty]:
        return [Guilty(*each) for each in self.setup.spec.guilty]  # type: ignore[arg-type]

    @property
    def _of_a_run(self) -> dict[str, bool]:
        # Its topics are those that there were: one that is deleted is not to come back because a run still asks for it.
        return {} if self.setup.run is None else {"allow.auto.create.topics": False, "enable.partition.eof": True}

    def _reading(self, tolerance: Tolerance) -> Reading:
        run = self.setup.run
        reading = Reading(
            bounds=Bounds(run),
            pace=Pace(0.0 if run is None else run.ferryman_run_rate / self.setup.config.tasks_max),
            letters=replayed_letters(self.setup),
        )
        if run is not None:
            tolerance.skips = reading.refusals.refused
        return reading

    def _backlog(self, tolerance: Tolerance, task: Sink[Any]) -> Backlog:
        setup = self.setup
        slices = (
            Slices(min(setup.clients.limit, FOLDED_RECORDS), FOLDED_SLICE_SECONDS)
            if self._folds
            else Slices(setup.clients.limit)
        )
        return Backlog(
            chain=setup.chain,
            tolerance=tolerance,
            sink=task,
            slices=slices,
            at_work=setup.control.at_work,
            guilty=self._guilty,
            meter=setup.meters.sink,
        )

    def _session(self, backlog: Backlog, thread: SinkThread, reading: Reading) -> loop.SinkSession:
        setup = self.setup
        return loop.SinkSession(
            control=setup.control,
            timing=self._timing(),
            backlog=backlog,
            thread=thread,
            outages=setup.outages,
            meter=setup.meters.sink,
            reading=reading,
        )

    def _consume(self, session: loop.SinkSession, admin: Admin, started: Callable[[], None]) -> None:
        try:
            started()
            session.run(self._topics(admin))
            session.group.leave()
        except LeaseOver:
            # Its consumer goes on with its heartbeats though the worker is frozen. It leaves by its own id, and so
            # harms no successor that has the same group.instance.id.
            session.group.leave_quietly()
            session.group.close()
            log.error("the task's lease is over: it has left its group, and the process ends")
            overrun.end()
        except StillBusy:
            raise  # its partitions must not go to another member while this one may still write
        except RetriableError:
            session.group.close()
            raise
        except FencedError as error:
            session.group.close()
            self._unless_taken(admin, error)
            raise
        except Exception:
            session.group.leave_quietly()
            session.group.close()
            raise
        else:
            session.group.close()

    def _unless_taken(self, admin: Admin, fenced: FencedError) -> None:
        """Raises Indeterminate for a task that was fenced by nobody who is there, and may come back."""
        consumer = self.setup.clients.sink_consumer()
        identity, group = str(consumer.get("group.instance.id", "")), str(consumer["group.id"])
        session = int(consumer.get("session.timeout.ms", 45_000)) / 1000 + 2 * self.setup.clients.heartbeat + 1
        log.warning("%s; looks for %.0f s whether there is one", fenced, session)
        if not fenced_member.is_taken(identity, lambda: admin.static_members(group), session, self.setup.control.wait):
            raise Indeterminate(f"the group does not know this task, but no other has taken over: {fenced}") from fenced

    def _topics(self, admin: Admin) -> Callable[[], Sequence[str]]:
        run = self.setup.run
        if run is not None and run.ferryman_run_letters:
            return lambda: sorted(run.ranges.ids)
        return Subscription(admin, self.setup.config, self.setup.spec.worker).topics

    def _timing(self) -> loop.Timing:
        clients = self.setup.clients
        silence = min(loop.SILENCE_SECONDS, clients.longest_silence / 4)
        return loop.Timing(
            limit=clients.limit,
            commit_interval=self.setup.worker.offset_flush_interval_ms / 1000,
            refresh=clients.metadata_age,
            revocation=max(
                MIN_REVOCATION_SECONDS, REVOCATION_SHARE * clients.longest_silence - clients.heartbeat - silence
            ),
            silence=silence,
        )

    def _tolerance(self, admin: Admin) -> Tolerance:
        config: SinkConfig = self.setup.config
        spec, errors = self.setup.spec, self.setup.meters.task.errors
        topic = config.errors_deadletterqueue_topic_name
        if not topic:
            return Tolerance(config, spec.task, errors=errors)
        create_topic(admin, topic, config.errors_deadletterqueue_topic_replication_factor)
        producer = Producer(self.setup.clients.dead_letter_producer())
        run = self.setup.run
        whose = run.ferryman_run_of if run is not None and run.ferryman_run_letters else spec.connector
        writer = LetterWriter(config.errors_deadletterqueue_context_headers_enable, whose, spec.task)
        letters = DeadLetterQueue(producer, topic, writer, lambda: self.setup.control.stopping, errors)
        return Tolerance(config, spec.task, letters, errors)
