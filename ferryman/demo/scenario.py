"""What happens in the demo, in its order: everything starts, flows, is killed, flows again, and is counted."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from ferryman.demo import repairs
from ferryman.demo.comparison import POISON, POISON_KEY
from ferryman.demo.counting import Counting, Course
from ferryman.demo.demo_stack import DemoStack, OwnStack, SupervisedStack
from ferryman.demo.facts import flows
from ferryman.demo.facts.errors import DemoError, Stalled
from ferryman.demo.facts.expected import Events, events
from ferryman.demo.facts.flows import Flow
from ferryman.demo.group import Group
from ferryman.demo.keep_running import keep
from ferryman.demo.progress import SELDOM
from ferryman.demo.report import Kill, Outcome
from ferryman.demo.running_demo import RunningDemo, running_demo
from ferryman.demo.terminal import View
from ferryman.demo.worker import Worker, kill_process
from ferryman.stack import Component, Shape
from ferryman.stack.runtime.interruption import Interruption
from ferryman.stack.services import ONE

POISON_AFTER = 20
"""Rows of payments."""
KILL_SOURCE_AT, KILL_SINK_AT, KILL_ARCHIVE_AT, KILL_RECEIPTS_AT, KILL_WORKER_AT = 0.1, 0.2, 0.3, 0.4, 0.55
"""Shares of the events' rows."""
BROKER = "kafka-2"
LOSE_SINKS_AT, LOSE_BROKER_AT, LOSE_SOURCE_AT = 0.2, 0.4, 0.6
"""The same, where there is a group of workers and a cluster of brokers."""
CLUSTER_RATE = 4_000
"""Events a second there, so that there are some left for each kill."""
CALM_SECONDS = 6.0
QUIET_SECONDS = 1.0
WARM_SECONDS = 5.0
"""After these a steady rate has no backlog of the start any more."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the person asked for."""

    events: int = 200_000
    keep: bool = False
    rate: int | None = None
    """Events a second; then nothing is killed. None: as fast as they go."""
    cluster: bool = False
    """Three brokers, and three distributed workers; not with keep."""
    secure: bool = False
    """Kafka and the registry of the cluster ask who is there."""
    configs: Path = flows.CONFIGS

    @property
    def pace(self) -> int | None:
        """Events a second at which the source is held; None if it makes them as fast as it can."""
        return CLUSTER_RATE if self.cluster else self.rate


def run(options: Options, view: View, interruption: Interruption) -> Outcome:
    """The whole demo. All that it started is gone when this returns or raises, unless it is to be kept. Raises
    DemoError or StackError when it cannot go on, KeyboardInterrupt when it is asked to end."""
    began = time.monotonic()
    posted = flows.flows(options.configs)
    if options.rate:
        posted = flows.steadily(posted, options.rate)
    if options.cluster:
        posted = flows.paced(posted, CLUSTER_RATE)
    if options.secure:
        posted = flows.secured(posted)
    back = flows.restore(options.configs)
    each = flows.events_per_task(options.configs, options.events)
    with ExitStack() as ending, ThreadPoolExecutor(1) as pool:
        making = pool.submit(_events, posted, each)
        stack = _stack(options, view, ending)
        variables = {**flows.variables(stack.addresses, each), **stack.credentials}
        made = making.result()
        workers = _workers(options, stack, variables)
        setting = running_demo(view, stack, workers, made, ending, interruption)
        if options.rate:
            setting.progress.pause = SELDOM
        broker = stack[BROKER] if isinstance(stack, OwnStack) and options.cluster else None
        counting = Counting(setting, made, options.configs, variables, options.rate, options.pace)
        play = Play(setting, posted, back, counting, broker)
        try:
            outcome = replace(play.outcome(), seconds=time.monotonic() - began)
        except DemoError as error:
            raise DemoError(f"{error}\nThe worker's log and the list of payments: {setting.evidence()}") from error
        if not outcome.clean:
            view.happened(f"the worker's log and the list of payments: {setting.evidence()}")
        if isinstance(workers, Worker) and options.keep:
            outcome = keep(outcome, workers, options.configs, variables)
            ending.pop_all()
    return outcome


def _events(posted: Sequence[Flow], each: int) -> Events:
    config = next(flow.config for flow in posted if flow.name == flows.EVENT_SOURCE)
    return events({**config, "name": flows.EVENT_SOURCE, "iterations": str(each)})


