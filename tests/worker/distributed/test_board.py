"""What a worker makes of the words of others about what it runs."""

import asyncio

import pytest

from ferryman.facts.states import State
from ferryman.facts.statuses import StoredStatus, TaskStatusRecord
from ferryman.worker.control.wanted import Instance
from ferryman.worker.distributed.board import Board
from tests.internal_topics import logs

NOW = 7
"""The generation that the worker is in."""


@pytest.mark.parametrize(
    ("status", "is_doubted"),
    [
        (None, True),
        (StoredStatus(State.UNASSIGNED, "other:1", NOW), True),
        (StoredStatus(State.FAILED, "other:1", NOW), True),
        (StoredStatus(State.RUNNING, "other:1", NOW), False),
        (StoredStatus(State.RUNNING, "other:1", NOW - 1), True),
        (StoredStatus(State.RESTARTING, "other:1", -1), True),
    ],
    ids=["forgotten", "given up", "failed", "runs", "ran before", "restarts what was lost in its sleep"],
)
def test_what_may_be_a_former_owners_late_word_is_told(status: StoredStatus | None, is_doubted: bool) -> None:
    async def told() -> list[tuple[Instance, str | None, bool]]:
        board = Board(logs.distributed("127.0.0.1:1", "g"), lambda: NOW)
        heard: list[tuple[Instance, str | None, bool]] = []
        board.when_said(lambda *said: heard.append(said))
        board._apply([TaskStatusRecord("c", 0, status)])
        await asyncio.to_thread(board.close)
        return heard

    whose = None if status is None else "other:1"
    assert asyncio.run(told()) == [(("c", 0), whose, is_doubted)]
