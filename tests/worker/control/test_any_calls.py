"""Any calls in any order, several at once, of a worker whose processes, plugins, providers and threads do as they like.

Time is simulated, and the classes are the worker's own; only processes, threads and offsets in Kafka are played.
"""

import asyncio
import logging
import tempfile
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from ferryman.errors import ConfigError, RequestError, TaskError
from ferryman.facts.states import State, TargetState
from ferryman.worker.control.plane import CLOSING
from ferryman.worker.requests import offsets
from tests.worker.lively_processes import Habits, LivelyConnector, LivelyProcess
from tests.worker.played_worker import GRACE, PlayedWorker
from tests.worker.simulated_time import SimulatedLoop

Outcome = TypeVar("Outcome")
NAMES = st.sampled_from(["a", "b"])
TASKS = st.integers(1, 3)
COLOURS = st.sampled_from(["red", "green", "provided"])
SECONDS = st.sampled_from([0.0, 0.05, 0.5, 3.0, 7.0, 30.0])
TARGETS = st.sampled_from(list(TargetState))
MOODS = st.sampled_from(["fine", "fine", "config", "task", "away"])
CALMS_DOWN = 400.0
"""Seconds in which everything comes to rest once all obey: more than the longest wait for another try."""
REFUSALS = {400, 404, 409, 500}


@dataclass
class Wish:
    """What the calls that were accepted add up to, for one connector."""

    config: dict[str, str]
    target: TargetState


@dataclass(eq=False)
class Call:
    """A request on its way."""

    what: str
    task: "asyncio.Task[Any]"
    takes_effect: Callable[[Any], None]