def _stack(options: Options, view: View, ending: ExitStack) -> DemoStack:
    view.happened(
        "starting Kafka, the schema registry, PostgreSQL, an S3 server, a mail server and the payment gateway"
    )
    if options.keep:
        supervised = SupervisedStack()
        ending.callback(supervised.stop)
        supervised.start()
        return supervised
    own = OwnStack(Shape(brokers=3, secure=options.secure) if options.cluster else ONE)
    ending.callback(own.stop)
    own.start(lambda component: view.happened(f"{component.name} answers after {component.start_seconds:.1f} s"))
    return own


def _workers(options: Options, stack: DemoStack, variables: Mapping[str, str]) -> Worker | Group:
    if options.cluster:
        file = options.configs / f"distributed{'-secure' if options.secure else ''}.properties"
        return Group(stack.directory / "workers", file, variables)
    return Worker(stack.directory / "worker", options.configs / "worker.properties", variables)


@dataclass
class Play:
    """The acts, and what they leave for the ledger."""

    demo: RunningDemo
    posted: Sequence[Flow]
    back: Flow
    """What puts the archive back into topics."""
    counting: Counting
    broker: Component | None = None
    """The broker that is killed; where there is one, the workers are a group."""
    course: Course = field(default_factory=Course)
    young: bool = True
    """Whether payments are still of their schema's version 1."""

    def outcome(self) -> Outcome:
        """Plays all acts and draws up the ledger."""
        stage, rate = self.demo, self.counting.rate
        try:
            self._flow()
            if rate:
                self._hold()
            else:
                self._kill_members(self.broker) if self.broker else self._kill()
                self.course.repaired = repairs.repair(self.demo)
            self._finish()
            if not rate:
                self.course.restored = repairs.restore(self.demo, self.back)
            stage.view.happened("everything has arrived; stopping the worker and reading every system for the ledger")
        except Stalled as stalled:
            self.course.problem = str(stalled)
            stage.view.happened(self.course.problem)
        stage.end()
        stage.worker.stop()
        return self.counting.outcome(self.course)

    def _flow(self) -> None:
        """Everything is posted and runs; one record is poison."""
        stage = self.demo
        stage.begin()
        if stage.stack.access.login:
            stage.topics.create(flows.EMAILS_SENT)  # whoever writes to it may not
        self.course.posted_at = time.monotonic()
        self._post(flows.SOURCES)
        topics = (flows.PAYMENTS, *flows.EVENT_TOPICS)
        stage.wait("the topics", lambda: len(stage.topics.existing(topics)) == len(topics))
        self._post(flows.SINKS)
        self._await_running()
        stage.view.happened("all connectors run; payments are being made at the gateway")
        stage.wait("the first payments' rows", lambda: len(stage.readable.seen) >= POISON_AFTER)
        self.course.poison = stage.topics.poison(flows.PAYMENTS, POISON_KEY, POISON)
        stage.view.happened(f"one record of poison put into {flows.PAYMENTS}, at offset {self.course.poison[2]}")

    def _hold(self) -> None:
        """Events flow at their rate, undisturbed but for a schema that grows."""
        until = time.monotonic() + WARM_SECONDS
        self.demo.wait("the backlog of the start", lambda: time.monotonic() > until)
        self.course.steady_since = time.time()
        self._evolve()

    def _kill(self) -> None:
        """Tasks of a source and of three sinks and the worker are killed while events flow; a schema grows."""
        self._kill_task(f"{flows.EVENT_SOURCE}-0", KILL_SOURCE_AT)
        self._kill_task(f"{flows.EVENT_INSERT}-0", KILL_SINK_AT)
        self._evolve()
        self._kill_task(f"{flows.EVENT_ARCHIVE}-0", KILL_ARCHIVE_AT)
        self._kill_task(f"{flows.RECEIPTS}-0", KILL_RECEIPTS_AT)
        self._await_rows(KILL_WORKER_AT)
        stage, began = self.demo, time.monotonic()
        killed = stage.worker.lose(f"{flows.EVENT_SOURCE}-0")
        stage.view.happened(f"SIGKILL to {killed}; starting another and posting the configs again")
        stage.worker.start(stage.look)
        self._post((*flows.SOURCES, *flows.SINKS))
        self._await_running()
        self._recovered(killed, began)

    def _kill_members(self, broker: Component) -> None:
        """A task, two of the workers one after the other, and a broker are killed while events flow; a schema grows."""
        self._kill_task(f"{flows.EVENT_SOURCE}-0", KILL_SOURCE_AT)
        self._lose_worker(f"{flows.EVENT_INSERT}-0", LOSE_SINKS_AT)
        self._evolve()
        self._lose_broker(broker, LOSE_BROKER_AT)
        self._lose_worker(f"{flows.EVENT_ARCHIVE}-0", LOSE_SOURCE_AT)

    def _lose_worker(self, task: str, share: float) -> None:
        """Its work goes on elsewhere; then it is started again, and gets its share."""
        self._await_rows(share)
        stage, began = self.demo, time.monotonic()
        killed = stage.worker.lose(task)
        stage.view.happened(f"SIGKILL to {killed}; nobody starts it again yet")
        self._await_running()
        self._recovered(killed, began)
        stage.worker.start(stage.look)
        stage.view.happened(f"{killed.partition(' ')[0]} was started again")

    def _lose_broker(self, broker: Component, share: float) -> None:
        self._await_rows(share)
        stage, began = self.demo, time.monotonic()
        broker.kill()
        stage.view.happened(f"SIGKILL to the broker {broker.name}")
        before = min(stage.glance.event_rows, stage.glance.expected_rows - 1)
        stage.wait("rows to go on without it", lambda: stage.glance.event_rows > before)
        broker.start()
        self._await_running()
        self._recovered(f"the broker {broker.name}", began)

    def _evolve(self) -> None:
        """Payments go on in version 2 of their schema."""
        stage = self.demo
        source = next(flow for flow in self.posted if flow.name == flows.PAYMENT_SOURCE)
        stage.worker.change(source)
        self.young = False
        stage.view.happened(f"PaymentProcessed moves from version 1 to 2: {' and '.join(flows.LATER_FIELDS)} join it")

    def _kill_task(self, task: str, share: float) -> None:
        self._await_rows(share)
        stage, began = self.demo, time.monotonic()
        pid = stage.worker.task_pid(task)
        if pid is None:
            raise DemoError(f"the worker's log does not say which process runs the task {task}")
        kill_process(pid)
        stage.view.happened(f"SIGKILL to the task {task}, process {pid}")
        stage.wait(f"another process for {task}", lambda: stage.worker.task_pid(task) not in (None, pid))
        self._await_running()
        self._recovered(f"the task {task}", began)

    def _recovered(self, what: str, began: float) -> None:
        kill = Kill(what, time.monotonic() - began)
        self.course.kills.append(kill)
        self.demo.view.happened(f"everything is running again, {kill.seconds:.1f} s after {what} was killed")

    def _finish(self) -> None:
        """The backlog goes through, then payments alone, then all is still."""
        stage = self.demo
        self._await_rows(1.0)
        self.course.arrived_at = stage.glance.at
        stage.wait("all events in the archive", lambda: stage.glance.archived_events >= len(self.counting.made.records))
        stage.view.happened("all events have arrived; payments go on for a while")
        self.course.calm_since = time.time()
        until = time.monotonic() + CALM_SECONDS
        stage.wait("some more payments", lambda: time.monotonic() > until)
        stage.payer.end()
        stage.wait("the last payments and dead letters", self._all_paid)
        until = time.monotonic() + QUIET_SECONDS
        stage.wait("a quiet second", lambda: time.monotonic() > until)

    def _all_paid(self) -> bool:
        glance = self.demo.glance
        rows = min(glance.rows.get(table, 0) for table in (flows.PAYMENT_TABLE, flows.PAYMENT_LOG))
        paid = len(self.demo.payer.made)
        archived = glance.archived.get(flows.PAYMENTS, 0)
        return min(rows, archived, glance.mailed) >= paid and glance.dead >= len(flows.DEAD_LETTERING)

    def _post(self, names: Sequence[str]) -> None:
        for flow in self.posted:
            if flow.name in names:
                early = self.young and flow.name == flows.PAYMENT_SOURCE
                self.demo.worker.post(flow.having(flows.WITHOUT_LATER_FIELDS) if early else flow)

    def _await_running(self) -> None:
        def running() -> bool:
            states = self.demo.worker.connectors()
            running = {state.name for state in states if state.running}
            return running >= {flow.name for flow in self.posted}

        self.demo.wait("all connectors to run", running)

    def _await_rows(self, share: float) -> None:
        def arrived() -> bool:
            glance = self.demo.glance
            return glance.event_rows >= glance.expected_rows * share

        self.demo.wait(f"{share:.0%} of the events' rows", arrived)
