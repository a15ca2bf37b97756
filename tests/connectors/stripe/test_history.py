"""The Stripe source as a run: one period of its events, all of it and nothing else, whatever the order of the list."""

import time
from collections.abc import Iterator

import pytest

from ferryman.api import Part, Span
from ferryman.connectors.stripe.source import StripeSourceConfig, StripeSourceConnector
from ferryman.errors import ConfigError
from ferryman.runs.span import SourceRun
from tests.connectors.stripe.stripe_stub import Order, StripeStub, payment, serving
from tests.connectors.stripe.stripe_task import Task, config

ORDERS: list[Order] = ["newest first", "as they appear", "oldest first"]
DAY = 86_400_000
STRIPE = "https://api.stripe.com"


@pytest.fixture
def stub() -> Iterator[StripeStub]:
    with serving(StripeStub()) as served:
        yield served


def run(first: int, behind: int, rate: float = 0.0) -> SourceRun:
    """From a second up to another one."""
    return SourceRun(Span(first * 1000, behind * 1000), rate)


def to_its_end(task: Task) -> None:
    while not task.source.at_end():
        task.poll()


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("most", ["1000", "70"])
def test_it_hands_over_the_events_of_its_period_oldest_first_and_then_is_at_its_end(
    stub: StripeStub, order: Order, most: str
) -> None:
    stub.order = order
    stub.add(*(payment(f"evt_{number:04}", 1_000_000 + number // 3) for number in range(1_200)))
    task = Task(config(stub.url, events_per_poll=most), run(1_000_100, 1_000_300))
    assert not task.source.at_end()
    to_its_end(task)
    assert task.ids == [f"evt_{number:04}" for number in range(300, 900)]
    assert task.poll() == []
    assert task.source.at_end()


def test_killed_after_each_poll_it_hands_over_each_event_once(stub: StripeStub) -> None:
    stub.add(*(payment(f"evt_{number:03}", 1_000_000 + number) for number in range(350)))
    task = Task(config(stub.url, events_per_poll="30"), run(1_000_020, 1_000_320))
    while not task.source.at_end():
        if task.poll() and not task.source.at_end():
            task.source.poll()
            task.kill()
    assert task.ids == [f"evt_{number:03}" for number in range(20, 320)]


def test_an_empty_period_is_at_its_end_after_a_look(stub: StripeStub) -> None:
    stub.add(payment("evt_before", 999), payment("evt_behind", 2_000))
    task = Task(config(stub.url), run(1_000, 2_000))
    to_its_end(task)
    assert task.ids == []


def test_it_begins_when_nothing_can_appear_in_its_period_any_more(stub: StripeStub) -> None:
    stub.add(payment("evt_1", 1_500))
    stub.now = 2_030
    task = Task(config(stub.url, overlap_seconds="60", poll_interval_ms="700"), run(1_000, 2_000))
    assert task.poll() == []
    assert not task.source.at_end()
    assert task.waits[-1] == 0.7
    stub.add(payment("evt_late", 1_990))
    stub.now = 2_060
    to_its_end(task)
    assert task.ids == ["evt_1", "evt_late"]


def test_its_polls_are_no_larger_than_its_rate(stub: StripeStub) -> None:
    stub.add(*(payment(f"evt_{number}", 1_000 + number) for number in range(50)))
    task = Task(config(stub.url), run(1_000, 2_000, rate=7.0))
    sizes = []
    while not task.source.at_end():
        sizes.append(len(task.poll()))
    assert max(sizes) == 7
    assert len(task.records) == 50


def part(url: str, wanted: Span) -> Part:
    raw = config(url)
    return StripeSourceConnector.history(StripeSourceConfig.parse(raw), raw, wanted)


def test_what_stripe_no_longer_keeps_is_refused_and_of_another_server_it_is_said(stub: StripeStub) -> None:
    old = int(time.time() * 1000) - 31 * DAY
    with pytest.raises(ConfigError, match="keeps events for 30 days") as refused:
        part(STRIPE, Span(old))
    assert [each.key for each in refused.value.problems] == ["from"]
    found = part(stub.url, Span(old, old + DAY))
    assert found.span == Span(old, old + DAY)
    assert "30 days" in found.warnings[0]


def test_its_end_is_the_present_unless_it_was_before_and_its_beginning_what_is_kept() -> None:
    before = int(time.time() * 1000)
    found = part(STRIPE, Span(ends=before + DAY)).span
    after = int(time.time() * 1000)
    assert found.begins is not None
    assert found.ends is not None
    assert before <= found.ends <= after
    assert before - 30 * DAY <= found.begins <= after - 30 * DAY


@pytest.mark.parametrize(
    ("wanted", "key"), [(Span(first=3), "positions"), (Span(begins=int(time.time() * 1000) + DAY), "from")]
)
def test_positions_and_what_is_still_to_come_are_refused(wanted: Span, key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        part(STRIPE, wanted)
    assert [each.key for each in refused.value.problems] == [key]