class Worker(RuleBasedStateMachine):
    """A worker and what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = pytest.MonkeyPatch()
        self.folder = tempfile.TemporaryDirectory()
        self.loop = SimulatedLoop()
        self.worker = self.run(self._made())
        self.calls: list[Call] = []
        self.wishes: dict[str, Wish] = {}
        self.moving: set[str] = set()
        self.closed = False
        self.unsure = False
        """Whether it is not known which requests were obeyed."""

    async def _made(self) -> PlayedWorker:
        machine = self

        class Offsets:
            """Offsets of a connector, which nobody may use while they are moved."""

            def __init__(self, plugin: object, clients: Any, *_: object) -> None: ...

            def read(self) -> list[object]:
                return []

            def alter(self, entries: object) -> str:
                return "altered"

            def reset(self) -> str:
                return "reset"

        worker = PlayedWorker(Path(self.folder.name), self.patches)
        self.patches.setattr(offsets, "ConnectorOffsets", Offsets)
        run = worker.pool.run

        async def watched(stage: str, work: Callable[[], Any], *rest: Any) -> Any:
            if not stage.startswith("modifying offsets"):
                return await run(stage, work, *rest)
            name = stage.rpartition(" ")[2]
            assert not worker.forks.live(name), f"offsets of {name} are moved under its tasks"
            machine.moving.add(name)
            try:
                return await run(stage, work, *rest)
            finally:
                machine.moving.discard(name)

        self.patches.setattr(worker.pool, "run", watched)
        worker.forks.watch = self._starts
        worker.forks.watch_connector = self._starts
        return worker

    def run(self, story: Coroutine[Any, Any, Outcome]) -> Outcome:
        return self.loop.run_until_complete(story)

    def _starts(self, process: LivelyProcess) -> None:
        forks = self.worker.forks
        is_task = not isinstance(process, LivelyConnector)
        name = process.name.rpartition("-")[0] if is_task else process.name
        others = [each.number for each in (forks.live(process.name) if is_task else forks.objects(name))]
        problem = None
        if others:
            problem = f"{process.name} starts while its processes {others} live"
        elif name in self.moving:
            problem = f"{process.name} starts while its offsets are moved"
        elif self.closed:
            problem = f"{process.name} starts after the end"
        if problem is not None:
            self.loop.troubles.append({"message": problem})

    # Calls.

    def asks(
        self, what: str, request: Coroutine[Any, Any, Any], takes_effect: Callable[[Any], None] = lambda answer: None
    ) -> None:
        """Makes a request, and goes on without waiting for its answer."""
        task = self.loop.create_task(request, name=what)
        call = Call(what, task, takes_effect)
        self.calls.append(call)
        task.add_done_callback(lambda _: self.answered(call))

    def answered(self, call: Call) -> None:
        """Requests for one connector are answered in the order in which they are obeyed."""
        self.calls.remove(call)
        if call.task.cancelled():
            return
        error = call.task.exception()
        if error is None:
            if not self.unsure:
                call.takes_effect(call.task.result())
            return
        note(f"{self.loop.time():.2f} {call.what}: {error}")
        expected = isinstance(error, ConfigError) or (
            isinstance(error, RequestError)
            and (error.status in REFUSALS or (str(error) == CLOSING and self.worker.plane.closing))
        )
        if not expected:
            self.loop.troubles.append({"message": f"{call.what}: {type(error).__name__}: {error}"})

    def config(self, name: str, tasks: int, colour: str) -> dict[str, str]:
        return self.worker.config(name, tasks, colour=self.worker.provided if colour == "provided" else colour)

    @rule(name=NAMES, tasks=TASKS, colour=COLOURS, first=TARGETS)
    def create(self, name: str, tasks: int, colour: str, first: TargetState) -> None:
        config = self.config(name, tasks, colour)

        def made(answer: Any) -> None:
            self.wishes[name] = Wish(config, first)

        self.asks(f"create {name}", self.worker.commands.create(name, config, first), made)

    @rule(name=NAMES, tasks=TASKS, colour=COLOURS)
    def put(self, name: str, tasks: int, colour: str) -> None:
        config = self.config(name, tasks, colour)

        def replaced(answer: Any) -> None:
            if answer.created != (name not in self.wishes):
                self.loop.troubles.append({"message": f"created is {answer.created} of {name}"})
            self.wishes[name] = Wish(config, self.wishes[name].target if name in self.wishes else TargetState.RUNNING)

        self.asks(f"put {name}", self.worker.commands.put(name, config), replaced)

    @rule(name=NAMES)
    def put_the_same(self, name: str) -> None:
        if name in self.wishes:
            config = dict(self.wishes[name].config)
            self.asks(
                f"put {name} as it is",
                self.worker.commands.put(name, config),
                lambda answer: self.wishes.__setitem__(
                    name, Wish(config, self.wishes[name].target if name in self.wishes else TargetState.RUNNING)
                ),
            )

    @rule(name=NAMES, tasks=TASKS, colour=COLOURS, both=st.booleans())
    def patch(self, name: str, tasks: int, colour: str, both: bool) -> None:
        changes = {"colour": self.config(name, tasks, colour)["colour"]} | ({"tasks.max": str(tasks)} if both else {})

        def patched(answer: Any) -> None:
            self.wishes[name].config = {**self.wishes[name].config, **changes}

        self.asks(f"patch {name}", self.worker.commands.patch(name, changes), patched)

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        self.asks(f"delete {name}", self.worker.commands.delete(name), lambda answer: self.wishes.__delitem__(name))

    @rule(name=NAMES, aim=TARGETS)
    def is_to_be(self, name: str, aim: TargetState) -> None:
        it = self.worker.commands
        request = {TargetState.RUNNING: it.resume, TargetState.PAUSED: it.pause, TargetState.STOPPED: it.stop}[aim]

        def aimed(answer: Any) -> None:
            self.wishes[name].target = aim

        self.asks(f"{aim} {name}", request(name), aimed)

    @rule(name=NAMES, include_tasks=st.booleans(), only_failed=st.booleans())
    def restart(self, name: str, include_tasks: bool, only_failed: bool) -> None:
        request = self.worker.commands.restart(name, include_tasks, only_failed)
        self.asks(f"restart {name} {include_tasks=} {only_failed=}", request)

    @rule(name=NAMES, task=st.integers(0, 2))
    def restart_task(self, name: str, task: int) -> None:
        known = len(self.worker.forks.of(f"{name}-{task}"))

        def restarted(answer: Any) -> None:
            wish = self.wishes[name]
            if wish.target is not TargetState.STOPPED:
                self.asks(f"look at {name}-{task}", self._restarts(name, task, known))

        self.asks(f"restart {name}-{task}", self.worker.commands.restart_task(name, task), restarted)

    async def _restarts(self, name: str, task: int, known: int) -> None:
        """Its new process is forked in a moment, unless something else has become of it."""
        await asyncio.sleep(0.01)
        status = self.worker.board.tasks(name).get(task)
        fails = self.worker.plane.closing or (status is not None and status.state is State.FAILED)
        busy = not all(each.settled for each in self.worker.plane.reconciler._followers(name))
        if len(self.worker.forks.of(f"{name}-{task}")) == known and not (fails or busy or status is None):
            raise AssertionError(f"{name}-{task} was not restarted: {status}")

    @rule(name=NAMES, alter=st.booleans())
    def offsets(self, name: str, alter: bool) -> None:
        it = self.worker.commands
        self.asks(f"offsets {name}", it.alter_offsets(name, []) if alter else it.reset_offsets(name))

    @rule(name=NAMES)
    def look(self, name: str) -> None:
        it = self.worker.commands
        for request in (it.info(name), it.status(name), it.tasks(name), it.topics(name), it.offsets(name)):
            self.asks(f"look at {name}", request)
        self.asks("list", it.connectors())

    @rule(name=NAMES)
    def forget_topics(self, name: str) -> None:
        self.asks(f"reset topics {name}", self.worker.commands.reset_topics(name))

    @rule(index=st.integers(0, 5))
    def somebody_does_not_wait_for_an_answer(self, index: int) -> None:
        """A request whose time is over. What was written of it counts, so it is looked up what that is."""
        if index < len(self.calls):
            self.unsure = True
            self.calls[index].task.cancel()
            self.calms_down()
            self.unsure = False
            facts = self.worker.journal.facts
            self.wishes = {
                name: Wish(dict(facts.of(name).properties or {}), facts.of(name).target) for name in facts.names()
            }

    # The world.

    @rule(seconds=SECONDS)
    def passes(self, seconds: float) -> None:
        self.run(asyncio.sleep(seconds))

    @rule(
        name=NAMES,
        ends_in=st.sampled_from([0.0, 0.2, 3.0, 20.0, None]),
        dies_in=st.sampled_from([0.0, 0.5, 30.0, 90.0]),
        starts_in=st.sampled_from([0.0, 1.0, 10.0]),
        fails=st.sampled_from([False, False, True]),
        crashes=st.sampled_from([False, False, True]),
        answers_in=st.sampled_from([0.0, 0.0, 2.0, 30.0, 200.0, None]),
        stays=st.booleans(),
    )
    def processes_have_habits(self, name: str, **habits: Any) -> None:
        known = self.worker.forks.habits.setdefault(name, Habits())
        for key, value in habits.items():
            setattr(known, key, value)

    @rule(index=st.integers(0, 3))
    def a_connector_asks_for_other_tasks(self, index: int) -> None:
        objects = [each for each in self.worker.forks.objects() if not each.killed]
        if index < len(objects):
            objects[index].asks()

    @rule(index=st.integers(0, 5), how=st.sampled_from(["dies", "fails", "ends", "babbles"]), task=st.booleans())
    def something_becomes_of_a_process(self, index: int, how: str, task: bool) -> None:
        forks = self.worker.forks
        live = [each for each in (forks.live() if task else forks.objects()) if not each.killed]
        if index < len(live):
            process = live[index]
            match how:
                case "dies":
                    process.dies(-9)
                case "fails":
                    process.fails()
                case "ends":
                    process.says("stopped")
                    process.dies()
                case "babbles":
                    process.played.writes(b"no json\n")

    @rule(name=NAMES, mood=MOODS)
    def a_connector_has_a_mood(self, name: str, mood: str) -> None:
        raised: dict[str, Exception] = {
            "config": ConfigError.for_key("colour", "it does not like it"),
            "task": TaskError("there are too many"),
            "away": ConnectionError("the database is away"),
        }
        if mood == "fine":
            self.worker.moods.pop(name, None)
        else:
            self.worker.moods[name] = raised[mood]

    @rule(seconds=st.sampled_from([0.0, 0.1, 2.0, 100.0]), stage=st.sampled_from(["starting", "generating", "perform"]))
    def threads_are_slow(self, seconds: float, stage: str) -> None:
        self.worker.pool.takes = lambda what: seconds if what.startswith(stage) else 0.0

    @rule(value=st.sampled_from(["one-as-provided", "two-as-provided", None]))
    def a_provider_has_another_value(self, value: str | None) -> None:
        self.worker.provides(**({"other": "x"} if value is None else {"colour": value}))

    # What holds.

    @invariant()
    def nobody_is_in_trouble(self) -> None:
        assert self.loop.troubles == []

    @invariant()
    def no_task_and_no_connector_has_two_processes(self) -> None:
        for live in (self.worker.forks.live(), self.worker.forks.objects()):
            names = [each.name for each in live]
            assert len(names) == len(set(names)), names

    @invariant()
    def there_is_a_status_of_what_there_is_and_of_nothing_else(self) -> None:
        facts, board = self.worker.journal.facts, self.worker.board
        for name in ("a", "b"):
            known = facts.of(name)
            if known.properties is None:
                assert board.status(name) is None or self.worker.plane.reconciler.instances(name)
            for number in board.tasks(name):
                assert number < len(known.tasks) or (name, number) in self.worker.plane.reconciler.tasks

    @precondition(lambda self: not self.worker.plane.closing)
    @rule()
    def calms_down(self) -> None:
        """All obey, and some time goes by: what is wanted is reached."""
        self.everybody_obeys()
        self.passes(CALMS_DOWN)
        assert not self.calls, f"never answered: {[each.what for each in self.calls]}"
        self.nobody_is_in_trouble()
        for name in ("a", "b"):
            assert all(each.settled for each in self.worker.plane.reconciler._followers(name))

    def everybody_obeys(self) -> None:
        worker = self.worker
        worker.pool.takes = lambda stage: 0.0
        worker.moods.clear()
        for habits in worker.forks.habits.values():
            habits.starts_in, habits.ends_in, habits.dies_in = 0.1, 0.1, 0.0
            habits.answers_in = 0.1
            habits.fails = habits.crashes = False
        for each in worker.forks.objects():
            each.habits.answers_in = 0.1
            each.asks()

    @precondition(lambda self: not self.worker.plane.closing)
    @rule()
    def what_is_wanted_is_there(self) -> None:
        self.worker.provides(colour="at-last-as-provided")
        self.calms_down()
        self.as_asked()
        for name in self.wishes:
            self.in_its_place(name)
        owners = self.worker.plane.owners
        assert owners._owners.keys() <= self.wishes.keys()
        assert owners._prepared == []
        assert owners._releases == set()
        assert {name for name, _ in self.worker.plane._restarts} <= self.wishes.keys()
        live = {each.name.rpartition("-")[0] for each in self.worker.forks.live()}
        assert live <= {name for name, wish in self.wishes.items() if wish.target is not TargetState.STOPPED}

    def as_asked(self) -> None:
        """Every call that was accepted took effect, or was superseded by a later one."""
        facts = self.worker.journal.facts
        assert facts.names() == sorted(self.wishes)
        for name, wish in self.wishes.items():
            assert (facts.of(name).properties, facts.of(name).target) == (wish.config, wish.target), name
        for name in {"a", "b"} - self.wishes.keys():
            assert self.worker.states(name) == []
            assert self.worker.forks.live(name) == self.worker.forks.objects(name) == []

    def in_its_place(self, name: str) -> None:
        """A connector is as it was asked for; with a restart of what has failed, which nobody else acts on."""
        if self.wishes[name].target is TargetState.PAUSED:
            self.stands_still(name)
            self.run(self.worker.commands.resume(name))
            self.wishes[name] = Wish(self.wishes[name].config, TargetState.RUNNING)
            self.passes(CALMS_DOWN)
        wish, forks, it = self.wishes[name], self.worker.forks, self.worker.commands
        if State.FAILED in self.worker.states(name):
            self.run(it.restart(name, include_tasks=True, only_failed=True))
            self.passes(CALMS_DOWN)
        tasks = 0 if wish.target is TargetState.STOPPED else int(wish.config["tasks.max"])
        assert self.worker.states(name) == [State(wish.target.value)] * (tasks + 1)
        live = forks.live(name)
        assert sorted(each.name for each in live) == [f"{name}-{number}" for number in range(tasks)]
        assert {each.wishes[-1] if each.wishes else "run" for each in live} <= {"run"}
        values = self.worker.settings.providers.resolve(wish.config).values
        stale = {
            each.name
            for each in live
            if each.config.items() < values.items() or each.config["colour"] != values["colour"]
        }
        known = len(forks.processes)
        self.run(it.put(name, dict(wish.config)))
        self.passes(1.0)
        # The same config again restarts what a rotated secret makes another, and nothing else.
        assert {each.name for each in forks.processes[known:]} == stale
        assert {each.config["colour"] for each in forks.live(name)} <= {values["colour"]}
        assert {each.config["colour"] for each in forks.objects(name)} <= {values["colour"]}
        assert len(forks.objects(name)) == (wish.target is TargetState.RUNNING and forks.habits[name].stays)
        for number in range(tasks):
            self.run(it.restart_task(name, number))
        self.passes(1.0)
        assert sorted(each.name for each in forks.processes[known + len(stale) :]) == [
            f"{name}-{number}" for number in range(tasks)
        ]
        assert self.worker.states(name) == [State(wish.target.value)] * (tasks + 1)

    def stands_still(self, name: str) -> None:
        """Of a paused connector no task runs, and none is made: it keeps those that it had."""
        tasks = len(self.worker.journal.facts.of(name).tasks)
        own, *others = self.worker.states(name)
        assert (own, len(others)) == (State.PAUSED, tasks)
        assert set(others) <= {State.PAUSED, State.FAILED}
        assert {each.wishes[-1] for each in self.worker.forks.live(name)} <= {"pause"}
        assert self.worker.forks.objects(name) == []

    # The end.

    def teardown(self) -> None:
        try:
            self.ends_in_time()
        finally:
            self.loop.end()
            self.patches.undo()
            self.folder.cleanup()

    def ends_in_time(self) -> None:
        began = self.loop.time()
        self.run(self.worker.commands.close())
        assert self.loop.time() - began <= GRACE + 2, "SIGTERM"
        self.closed = True
        # The kernel may still hold what was killed; and with the worker everything else ends too.
        assert all(each.killed for each in [*self.worker.forks.live(), *self.worker.forks.objects()])
        self.passes(CALMS_DOWN)
        assert self.worker.forks.live() == self.worker.forks.objects() == []
        assert not self.calls, f"never answered: {[each.what for each in self.calls]}"
        self.nobody_is_in_trouble()


@pytest.mark.timeout(3600)
def test_whatever_is_asked_and_whatever_happens_what_is_wanted_is_reached(
    long: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "ferryman")  # its lines would cost most of the time
    run_state_machine_as_test(
        Worker,
        settings=settings(
            max_examples=2000 if long else 200,
            stateful_step_count=60 if long else 30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
