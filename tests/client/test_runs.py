"""How a run that was just made is waited for."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ferryman.client import runs
from ferryman.client.errors import RefusedRequestError
from ferryman.client.terminal import POLL_SECONDS
from ferryman.client.worker import Worker
from tests.clock import Clock

RUNNING = {"connector": {"state": "RUNNING"}, "tasks": []}
STOPPED = {"connector": {"state": "STOPPED"}, "tasks": []}
COMPLETE = {"connector": {"state": "STOPPED"}, "tasks": [], "run": {"complete": True}}


@dataclass
class Follower:
    """A worker that answers one thing after the other, None for 404, and the last for ever."""

    answers: list[dict[str, Any] | None]
    known: list[str] = field(default_factory=list)

    def get(self, *path: str) -> dict[str, Any]:
        """The status."""
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            raise RefusedRequestError(404, f"No status found for connector {path[1]}")
        return answer

    def names(self) -> list[str]:
        """The connectors that it knows."""
        return self.known


def followed(follower: Follower) -> int:
    return runs.followed(cast(Worker, follower), "again", lambda status: None)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(runs, "time", SimpleNamespace(monotonic=clock.monotonic, sleep=clock.pass_))
    return clock


def test_a_worker_that_has_not_heard_of_a_run_yet_is_asked_again() -> None:
    assert followed(Follower([None, None, RUNNING, COMPLETE])) == 0


@pytest.mark.parametrize(("refused", "code"), [(None, 0), (0, 0), (2, 3)])
def test_a_run_that_is_complete_ends_otherwise_where_records_were_refused(refused: int | None, code: int) -> None:
    run = {"complete": True, "records_refused": refused}
    assert followed(Follower([RUNNING, {**COMPLETE, "run": run}])) == code


def test_a_run_that_is_known_and_has_no_status_is_waited_for(clock: Clock) -> None:
    assert followed(Follower([*[None] * 60, COMPLETE], ["again"])) == 0
    assert clock.now > runs.SECONDS_TO_HEAR_OF_RUN


def test_a_run_that_was_never_made_is_not_waited_for_in_vain() -> None:
    with pytest.raises(RefusedRequestError):
        followed(Follower([None]))


def test_a_run_that_is_deleted_meanwhile_is_not_waited_for(clock: Clock) -> None:
    with pytest.raises(RefusedRequestError):
        followed(Follower([RUNNING, None]))
    assert clock.now < 1000.0 + runs.SECONDS_TO_HEAR_OF_RUN


def test_a_run_that_somebody_stops_is_waited_for_no_more() -> None:
    assert followed(Follower([RUNNING, *[STOPPED] * runs.LOOKS_THAT_FIND_IT_STOPPED, COMPLETE])) == 1
    assert followed(Follower([RUNNING, *[STOPPED] * (runs.LOOKS_THAT_FIND_IT_STOPPED - 1), COMPLETE])) == 0


def test_a_run_that_is_made_as_a_stopped_one_is_given_time_to_begin(clock: Clock) -> None:
    assert followed(Follower([*[STOPPED] * 14, RUNNING, COMPLETE])) == 0
    assert clock.now > 1000.0 + 14 * POLL_SECONDS
    assert followed(Follower([STOPPED])) == 1
