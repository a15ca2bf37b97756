"""The sink's thread: one call at a time, questions answered meanwhile, an end that is not waited for without end."""

import threading

import pytest

from ferryman.task.setup.control import Control
from ferryman.task.sink.sink_thread import SinkThread, StillBusy


def thread(grace: float = 60.0) -> SinkThread:
    return SinkThread(Control(lambda event, facts: None), grace)


def test_every_call_is_made_on_the_same_other_thread() -> None:
    sink = thread()
    found = {sink.call(threading.get_ident) for _ in range(3)}
    assert len(found) == 1
    assert threading.get_ident() not in found


def test_a_call_that_asks_for_something_is_answered_by_who_waits_for_it() -> None:
    sink = thread()
    assert sink.call(lambda: sink.ask(threading.get_ident)) == threading.get_ident()


def test_an_answer_that_is_an_error_is_raised_where_it_was_asked_for() -> None:
    sink = thread()

    def question() -> None:
        raise ValueError("no")

    def call() -> str:
        try:
            sink.ask(question)
        except ValueError as error:
            return str(error)
        return ""

    assert sink.call(call) == "no"


def test_an_error_of_a_call_is_raised_where_it_is_waited_for_even_one_that_is_no_exception() -> None:
    class Panic(BaseException):
        """As polars raises."""

    def call() -> None:
        raise Panic

    sink = thread()
    with pytest.raises(Panic):
        sink.call(call)
    assert sink.call(lambda: 1) == 1


def test_a_call_that_does_not_end_in_time_is_given_up_at_once_the_next_time() -> None:
    sink, end = thread(), threading.Event()
    sink.begin(end.wait)
    with pytest.raises(StillBusy):
        sink.finish(0.01)
    with pytest.raises(StillBusy):
        sink.finish(3600)
    end.set()
    while sink.busy:
        sink.look(1)
    sink.finish()


def test_after_a_stop_a_call_may_take_as_long_as_the_grace() -> None:
    sink, end = thread(grace=0.01), threading.Event()
    sink.control.wish("stop")
    sink.begin(end.wait)
    with pytest.raises(StillBusy):
        sink.finish()
    end.set()


def test_its_thread_ends_with_it() -> None:
    before = set(threading.enumerate())
    sink = thread()
    (own,) = set(threading.enumerate()) - before
    sink.end()
    own.join(30)
    assert not own.is_alive()
