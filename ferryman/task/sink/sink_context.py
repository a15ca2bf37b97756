"""What a sink's code may ask of the session that it runs in."""

from collections.abc import Callable
from typing import Any

from ferryman.api import SinkContext
from ferryman.context import History
from ferryman.errors import Indeterminate, Unfinished
from ferryman.task.setup.crash_points import crash_point
from ferryman.task.sink.commits import GroupOffsets
from ferryman.task.sink.loop import SinkSession
from ferryman.task.sink.sink_thread import POLL_SECONDS


def context(session: Callable[[], SinkSession], history: History | None = None, **facts: Any) -> SinkContext:
    """What a sink may ask of the session it runs in; the session is made after the sink, hence the callable."""
    return SinkContext(
        **facts,
        crash_point=crash_point,
        report=lambda batch, index, error: session().backlog.report([(batch, index, error)]),
        report_all=lambda found: session().backlog.report(found),
        request_commit=lambda: session().request_commit(),
        commit=lambda offsets: demand(session(), offsets),
        in_doubt=lambda count: session().meter.task.doubts(count),
        leased=lambda: not session().control.parked,
        history=history,
    )


def demand(session: SinkSession, wanted: GroupOffsets) -> None:
    """A commit that the sink needs before it goes on. For the sink's side, on whatever thread."""

    def send() -> GroupOffsets | None:
        if session.control.parked:
            raise Unfinished("the worker has not renewed the task's lease", after=POLL_SECONDS)
        session.backlog.deliver_to(session.ledger)
        return session.commits.send(wanted)

    news = session.thread.ask(send)
    if news is None:
        raise Indeterminate("the group has rebalanced while the sink needed a commit")
    session.commits.accepted(news)
