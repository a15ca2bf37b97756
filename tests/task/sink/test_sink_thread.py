"""The thread of a sink's code: one call at a time, questions to the loop, and a call that never ends."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ferryman.task.setup.control import Control
from ferryman.task.sink import sink_thread
from ferryman.task.sink.sink_thread import SinkThread, StillBusy

FOREVER = 60.0


@pytest.fixture
def control() -> Control:
    return Control(lambda event, facts: None)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What a call waits for; opened at the end, so that no thread stays behind."""
    made = threading.Event()
    yield made
    made.set()


@pytest.fixture
def thread(control: Control, monkeypatch: pytest.MonkeyPatch) -> Iterator[SinkThread]:
    monkeypatch.setattr(sink_thread, "POLL_SECONDS", 0.01)
    made = SinkThread(control, grace=FOREVER)
    yield made
    made.end()


def test_a_call_is_made_on_a_thread_of_its_own_always_the_same(thread: SinkThread) -> None:
    first = thread.call(threading.get_ident)
    assert first != threading.get_ident()
    assert thread.call(threading.get_ident) == first
    assert not thread.busy


def test_what_a_call_raises_is_raised_where_it_is_waited_for(thread: SinkThread) -> None:
    def fail() -> None:
        raise ValueError("oops")

    with pytest.raises(ValueError, match="oops"):
        thread.call(fail)
    future = thread.begin(fail)
    thread.finish()
    assert not thread.busy
    with pytest.raises(ValueError, match="oops"):
        future.result()
    assert thread.call(lambda: 1) == 1


def test_even_what_is_no_ordinary_error_ends_a_call_and_not_the_thread(thread: SinkThread) -> None:
    class Panic(BaseException):
        pass

    def fail() -> None:
        raise Panic

    with pytest.raises(Panic):
        thread.call(fail)
    assert thread.call(lambda: 1) == 1


def test_while_a_call_runs_the_loop_goes_on(thread: SinkThread, gate: threading.Event) -> None:
    future = thread.begin(gate.wait)
    thread.look(0.0)
    assert thread.busy
    with pytest.raises(AssertionError):
        thread.begin(gate.wait)
    gate.set()
    thread.finish()
    assert future.result() is True


def test_a_call_that_takes_too_long_is_given_up_and_from_then_on_not_waited_for_again(
    thread: SinkThread, gate: threading.Event
) -> None:
    thread.begin(gate.wait)
    with pytest.raises(StillBusy):
        thread.finish(within=0.0)
    assert thread.busy
    with pytest.raises(StillBusy):
        thread.finish()


def test_a_call_that_ends_in_time_is_no_failure(thread: SinkThread, gate: threading.Event) -> None:
    thread.begin(gate.wait)
    threading.Timer(0.02, gate.set).start()
    thread.finish(within=FOREVER)
    assert not thread.busy


def test_after_a_stop_a_call_may_take_its_grace_and_no_longer(control: Control, gate: threading.Event) -> None:
    thread = SinkThread(control, grace=0.0)
    thread.begin(gate.wait)
    control.wish("stop")
    with pytest.raises(StillBusy):
        thread.finish(within=FOREVER)
    thread.end()


def test_without_a_stop_the_grace_does_not_run(control: Control, gate: threading.Event) -> None:
    thread = SinkThread(control, grace=0.0)
    thread.begin(gate.wait)
    threading.Timer(0.02, gate.set).start()
    thread.finish(within=FOREVER)
    thread.end()


def test_a_pause_is_no_stop(control: Control, gate: threading.Event) -> None:
    thread = SinkThread(control, grace=0.0)
    thread.begin(gate.wait)
    control.wish("pause")
    threading.Timer(0.02, gate.set).start()
    thread.finish(within=FOREVER)
    thread.end()


def test_a_question_of_the_sinks_is_answered_on_the_loops_thread_while_the_loop_waits(thread: SinkThread) -> None:
    def ask() -> tuple[int, int]:
        return thread.ask(threading.get_ident), threading.get_ident()

    asked, own = thread.call(ask)
    assert asked == threading.get_ident()
    assert own != asked


def test_what_a_question_raises_is_raised_where_it_was_asked(thread: SinkThread) -> None:
    def question() -> None:
        raise ValueError("no")

    def ask() -> str:
        try:
            thread.ask(question)
        except ValueError as error:
            return str(error)
        return "answered"

    assert thread.call(ask) == "no"


def test_a_question_of_the_loop_itself_is_answered_at_once(thread: SinkThread) -> None:
    assert thread.ask(threading.get_ident) == threading.get_ident()


def test_a_question_of_a_third_thread_is_answered_though_no_call_runs(thread: SinkThread) -> None:
    answers: list[Any] = []
    other = threading.Thread(target=lambda: answers.append(thread.ask(threading.get_ident)))
    other.start()
    while not answers:
        thread.look(0.05)
    other.join()
    assert answers == [threading.get_ident()]


def test_to_answer_is_to_answer_all_there_are(thread: SinkThread) -> None:
    answers: list[int] = []
    others = [threading.Thread(target=lambda: answers.append(thread.ask(lambda: 1))) for _ in range(3)]
    for other in others:
        other.start()
    while any(other.is_alive() for other in others):
        thread.answer()
    assert answers == [1, 1, 1]


def test_a_look_ends_with_the_call(thread: SinkThread, gate: threading.Event) -> None:
    thread.begin(gate.wait)
    gate.set()
    thread.look(FOREVER)
    thread.finish()
    assert not thread.busy


def test_a_look_can_be_ended_from_elsewhere(thread: SinkThread) -> None:
    thread.wake()
    thread.look(FOREVER)


def test_its_thread_ends_with_it(control: Control) -> None:
    before = set(threading.enumerate())
    sink = SinkThread(control, grace=FOREVER)
    (own,) = set(threading.enumerate()) - before
    sink.end()
    own.join(FOREVER)
    assert not own.is_alive()
