"""Whatever arrives, fails and is killed: each event is committed exactly once, and those on time in their order."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Any
from unittest.mock import patch

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from ferryman.connectors.stripe import event_follower
from ferryman.connectors.stripe.events_api import EventsApi
from ferryman.errors import RetriableError
from tests.connectors.stripe.stripe_stub import StripeStub, payment, serving
from tests.connectors.stripe.stripe_task import Task, config

OVERLAP = 4
MOODS = st.lists(st.sampled_from(["hang up", (429, {"Retry-After": "1"}), (500, {}), (503, {})]), max_size=3)


class Clock:
    """A clock that goes only when told."""

    time = 0.0

    def __call__(self) -> float:
        return self.time


class Gateway(RuleBasedStateMachine):
    """A gateway whose events may appear up to OVERLAP seconds late, and a task that follows them."""

    clock = Clock()
    served = staticmethod(serving)

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.on_time: list[str] = []
        self.newest = 1_000

    @initialize(
        order=st.sampled_from(["newest first", "as they appear", "oldest first"]),
        strict=st.booleans(),
        page=st.integers(2, 4),
        most=st.integers(1, 7),
        start=st.sampled_from(["earliest", "1970-01-01T00:00:00Z"]),
    )
    def begin(self, order: str, strict: bool, page: int, most: int, start: str) -> None:
        stub = StripeStub(order=order, strict=strict, page=page)  # type: ignore[arg-type]
        self.stub = self.stack.enter_context(self.served(stub))
        # A list whose events are all of one second shows nobody its order.
        self._appear(900)
        self._appear(901)
        keys = {"overlap.seconds": str(OVERLAP), "events.per.poll": str(most), "start.from": start}
        self.task = Task(config(self.stub.url, poll_interval_ms="1") | keys)

    def teardown(self) -> None:
        try:
            if hasattr(self, "task"):
                self.stub.moods.clear()
                self.stub.meanwhile.clear()
                for _ in range(3):
                    self.clock.time += OVERLAP
                    self.task.drain()
                assert set(self.task.ids) == {event["id"] for event in self.stub.events}
        finally:
            if hasattr(self, "task"):
                self.task.source.stop()
            self.stack.close()

    def _appear(self, created: int) -> str:
        id = f"evt_{len(self.stub.events)}"
        self.stub.add(payment(id, created))
        return id

    @rule(ahead=st.integers(1, 2 * OVERLAP))
    def an_event_arrives(self, ahead: int) -> None:
        self.newest += ahead
        self.on_time.append(self._appear(self.newest))

    @rule(late=st.lists(st.integers(0, OVERLAP), min_size=1, max_size=4))
    def events_appear_late(self, late: list[int]) -> None:
        for seconds in late:
            self._appear(self.newest - seconds)

    @rule(size=st.integers(5, 12))
    def a_burst_in_one_second(self, size: int) -> None:
        for _ in range(size):
            self._appear(self.newest)

    @rule(gaps=st.lists(st.sampled_from([1, 2, 30, 5_000_000]), min_size=8, max_size=15))
    def much_happens_while_nobody_looks(self, gaps: list[int]) -> None:
        for gap in gaps:
            self.an_event_arrives(gap)

    @rule(each=st.lists(st.lists(st.integers(-OVERLAP, 2 * OVERLAP), max_size=3), min_size=1, max_size=4))
    def it_happens_while_the_task_reads(self, each: list[list[int]]) -> None:
        self.stub.meanwhile.extend(partial(self._happens, changes) for changes in each)

    def _happens(self, changes: list[int]) -> None:
        for change in changes:
            if change > 0:
                self.an_event_arrives(change)
            else:
                self._appear(self.newest + change)

    @rule(seconds=st.sampled_from([0.1, OVERLAP]))
    def time_passes(self, seconds: float) -> None:
        self.clock.time += seconds

    @rule(moods=MOODS)
    def the_gateway_has_moods(self, moods: list[str | tuple[int, dict[str, str]]]) -> None:
        self.stub.moods.extend(moods)

    @rule(times=st.integers(1, 4))
    def the_task_polls(self, times: int) -> None:
        for _ in range(times):
            with suppress(RetriableError):
                self.task.poll()

    @rule(committed=st.booleans())
    def the_task_is_killed_around_the_commit(self, committed: bool) -> None:
        with suppress(RetriableError):
            records = self.task.source.poll()
            if committed:
                self.task.commit(records)
        self.task.kill()

    @invariant()
    def nothing_is_doubled(self) -> None:
        if hasattr(self, "task"):
            assert len(set(self.task.ids)) == len(self.task.ids)

    @invariant()
    def what_was_on_time_is_in_order(self) -> None:
        if hasattr(self, "task"):
            punctual = set(self.on_time)
            given = [id for id in self.task.ids if id in punctual]
            assert given == self.on_time[: len(given)]

    @invariant()
    def events_of_one_second_are_in_the_order_of_the_list(self) -> None:
        # A list that is not sorted by time may look like its reverse, until it is longer than the overlap.
        if hasattr(self, "task") and self.stub.order != "as they appear":
            numbers: dict[int | None, list[int]] = {}
            for record in self.task.records:
                numbers.setdefault(record.timestamp, []).append(int(str(record.headers[0].value).removeprefix("evt_")))
            assert all(given == sorted(given) for given in numbers.values())


@contextmanager
def answering(stub: StripeStub) -> Iterator[StripeStub]:
    """Gives the stub's answers to the source's client without sockets, which is many times faster."""

    def get(self: EventsApi, parameters: Mapping[str, Any]) -> tuple[httpx.Response, bytes]:
        query = {name: value if isinstance(value, list) else [str(value)] for name, value in parameters.items()}
        met = stub.meet(query)
        if isinstance(met, str):
            raise RetriableError(met)
        return httpx.Response(met[0], headers=met[1]), met[2]

    stub.url = "http://gateway"
    with patch.object(EventsApi, "_get", get), patch.object(httpx, "Client"):
        yield stub


class NearGateway(Gateway):
    """The same gateway within this process."""

    served = staticmethod(answering)


@pytest.mark.parametrize(("gateway", "examples", "many"), [(Gateway, 10, 100), (NearGateway, 150, 10_000)])
@pytest.mark.timeout(3600)
def test_each_event_is_committed_once_whatever_happens(
    gateway: type[Gateway], examples: int, many: int, long: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_follower, "monotonic", Gateway.clock)
    run_state_machine_as_test(
        gateway,
        settings=settings(
            max_examples=many if long else examples,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
