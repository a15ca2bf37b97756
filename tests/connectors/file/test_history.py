"""The file source as a run: the lines between two positions, however the file goes on."""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.api import SourceContext, Span
from ferryman.connectors.file import history
from ferryman.connectors.file import source as file_source
from ferryman.connectors.file.history import part
from ferryman.connectors.file.lines_reader import LineCutter
from ferryman.connectors.file.source import FileStreamSourceConnector
from ferryman.errors import ConfigError
from ferryman.runs.span import SourceRun


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "in.txt"


def source_of(
    file: Path, span: Span, offset: Mapping[str, Any] | None = None, rate: float = 0.0
) -> FileStreamSourceConnector:
    raw = {"name": "in", "connector.class": "FileStreamSource", "topic": "lines", "file": str(file)}
    context = SourceContext(
        connector="in",
        task=0,
        cluster="c",
        raw=raw,
        offset=lambda partition: offset,
        stopping=lambda seconds: False,
        run=SourceRun(span, rate),
    )
    source = FileStreamSourceConnector(FileStreamSourceConnector.config_class.parse(raw), context)
    source.start()
    return source


def to_its_end(source: FileStreamSourceConnector) -> list[Any]:
    found = []
    while not source.at_end():
        found += [record.value for record in source.poll()]
    return found


def test_the_lines_of_any_part_are_handed_over_and_no_others(file: Path) -> None:
    seed = random.randrange(10**9)
    print(f"seed {seed}")
    chance = random.Random(seed)
    for _ in range(200):
        ends = [chance.choice(["\n", "\r", "\r\n"]) for _ in range(chance.randrange(1, 12))]
        file.write_bytes("".join(f"{'x' * chance.randrange(3)}{end}" for end in ends).encode() + b"rest")
        lines = LineCutter(0).feed(file.read_bytes())
        places = [0, *lines.positions]
        first, behind = sorted(chance.choices(range(len(places)), k=2))
        found = part(file, Span(first=places[first], behind=places[behind])).span
        assert found.records == behind - first
        assert to_its_end(source_of(file, found)) == lines.texts[first:behind]


def whole_lines(data: bytes) -> list[tuple[int, int]]:
    """Where each whole line begins, and where the next one does; a carriage return at the end may be half of an end."""
    found, begin = [], 0
    for at in range(len(data)):
        if data[at : at + 1] == b"\n" or (data[at : at + 1] == b"\r" and data[at + 1 : at + 2] not in (b"\n", b"")):
            found.append((begin, at + 1))
            begin = at + 1
    return found


@given(
    ends=st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["\n", "\r", "\r\n"])), max_size=12),
    rest=st.sampled_from(["", "rest", "é\r"]),
    bounds=st.tuples(st.integers(0, 100), st.none() | st.integers(0, 100)),
    snapped=st.booleans(),
    piece=st.integers(1, 20),
)
def test_any_part_of_any_lines_in_pieces_of_any_size_is_handed_over_whole_or_refused(
    tmp_path_factory: pytest.TempPathFactory,
    ends: list[tuple[int, str]],
    rest: str,
    bounds: tuple[int, int | None],
    snapped: bool,
    piece: int,
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.txt"
    data = ("".join("x" * length + end for length, end in ends) + rest).encode()
    file.write_bytes(data)
    lines = whole_lines(data)
    places = [0, *(end for _, end in lines)] if snapped else range(len(data) + 1)
    first = places[bounds[0] % len(places)]
    later = [place for place in places if place >= first]
    behind = None if bounds[1] is None else later[bounds[1] % len(later)]
    wanted = [(begin, end) for begin, end in lines if begin >= first and (behind is None or end <= behind)]
    begins = first in (0, *(end for _, end in lines))
    ended = behind in (None, first, *(end for _, end in wanted))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "PIECE_BYTES", piece)
        patch.setattr(file_source, "PIECE_BYTES", piece)
        try:
            span = part(file, Span(first=first, behind=behind)).span
        except ConfigError:
            assert not (begins and ended)
            return
        found = to_its_end(source_of(file, span))
    assert span.records == len(found)
    if begins:
        assert found == [data[begin:end].decode().rstrip("\r\n") for begin, end in wanted]


def test_the_last_line_of_a_part_is_handed_over_where_a_piece_ends_between_its_end_and_the_next_line(
    file: Path,
) -> None:
    line = b"x" * 1023 + b"\r"
    behind = file_source.PIECE_BYTES
    file.write_bytes(line * (behind // len(line)) + b"next\r")
    span = part(file, Span(first=0, behind=behind)).span
    assert (span.records, len(to_its_end(source_of(file, span)))) == (256, 256)


def test_without_bounds_it_is_all_whole_lines_that_are_there_now(file: Path) -> None:
    file.write_bytes(b"one\ntwo\nthr")
    assert part(file, Span()).span == Span(first=0, behind=8, records=2)
    assert part(file, Span(first=4)).span == Span(first=4, behind=8, records=1)
    file.write_bytes(b"")
    assert part(file, Span()).span == Span(first=0, behind=0, records=0)


def test_what_the_file_gets_later_is_none_of_its_business(file: Path) -> None:
    file.write_bytes(b"one\n")
    span = part(file, Span()).span
    with file.open("ab") as more:
        more.write(b"\ntwo\n")
    source = source_of(file, span)
    assert to_its_end(source) == ["one"]
    assert source.poll() == []


def test_it_goes_on_at_its_offset(file: Path) -> None:
    file.write_bytes(b"".join(b"%04d\n" % number for number in range(100)))
    span = part(file, Span(first=50, behind=400)).span
    for start in range(50, 400, 35):
        expected = [f"{number:04}" for number in range(start // 5, 80)]
        assert to_its_end(source_of(file, span, {"position": start})) == expected
    assert source_of(file, span, {"position": 400}).at_end()


def test_its_polls_are_no_larger_than_its_rate(file: Path) -> None:
    file.write_bytes(b"line\n" * 20)
    source = source_of(file, part(file, Span()).span, rate=3.0)
    sizes = [len(source.poll()) for _ in range(7)]
    assert sizes == [3] * 6 + [2]


@pytest.mark.parametrize(
    ("wanted", "key", "text"),
    [
        (Span(begins=5), "from", "have no times"),
        (Span(ends=5), "to", "have no times"),
        (Span(first=2), "positions", "no line of .* begins at 2"),
        (Span(first=9), "positions", "no line of .* begins at 9"),
        (Span(behind=6), "positions", "no line of .* ends at 6, the last before does so at 5"),
        (Span(behind=9), "positions", "no line of .* ends at 9, the last before does so at 5"),
        (Span(behind=99), "positions", "no line of .* ends at 99, the last before does so at 10"),
        (Span(first=100), "positions", "no line of .* begins at 100"),
    ],
)
def test_times_and_places_within_a_line_are_refused(file: Path, wanted: Span, key: str, text: str) -> None:
    file.write_bytes(b"one\r\ntwo\r\nx")
    with pytest.raises(ConfigError, match=text) as refused:
        part(file, wanted)
    assert [each.key for each in refused.value.problems] == [key]


def test_what_is_no_file_has_no_history(tmp_path: Path) -> None:
    for path, text in ((tmp_path, "not a regular file"), (tmp_path / "nowhere", "cannot be read")):
        with pytest.raises(ConfigError, match=text):
            part(path, Span())
    config = FileStreamSourceConnector.config_class.parse({"name": "in", "connector.class": "x", "topic": "lines"})
    with pytest.raises(ConfigError, match="standard input"):
        FileStreamSourceConnector.history(config, {}, Span())
