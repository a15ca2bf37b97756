"""Letters of several topics are decoded as records of these, and stand where they stood among the letters."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.chain import builder
from ferryman.chain.narrowing import Stage
from ferryman.errors import ConfigError
from ferryman.record import Coordinates, Original, Polled, TopicPartition, in_order

JSON = "org.apache.kafka.connect.json.JsonConverter"
CONFIG = {
    "key.converter": "org.apache.kafka.connect.storage.StringConverter",
    "value.converter": JSON,
    "value.converter.schemas.enable": "false",
    "header.converter": "org.apache.kafka.connect.storage.StringConverter",
}
LAY = st.builds(Coordinates, st.sampled_from("ab"), st.integers(0, 1), st.integers(0, 1 << 60)) | st.none()
LETTERS = st.lists(st.tuples(LAY, st.sampled_from([b"1", b"{", b'"x"', None])), min_size=1, max_size=12)


def letters(given: list[tuple[Coordinates | None, bytes | None]]) -> Polled:
    count = len(given)
    originals = [Original("a" if lay is None else lay.topic, lay) for lay, _ in given]
    offsets = [3 * number for number in range(count)]
    return Polled("dlq", 5, offsets, [None] * count, [None] * count, [value for _, value in given], originals=originals)


def test_values_are_edited_before_they_are_decoded_and_letters_stay_as_they_are() -> None:
    polled = letters([(None, b'{"a": 1}'), (None, b'{"a": "x"}'), (None, b"{"), (None, None), (None, b"5")])
    assert polled.originals is not None
    edits = [each._replace(edit=".a += 1") for each in polled.originals[:-1]]
    polled = replace(polled, originals=[*edits, polled.originals[-1]])
    batches, failures = builder.editing(builder.chain(CONFIG, {}), ".a += 1", CONFIG, {}).decode(polled)
    found = [record for batch in in_order(batches) for record in batch.records()]
    assert [(record.offset, record.value) for record in found] == [(0, {"a": 2}), (9, None), (12, 5)]
    assert [(each.position, each.stage, each.origin) for each in failures] == [
        (at, Stage.VALUE_CONVERTER, polled) for at in (1, 2)
    ]
    assert {id(batch.origin) for batch in batches} == {id(polled)}
    with pytest.raises(ConfigError, match=r"Invalid value for configuration ferryman\.run\.edit: syntax error"):
        builder.editing(builder.chain(CONFIG, {}), ".[", CONFIG, {})


@given(LETTERS)
def test_each_record_has_the_place_of_its_letter_and_the_topic_that_it_came_from(
    given: list[tuple[Coordinates | None, bytes | None]],
) -> None:
    polled = letters(given)
    batches, failures = builder.chain(CONFIG, {}).decode(polled)
    found = [(record, batch) for batch in in_order(batches) for record in batch.records()]
    bad = [at for at, (_, value) in enumerate(given) if value == b"{"]
    assert [failure.position for failure in failures] == bad
    assert {failure.coordinates for failure in failures} == {Coordinates("dlq", 5, 3 * at) for at in bad}
    assert [record.origin for record, _ in found] == [
        Coordinates("dlq", 5, 3 * at) for at in range(len(given)) if at not in bad
    ]
    for record, batch in found:
        assert record.origin is not None
        lay, _ = given[record.origin.offset // 3]
        where = lay or record.origin
        assert (record.topic, record.partition, record.offset) == (
            "a" if lay is None else lay.topic,
            where.partition,
            where.offset,
        )
        assert (record.original_coordinates, batch.original_source) == (
            where,
            TopicPartition(where.topic, where.partition),
        )
        assert batch.source == TopicPartition("dlq", 5)
