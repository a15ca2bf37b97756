"""Headers are decoded and encoded once for each that differs, and nobody can change what others get."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferryman.chain import headers
from ferryman.chain.chain import assembled
from ferryman.chain.narrowing import Stage
from ferryman.config import Config
from ferryman.converters.json import JsonConverter, JsonConverterConfig
from ferryman.converters.simple_header import SimpleHeaderConverter, SimpleHeaderConverterConfig
from ferryman.errors import DataError, RetriableError
from ferryman.joining import joined
from ferryman.record import Data, Header, Payload
from ferryman.schema import BOOLEAN, INT8, INT64, STRING
from tests.chain.parts import TextConverter, polled

SIMPLE = SimpleHeaderConverter(SimpleHeaderConverterConfig(), "header")
PLAIN_JSON = JsonConverter(JsonConverterConfig.parse({"schemas.enable": "false"}), "header")


class Counting(TextConverter):
    """Counts what it is asked for."""

    def __init__(self) -> None:
        super().__init__(Config(), "header")
        self.asked: list[Payload] = []

    def to_data(self, topic: str, payloads: Sequence[Payload]) -> Sequence[Data]:
        self.asked += payloads
        return super().to_data(topic, payloads)


class Away(TextConverter):
    """Its neighbour is away."""

    def to_data(self, topic: str, payloads: Sequence[Payload]) -> Sequence[Data]:
        raise RetriableError("away")


def test_the_same_headers_are_decoded_once_and_shared() -> None:
    counting = Counting()
    given = [[("a", b"1"), ("b", b"2")], [("a", b"1"), ("b", b"2")], [("b", b"1")], []]
    found, bad = headers.decoded(counting, "t", given)
    assert found == [(Header("a", "1"), Header("b", "2"))] * 2 + [(Header("b", "1"),), ()]
    assert found[0] is found[1]
    assert counting.asked == [b"1", b"2"]
    assert bad == []


def test_a_list_or_a_map_is_each_records_own() -> None:
    for converter, text in ((SIMPLE, b"[1,2]"), (PLAIN_JSON, b'{"x":[1]}')):
        (one, other), _ = headers.decoded(converter, "t", [[("a", text)], [("a", text)]])
        assert one == other
        assert one[0].value is not other[0].value


def test_bad_headers_are_told_by_their_place_and_the_others_are_decoded() -> None:
    found, bad = headers.decoded(Counting(), "t", [[("a", b"1")], [("a", b"bad")], [("a", b"2"), ("b", b"bad")], []])
    assert list(found) == [(Header("a", "1"),), ()]
    assert [(at, str(error)) for at, error in bad] == [(1, "bad is no text"), (2, "bad is no text")]


def test_a_neighbour_that_is_away_is_no_data_error() -> None:
    with pytest.raises(RetriableError):
        headers.decoded(Away(Config(), "header"), "t", [[("a", b"1")]])


def test_encoding_tells_values_of_different_kinds_apart_that_python_holds_for_equal() -> None:
    given = [(Header("a", 1, INT8),), (Header("a", True, BOOLEAN),), (Header("a", 0.0),), (Header("a", -0.0),), ()]
    assert headers.encoded(SIMPLE, "t", given) == [
        [("a", b"1")], [("a", b"true")], [("a", b"0.0")], [("a", b"-0.0")], [],
    ]  # fmt: skip


def test_what_is_decoded_is_encoded_as_it_was() -> None:
    given: list[headers.Raw] = [
        [("a", b"x"), ("a", b"x"), ("n", None)],
        [("a", b"x"), ("a", b"x"), ("n", None)],
        [("a", b"true")],
    ]
    found, _ = headers.decoded(SIMPLE, "t", given)
    assert headers.encoded(SIMPLE, "t", found) == given
    assert found[0][0].schema == STRING


def test_values_of_one_schema_are_encoded_together_and_equal_ones_once() -> None:
    asked = list[list[object]]()

    class Writer(TextConverter):
        def from_data(self, topic: str, data: Data) -> Sequence[Payload]:
            asked.append(list(data.rows().values))
            return super().from_data(topic, data)

    given = [(Header("n", number, INT64), Header("s", "same", STRING)) for number in range(3)]
    assert headers.encoded(Writer(Config(), "header"), "t", given) == [
        [("n", b"%d" % number), ("s", b"same")] for number in range(3)
    ]
    assert asked == [[0, 1, 2], ["same"]]


@settings(deadline=None)
@given(
    st.lists(
        st.lists(
            st.tuples(
                st.sampled_from("ab"), st.none() | st.sampled_from([b"1", b"1.5", b"true", b"x", b"[1]", b"{1:2}"])
            ),
            max_size=3,
        ),
        max_size=6,
    )
)
def test_many_records_have_the_headers_that_each_has_alone(given: list[list[tuple[str, Payload]]]) -> None:
    found, bad = headers.decoded(SIMPLE, "t", given)
    assert not bad
    assert list(found) == [headers.decoded(SIMPLE, "t", [each])[0][0] for each in given]
    assert list(headers.encoded(SIMPLE, "t", found)) == [headers.encoded(SIMPLE, "t", [each])[0] for each in found]


@pytest.mark.parametrize("named", [None, [[("a", b"1")], [("a", b"2")], [("a", b"bad")], [("a", b"4")]]])
def test_a_record_whose_headers_cannot_be_read_fails_and_what_comes_before_headers_is_told_first(
    named: list[headers.Raw] | None,
) -> None:
    text = TextConverter(Config(), "value")
    raw = replace(polled(b"1", b"2", b"3", b"bad", first=7), headers=named, unreadable={8: "no name", 10: "no name"})
    batches, failures = assembled(text, text, text).decode(raw.slice(0, 4))
    told = [(each.position, each.stage, str(each.error)) for each in failures]
    bad = [] if named is None else [(2, Stage.HEADER_CONVERTER, "bad is no text")]
    assert told == [
        (1, Stage.HEADER_CONVERTER, "no name"),
        *bad,
        (3, Stage.VALUE_CONVERTER, "bad is no text"),
    ]
    assert [value for each in batches for value in each.value.rows().values] == (["1", "3"] if named is None else ["1"])


def test_half_of_a_surrogate_pair_in_a_name_is_a_question_mark_as_in_java_and_no_death_of_the_client() -> None:
    given = [(Header("a\ud800", "1", STRING), Header("ä", "2", STRING))]
    assert headers.encoded(SIMPLE, "t", given) == [[("a?", b"1"), ("ä", b"2")]]


def test_a_name_that_is_no_text_is_its_records_fault() -> None:
    name: Any = 7
    with pytest.raises(DataError, match="the name of a header must be a text, not int"):
        headers.encoded(SIMPLE, "t", [(Header(name, "1", STRING),)])


def test_headers_that_nobody_asks_for_are_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[Payload]()
    decode = SimpleHeaderConverter.decode

    def counted(converter: SimpleHeaderConverter, topic: str, payloads: Sequence[Payload]) -> Any:
        asked.extend(payloads)
        return decode(converter, topic, payloads)

    monkeypatch.setattr(SimpleHeaderConverter, "decode", counted)
    given = [[("n", b"%d" % at)] for at in range(6)]
    raw = replace(polled(*[b"{}", b"[]"] * 3), headers=given)
    batches, failures = assembled(PLAIN_JSON, PLAIN_JSON, SIMPLE, []).decode(raw)
    (one,) = joined([part for batch in batches for part in (batch.slice(0, 1), batch.take(range(1, len(batch))))])
    assert failures == []
    assert asked == []
    assert [each[0].value for each in one.headers or ()] == list(range(6))
    assert sorted(filter(None, asked)) == [b"%d" % at for at in range(6)]


class Choosy(SimpleHeaderConverter):
    """Derived from one that refuses nothing."""

    def decode(self, topic: str, payloads: Sequence[Payload]) -> Any:
        if b"bad" in payloads:
            raise DataError("bad")
        return super().decode(topic, payloads)


def test_a_converter_of_others_may_refuse_what_the_one_it_is_derived_from_takes() -> None:
    raw = replace(polled(b"{}", b"{}"), headers=[[("n", b"1")], [("n", b"bad")]])
    choosy = Choosy(SimpleHeaderConverterConfig(), "header")
    batches, failures = assembled(PLAIN_JSON, PLAIN_JSON, choosy, []).decode(raw)
    assert [(each.position, each.stage) for each in failures] == [(1, Stage.HEADER_CONVERTER)]
    assert [len(each) for each in batches] == [1]
