"""Envelopes however they are spelled: what is cut out is what parsing gives, and those of one schema stand together."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ferryman.converters.json import JsonConverter, JsonConverterConfig
from ferryman.errors import DataError
from ferryman.formats.json.envelopes import Envelopes
from ferryman.formats.json.kept import Kept
from ferryman.record import Columns, Rows

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 40), 1 << 40) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "payload", "schema", '"', "\\"]), inner, max_size=3)
    ),
    max_leaves=6,
)
FIELDS = ["id", "payload", "schema", "text", 'a"b', "é"]


def schema_of(names: Sequence[str]) -> dict[str, Any]:
    fields = [{"field": name, "type": "string", "optional": True} for name in names]
    return {"type": "struct", "optional": False, "fields": fields}


@st.composite
def spelled(draw: st.DrawFn) -> bytes:
    """An envelope with its members in either order, blanks anywhere, escapes or none."""
    schema = draw(st.none() | st.lists(st.sampled_from(FIELDS), min_size=1, max_size=3, unique=True).map(schema_of))
    blank = st.sampled_from(["", "", " ", "\n", "\t "])
    escaped = draw(st.booleans())
    separators = (f",{draw(blank)}", f":{draw(blank)}")

    def dumped(value: Any) -> str:
        return json.dumps(value, separators=separators, ensure_ascii=escaped)

    members = [("schema", dumped(schema)), ("payload", dumped(draw(VALUES)))]
    if draw(st.booleans()):
        members.reverse()
    key = '"{}"' if draw(st.integers(0, 9)) else '"\\u0070ayload"'
    inner = ",".join(
        f"{draw(blank)}{key.format(name) if name == 'payload' else json.dumps(name)}{draw(blank)}:{draw(blank)}{value}"
        for name, value in members
    )
    return f"{draw(blank)}{{{inner}{draw(blank)}}}{draw(blank)}".encode()


BROKEN = st.sampled_from(
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"schema":null,"payload":}',
        b'{"schema":null,"payload": }',
        b'{"schema":null,"payload":1}}',
        b'{"schema":null,"payload":1,"payload":2}',
        b'{"schema":null,"payload":1,"more":2}',
        b'{"payload":1}',
        b"\xff\xfe",
    ]
)


@given(st.lists(st.none() | spelled() | BROKEN, max_size=12))
@example([b'{"schema":null,"payload":1}', b'{"schema":null,"payload":1,"payload":2}'])
@example([b'{"schema":null,"payload":1}', b'{"schema":null,"payload": }'])
@example([b'{"payload":1,"schema":null}', b'{"payload":1,"more":2,"schema":null}'])
def test_what_is_cut_out_is_the_payload_and_nothing_is_lost_or_moved(messages: list[bytes | None]) -> None:
    found = Envelopes(Kept(10)).sort(messages)
    places = [*found.missing, *found.whole, *(at for group in found.groups for at in group.positions)]
    assert sorted(places) == list(range(len(messages)))
    assert all(not messages[at] for at in found.missing)
    assert len({group.spelling.identity for group in found.groups}) == len(found.groups)
    for group in found.groups:
        assert group.positions == sorted(group.positions)
        for at, payload in zip(group.positions, group.payloads, strict=True):
            message = messages[at]
            assert message is not None
            try:
                cut = json.loads(payload)
            except ValueError:  # not one value: the message is parsed whole, and gets its own error
                with pytest.raises((ValueError, AssertionError)):
                    assert set(json.loads(message, object_pairs_hook=_once)) == {"schema", "payload"}
                continue
            whole = json.loads(message)
            assert set(whole) == {"schema", "payload"}
            assert cut == whole["payload"]
            assert json.loads(group.spelling.schema) == whole["schema"]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def typed(spell: Callable[[Any, Any], str], count: int = 40) -> list[bytes]:
    return [spell(schema_of(["id", "payload"]), {"id": str(n), "payload": "p"}).encode() for n in range(count)]


def compact(schema: Any, payload: Any) -> str:
    return json.dumps({"schema": schema, "payload": payload}, separators=(",", ":"))


def blanks(schema: Any, payload: Any) -> str:
    return json.dumps({"schema": schema, "payload": payload})


def payload_first(schema: Any, payload: Any) -> str:
    return json.dumps({"payload": payload, "schema": schema})


def indented(schema: Any, payload: Any) -> str:
    return json.dumps({"schema": schema, "payload": payload}, indent=2)


@pytest.mark.parametrize("spell", [compact, blanks, payload_first, indented])
def test_no_spelling_keeps_records_from_becoming_columns(spell: Callable[[Any, Any], str]) -> None:
    converter = JsonConverter(JsonConverterConfig.parse({}), "value")
    (piece,) = converter.to_data("t", typed(spell))
    assert isinstance(piece, Columns)
    assert piece.rows().values[3] == {"id": "3", "payload": "p"}


def test_two_spellings_of_one_schema_by_turns_are_one_piece() -> None:
    converter = JsonConverter(JsonConverterConfig.parse({}), "value")
    by_turns = [each for pair in zip(typed(blanks), typed(payload_first), strict=True) for each in pair]
    (piece,) = converter.to_data("t", by_turns)
    assert isinstance(piece, Columns)
    assert [row["id"] for row in piece.rows().values[:4]] == ["0", "0", "1", "1"]


def test_two_schemas_by_turns_with_nulls_between_are_a_piece_each() -> None:
    converter = JsonConverter(JsonConverterConfig.parse({}), "value")
    other = [blanks(schema_of(["text"]), {"text": str(n)}).encode() for n in range(40)]
    by_turns = [each for three in zip(typed(blanks), other, [None] * 40, strict=True) for each in three]
    found = converter.decode("t", by_turns)
    assert [list(piece.positions) for piece in found.pieces] == [list(range(start, 120, 3)) for start in range(3)]
    assert [type(piece.data) for piece in found.pieces] == [Columns, Columns, Rows]


def test_what_stands_behind_an_envelope_of_a_known_spelling_is_refused() -> None:
    converter = JsonConverter(JsonConverterConfig.parse({}), "value")
    good, *_ = typed(compact, 1)
    with pytest.raises(DataError):
        converter.to_data("t", [good, good + b"}", good])


def test_an_envelope_that_gives_its_payload_twice_has_the_last_one_as_in_jackson() -> None:
    converter = JsonConverter(JsonConverterConfig.parse({}), "value")
    good, *_ = typed(compact, 1)
    twice = good[:-1] + b',"payload":{"id":"7"}}'
    found = converter.decode("t", [good, twice])
    assert not found.failures
    assert [row["id"] for piece in found.consecutive() for row in piece.rows().values] == ["0", "7"]


def test_many_schemas_by_turns_are_each_parsed_once() -> None:
    schemas = [schema_of([f"f{number}"]) for number in range(50)]
    messages = [json.dumps({"schema": each, "payload": {}}).encode() for each in schemas] * 3
    envelopes = Envelopes(Kept(100))
    assert [len(group.payloads) for group in envelopes.sort(messages).groups] == [3] * 50
    assert len(envelopes) == 50


def test_no_more_spellings_are_kept_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Kept, "free", 0)
    envelopes = Envelopes(Kept(2))
    for number in range(10):
        message = json.dumps({"schema": schema_of([f"f{number}"]), "payload": {}}).encode()
        assert [len(group.payloads) for group in envelopes.sort([message]).groups] == [1]
    assert len(envelopes) == 2


@pytest.mark.parametrize("levels", [99, 100, 5000])
def test_a_schema_that_is_nested_a_hundred_levels_deep_is_a_data_error(levels: int) -> None:
    schema = b'{"type":"array","items":' * levels + b'{"type":"int32"}' + b"}" * levels
    converter = JsonConverter(JsonConverterConfig.parse({}), "value")
    found = converter.decode("orders", [b'{"schema":%s,"payload":[]}' % schema])
    reasons = [str(error) for _, error in found.failures]
    assert [piece.data.rows().values for piece in found.pieces] == ([[[]]] if levels < 100 else [])
    assert [each for each in reasons if "more than 100 levels" in each or "nested too deeply" in each] == reasons
    assert bool(reasons) == (levels >= 100)
