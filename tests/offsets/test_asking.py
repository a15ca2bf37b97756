"""Source offsets are asked for, and waited for: as long as the caller likes, and never by reading older ones."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ferryman.errors import RefusedError, RetriableError
from ferryman.offsets import asking
from ferryman.offsets.asking import FIRST_WORD, NEXT_WORD, PROGRESS_SECONDS, Asking, GivesUp, impatient
from ferryman.offsets.source_offsets import SourceOffsets
from tests.clock import Clock

OPEN = "another producer's transaction is open at offsets-0@7 and hides what comes after it until it ends"


class Worker:
    """Answers as a test says, one answer each time that nobody else has something to say."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = Clock()
        monkeypatch.setattr(asking, "time", self.clock)
        monkeypatch.setattr(asking, "POLL_SECONDS", 0.0)
        self.asking = Asking(self.told)
        self.messages: list[dict[str, Any]] = []
        self.answers: dict[int, dict[str, Any]] = {}
        """To the messages, by their order."""

    def told(self, event: str, facts: dict[str, Any]) -> None:
        assert event == "offsets"
        answer = self.answers.get(len(self.messages))
        self.messages.append(facts)
        if answer is not None:
            self.says(**{"number": facts["number"], **answer})

    def says(self, kind: str, number: int = 1, **facts: Any) -> None:
        self.asking.heard({"offsets": kind, "number": number, **facts})

    def read(self, gives_up: GivesUp = impatient) -> dict[str, int]:
        found = self.asking.read({"bootstrap.servers": "b"}, "offsets", SourceOffsets("c"), gives_up)
        return {partition["file"]: offset["at"] for partition, offset in found.items()}


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Worker:
    return Worker(monkeypatch)


def entries(*files: str, part: int = 0, more: bool = False, at: int = 1) -> dict[str, Any]:
    found = [[f'["c",{{"file":"{file}"}}]', f'{{"at":{at}}}'] for file in files]
    return {"kind": "entries", "part": part, "more": more, "entries": found}


def looks(*steps: Callable[[], object]) -> GivesUp:
    """Does one thing at each look, and gives up after the last one."""
    left: Iterator[Callable[[], object]] = iter(steps)

    def look(silence: float) -> bool:
        step = next(left, None)
        return step is None or step() is True

    return look


def test_an_answer_comes_in_parts_of_which_each_is_asked_for_when_the_last_was_taken(worker: Worker) -> None:
    worker.answers = {0: entries("a", "b", more=True), 1: entries("c", part=1)}
    assert worker.read() == {"a": 1, "b": 1, "c": 1}
    assert worker.messages == [
        {"number": 1, "topic": "offsets", "client": {"bootstrap.servers": "b"}},
        {"number": 1, "next": 1},
    ]


def test_of_a_reader_that_was_replaced_the_answer_begins_anew(worker: Worker) -> None:
    worker.answers = {0: entries("a", more=True), 1: entries("b", more=True, at=2), 2: entries("c", part=1, at=2)}
    assert worker.read() == {"b": 2, "c": 2}


def test_an_answer_to_an_earlier_question_is_none(worker: Worker) -> None:
    with pytest.raises(RetriableError):
        worker.read(lambda silence: True)
    assert worker.read(
        looks(lambda: worker.says(**entries("old")), lambda: worker.says(**entries("new"), number=2))
    ) == {"new": 1}


def test_a_cluster_that_refuses_and_one_that_is_away_are_told_apart(worker: Worker) -> None:
    worker.answers = {0: {"kind": "failed", "reason": "no such user", "key": "consumer.override.sasl.jaas.config"}}
    with pytest.raises(RefusedError, match=r"no such user .see consumer.override.sasl.jaas.config"):
        worker.read()
    worker.answers = {1: {"kind": "failed", "reason": "timed out", "key": ""}}
    with pytest.raises(RetriableError, match="the offsets topic offsets cannot be read: timed out") as found:
        worker.read()
    assert not isinstance(found.value, RefusedError)


def test_a_transaction_that_stays_open_is_given_up_by_who_cannot_wait(worker: Worker) -> None:
    worker.answers = {0: {"kind": "waits", "silence": PROGRESS_SECONDS + 1, "reason": OPEN}}
    began = worker.clock.monotonic()
    worker.clock.pass_(PROGRESS_SECONDS + 1)
    with pytest.raises(RetriableError, match=f"not read to its end: {OPEN}. Starting from older offsets would repeat"):
        worker.read(lambda silence: worker.clock.pass_(PROGRESS_SECONDS + 1) or impatient(silence))  # type: ignore[func-returns-value]
    assert worker.clock.monotonic() > began


def test_a_topic_that_advances_is_waited_for_however_long_it_takes(worker: Worker) -> None:
    def advances() -> None:
        worker.clock.pass_(PROGRESS_SECONDS - 1)
        worker.says("waits", silence=0.0, reason="the broker does not answer")

    found: list[float] = []

    def patient(silence: float) -> bool:
        found.append(silence)
        if len(found) > 20:
            worker.says(**entries("a"))
        else:
            advances()
        return impatient(silence)

    assert worker.read(patient) == {"a": 1}


def test_where_nobody_answers_that_is_said(worker: Worker) -> None:
    with pytest.raises(RetriableError, match="nobody answers"):
        worker.read(lambda silence: worker.clock.pass_(1) or impatient(silence))  # type: ignore[func-returns-value]


def test_a_wait_is_told_after_a_while_and_then_once_a_minute(worker: Worker, caplog: pytest.LogCaptureFixture) -> None:
    steps = [lambda: worker.clock.pass_(1)] * int(FIRST_WORD + 2 * NEXT_WORD + 1)
    worker.answers = {0: {"kind": "waits", "silence": 0.0, "reason": OPEN}}
    with caplog.at_level(logging.WARNING, "ferryman.offsets"), pytest.raises(RetriableError):
        worker.read(looks(*steps))
    assert len(caplog.messages) == 3
    assert caplog.messages[0] == f"waiting for {FIRST_WORD:.0f} s to read offsets to its end: {OPEN}"
