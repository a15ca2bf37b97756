"""What a worker keeps of the log, and how its processes tell it."""

import json
import logging
import socket
from typing import Any

from ferryman.forked.line import Line
from ferryman.telemetry import recent
from ferryman.telemetry.recent import Recent, Teller
from ferryman.telemetry.subject import Subject

ONE = Subject("a", 0)


def test_the_last_lines_of_each_are_kept_and_the_others_forgotten() -> None:
    kept = Recent()
    for number in range(recent.MAX_LINES + 5):
        kept.add(ONE, json.dumps({"n": number}))
    assert [line["n"] for line in kept.of(ONE)] == list(range(5, recent.MAX_LINES + 5))
    for number in range(recent.MAX_SUBJECTS):
        kept.heard({"connector": f"c{number}", "task": None, "line": "{}"})
    assert kept.of(ONE) == []
    assert kept.of(Subject("c0")) == [{}]


def test_a_process_that_never_stops_talking_is_told_of_in_part() -> None:
    told: list[dict[str, Any]] = []
    teller = Teller(lambda event, facts: told.append(facts), ONE)
    for number in range(10_000):
        teller.emit(logging.LogRecord("a", logging.INFO, "", 0, str(number), (), None))
    assert told[0] == {"connector": "a", "task": 0, "line": "0"}
    assert recent._BURST <= len(told) < 5_000


def test_a_worker_that_does_not_read_holds_up_nobody() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        line = Line(ours)
        for _ in range(2_000):
            line.mention(recent.EVENT, {"line": "x" * recent.MAX_LINE_CHARACTERS})
        theirs.settimeout(10)
        read = b""
        while not read.endswith(b"\n") or len(read) < recent.MAX_LINE_CHARACTERS:
            read += theirs.recv(1 << 20)
        assert all(json.loads(each)["event"] == recent.EVENT for each in read.splitlines())
