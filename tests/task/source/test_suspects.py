"""Records of a source that may kill its process: what they are called, which are tried, and what is noted meanwhile."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.api import Transform
from ferryman.chain.chain import Chain, Step, assembled
from ferryman.config import Config
from ferryman.errors import DataError
from ferryman.record import Batch, Header, Record, batches
from ferryman.task.crash_evidence import at_work
from ferryman.task.crash_evidence.at_work import AtWork, Note, Offsets
from ferryman.task.crash_evidence.guilty import Guilty
from ferryman.task.source.suspects import LONGEST_NAME, NOTED_RECORDS, Suspects, identities, note_of
from tests.chain.parts import TextConverter


class Watched(Transform[Config]):
    """Notes what stands in the shared memory while it has a record, and fails at ``bad``."""

    def __init__(self, memory: AtWork) -> None:
        super().__init__(Config())
        self.memory = memory
        self.seen: list[tuple[Any, Note | None]] = []

    def apply(self, record: Record) -> Record:
        self.seen.append((record.value, self.memory.read()))
        if record.value == "bad":
            raise DataError("bad")
        return record


class Trial:
    """A task with suspects, and its chain for trials."""

    def __init__(self, suspect: Sequence[Offsets] = (), guilty: Sequence[Guilty] = ()) -> None:
        self.memory = AtWork(at_work.shared())
        self.watched, self.chains = Watched(self.memory), 0
        self.suspects = Suspects(self.memory, guilty, suspect, self.chain)

    def chain(self) -> Chain:
        self.chains += 1
        text = TextConverter(Config(), "value")
        return assembled(text, text, text, [Step("w", self.watched)])

    def innocent(self, given: Sequence[Batch]) -> tuple[list[Any], list[Any]]:
        left, failures = self.suspects.innocent(given)
        return [record.value for batch in left for record in batch.records()], failures


def polled(*values: Any, offset: Any = "behind", partition: Any = 1) -> list[Batch]:
    """One poll, whose records have one offset."""
    at = None if offset is None else {"n": offset}
    records = [
        Record(topic="t", value=value, source_partition={"p": partition}, source_offset=at, headers=(Header("h", "x"),))
        for value in values
    ]
    return batches(records, records, range(len(records)))


def test_records_from_one_place_are_told_apart_by_which_they_are() -> None:
    first, second = identities(polled("a", "b")[0].origin)  # type: ignore[arg-type]
    assert (first, second) == (
        Offsets('{"p": 1} at {"n": "behind"}', 0, 0, 0),
        Offsets('{"p": 1} at {"n": "behind"}', 1, 0, 0),
    )


def test_one_without_an_offset_is_known_by_what_is_in_it_and_a_long_name_by_a_digest() -> None:
    (a,), (b,), (long,) = (
        note_of(polled(*each, offset=at)) for each, at in ((("a",), None), (("b",), None), (("a",), "x" * 999))
    )
    assert a != b
    assert a == note_of(polled("a", offset=None))[0]
    assert len(long.topic) < LONGEST_NAME


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=60), st.integers(1, 60))
def test_whatever_a_poll_holds_beyond_its_note_begins_alike(values: list[str], more: int) -> None:
    assert note_of(polled(*values, *"d" * more))[: len(values)] == note_of(polled(*values))[:NOTED_RECORDS]


def test_where_nothing_is_suspect_nothing_is_tried() -> None:
    trial = Trial()
    assert trial.innocent(polled("a")) == (["a"], [])
    trial = Trial(suspect=note_of(polled("a", offset="elsewhere")))
    assert trial.innocent(polled("a")) == (["a"], [])
    assert trial.chains == 0


def test_what_is_polled_with_a_suspect_is_tried_one_by_one_each_with_a_note_of_its_own() -> None:
    given = polled("a", "bad", "c")
    trial = Trial(suspect=note_of(given)[1:2])
    assert trial.innocent(given) == (["a", "bad", "c"], []), "what is bad and kills nobody is for the task to judge"
    called = note_of(given)
    assert trial.watched.seen == [
        (value, Note("TRANSFORMATION", [called[at]], "Watched")) for at, value in enumerate(["a", "bad", "c"])
    ]
    assert trial.memory.read() is None
    trial.innocent(given)
    assert trial.chains == 1


def test_each_converter_has_a_note_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    trial, noted = Trial(suspect=note_of(polled("a"))), list[str]()
    on = trial.memory.on

    def watched(stage: str, ranges: Sequence[Offsets], plugin: str = "") -> Any:
        noted.append(stage)
        return on(stage, ranges, plugin)

    monkeypatch.setattr(trial.memory, "on", watched)
    trial.innocent(polled("a"))
    assert noted == ["TRANSFORMATION", "HEADER_CONVERTER", "KEY_CONVERTER", "VALUE_CONVERTER"]


def test_the_guilty_are_failures_that_nobody_touches_again_and_the_others_go_on() -> None:
    given = polled("a", "deadly", "c")
    name, which, *_ = note_of(given)[1]
    trial = Trial(note_of(given), [Guilty(name, which, 0, "VALUE_CONVERTER", "Avro", "was killed by SIGSEGV")])
    left, (failure,) = trial.innocent(given)
    assert left == ["a", "c"]
    assert [value for value, _ in trial.watched.seen] == ["a", "c"]
    assert (failure.position, failure.stage, failure.plugin) == (1, "VALUE_CONVERTER", "Avro")
    assert f"({name}) alone was killed by SIGSEGV" in str(failure.error)
    assert trial.innocent(given[0:0] or polled("deadly", offset="later")) == (["deadly"], [])


def test_what_is_at_work_is_noted_by_its_first_records() -> None:
    trial, given = Trial(), polled(*"x" * 100)
    with trial.suspects.working(given):
        assert trial.memory.read() == Note("polled", note_of(given))
    assert len(note_of(given)) == NOTED_RECORDS
