"""Parts of others that give too little, or something else, lose no record without a word."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ferryman.api import Predicate, Transform
from ferryman.chain.chain import Step, assembled
from ferryman.chain.narrowing import Stage
from ferryman.config import Config
from ferryman.conversion import Decoded, Piece
from ferryman.record import Batch, Data, Payload, Record, Rows
from tests.chain.parts import OnRecords, TextConverter, batch, polled

TEXT = TextConverter(Config(), "value")


class Forgetful(TextConverter):
    """Leaves out what it does not like."""

    def from_data(self, topic: str, data: Data) -> Sequence[Payload]:
        return [value.encode() for value in data.rows().values if value and value != "bad"]

    def decode(self, topic: str, payloads: Sequence[Payload]) -> Decoded:
        good = [at for at, payload in enumerate(payloads) if payload != b"bad"]
        return Decoded([Piece(good, Rows(None, [payloads[at] for at in good]))])


class Some(Predicate[Config]):
    """Answers for the first two records only."""

    def test(self, record: Record) -> bool:
        return True

    def test_batch(self, batch: Batch) -> Sequence[bool]:
        return [True] * min(2, len(batch))


class Values(Transform[Config]):
    """Returns a value where a record is due."""

    def apply(self, record: Record) -> Any:
        return record.value if record.value == "bad" else record


def test_a_record_that_a_converter_does_not_decode_is_its_failure() -> None:
    chain = assembled(TEXT, Forgetful(Config(), "value"), TEXT)
    batches, (failure,) = chain.decode(polled(b"1", b"bad", b"3"))
    assert (failure.position, failure.stage) == (1, Stage.VALUE_CONVERTER)
    assert str(failure.error) == "Forgetful made 0 records of 1 records"
    assert [value for each in batches for value in each.value.rows().values] == [b"1", b"3"]


def test_a_record_that_a_converter_does_not_encode_is_its_failure() -> None:
    chain = assembled(TEXT, Forgetful(Config(), "value"), TEXT)
    found, (failure,) = chain.encode(batch("1", "bad", "3"))
    assert (failure.position, failure.stage) == (1, Stage.VALUE_CONVERTER)
    assert str(failure.error) == "Forgetful made 0 payloads of 1 records"
    assert [value for each in found for value in each.values] == [b"1", b"3"]


def test_a_predicate_that_does_not_answer_for_every_record_lets_none_vanish() -> None:
    step = Step("s", OnRecords(Config()), Some(Config()))
    found, failures = assembled(TEXT, TEXT, TEXT, [step]).transform([batch("1", "2", "3")])
    assert [value for each in found for value in each.value.rows().values] == ["1", "2", "3"]
    assert failures == []


@pytest.mark.parametrize("make", [lambda: [batch("1", "bad")], lambda: [batch("1"), batch("bad", first=1)]])
def test_a_transform_that_returns_no_record_fails_for_that_record(make: Callable[[], list[Batch]]) -> None:
    given = make()
    found, (failure,) = assembled(TEXT, TEXT, TEXT, [Step("s", Values(Config()))]).transform(given)
    assert failure.stage is Stage.TRANSFORMATION
    assert [value for each in found for value in each.value.rows().values] == ["1"]
