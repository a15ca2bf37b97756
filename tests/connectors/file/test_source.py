"""The file source: lines and their positions in bytes, whatever the text and however it arrives."""

import io
import os
import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.api import SourceContext
from ferryman.connectors.file.lines_reader import LineCutter
from ferryman.connectors.file.source import FileStreamSourceConnector
from ferryman.errors import ConfigError, TaskError
from ferryman.record import Polled, Record
from ferryman.schema import STRING


def raw_config(file: Path | None, **more: str) -> dict[str, str]:
    raw = {"name": "in", "connector.class": "FileStreamSource", "topic": "lines"}
    return raw | ({} if file is None else {"file": str(file)}) | {name.replace("_", "."): more[name] for name in more}


def source_of(file: Path | None, offset: Mapping[str, Any] | None = None, **more: str) -> FileStreamSourceConnector:
    raw = raw_config(file, **more)
    context = SourceContext(
        connector="in",
        task=0,
        cluster="c",
        raw=raw,
        offset=lambda partition: offset if partition == {"filename": str(file)} else None,
        stopping=lambda seconds: False,
    )
    source = FileStreamSourceConnector(FileStreamSourceConnector.config_class.parse(raw), context)
    source.start()
    return source


def values(source: FileStreamSourceConnector) -> list[Any]:
    return [record.value for record in source.poll()]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "in.txt"


def test_a_record_is_a_line_with_the_position_after_it(file: Path) -> None:
    file.write_bytes("één\r\nzwei\rtres\n".encode())
    records = source_of(file).poll()
    assert [record.value for record in records] == ["één", "zwei", "tres"]
    assert [record.source_offset for record in records] == [{"position": 7}, {"position": 12}, {"position": 17}]
    record = records[0]
    assert isinstance(record, Record)
    assert (record.topic, record.key, record.key_schema, record.value_schema) == ("lines", None, None, STRING)
    assert record.partition is None
    assert record.source_partition == {"filename": str(file)}


def test_it_goes_on_at_its_offset(file: Path) -> None:
    file.write_bytes("één\nzwei\n".encode())
    assert values(source_of(file, {"position": 6})) == ["zwei"]


def test_it_follows_the_file_as_it_grows(file: Path) -> None:
    file.write_bytes(b"one\ntw")
    source = source_of(file)
    assert values(source) == ["one"]
    assert values(source) == []
    with file.open("ab") as more:
        more.write(b"o\r")
    assert values(source) == []
    with file.open("ab") as more:
        more.write(b"\nthree\n")
    assert values(source) == ["two", "three"]


def test_a_poll_gives_at_most_batch_size_lines(file: Path) -> None:
    file.write_bytes(b"1\n2\n3\n4\n5\n")
    source = source_of(file, batch_size="2")
    assert [values(source) for _ in range(4)] == [["1", "2"], ["3", "4"], ["5"], []]


def test_batches_carry_their_records_offsets(file: Path) -> None:
    file.write_bytes(b"1\n22\n")
    (batch,) = source_of(file).poll_batches()
    assert list(batch.value.rows().values) == ["1", "22"]
    assert not isinstance(batch.origin, Polled)
    assert batch.origin[-1].source_offset == {"position": 5}


def test_a_missing_file_is_waited_for_with_one_warning(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = source_of(file)
    assert values(source) == []
    assert values(source) == []
    assert [record.getMessage() for record in caplog.records] == [
        f"Couldn't find file {file} for the file source, waiting for it to be created"
    ]
    file.write_bytes(b"here\n")
    assert values(source) == ["here"]


def test_a_file_shorter_than_the_offset_fails_the_task(file: Path) -> None:
    file.write_bytes(b"short\n")
    with pytest.raises(TaskError, match="has 6 bytes, but was already read up to 100"):
        source_of(file, {"position": 100}).poll()


def test_a_file_cut_while_it_is_read_fails_the_task(file: Path) -> None:
    file.write_bytes(b"one\ntwo\n")
    source = source_of(file)
    source.poll()
    os.truncate(file, 2)
    with pytest.raises(TaskError, match="it was truncated or replaced"):
        source.poll()


def test_a_file_replaced_while_it_is_read_is_read_to_its_end_first(file: Path) -> None:
    file.write_bytes(b"one\n")
    source = source_of(file)
    source.poll()
    with file.open("ab") as more:
        more.write(b"two\n")
    file.rename(file.with_suffix(".1"))
    assert values(source) == ["two"]
    assert values(source) == []
    file.write_bytes(b"another\n")
    with pytest.raises(TaskError, match="replaced by another file"):
        source.poll()


def test_a_folder_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="Is a directory"):
        source_of(tmp_path).poll()


def test_without_a_file_it_reads_standard_input_and_keeps_no_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"one\nha")
    with io.FileIO(reading) as stdin, io.FileIO(writing):
        monkeypatch.setattr("ferryman.connectors.file.source.STDIN", stdin.fileno())
        source = source_of(None)
        (record,) = source.poll()
        source.stop()
    assert (record.value, record.source_partition, record.source_offset) == ("one", None, None)


def test_bytes_that_are_no_text_are_replaced_and_still_counted(file: Path) -> None:
    file.write_bytes(b"a\xffb\nc\n")
    records = source_of(file).poll()
    assert [record.value for record in records] == ["a�b", "c"]
    assert records[-1].source_offset == {"position": 6}


@pytest.mark.parametrize("position", ["3", 1.5, None, True])
def test_an_offset_of_the_wrong_type_fails_the_task(file: Path, position: object) -> None:
    with pytest.raises(TaskError, match="Offset position is the incorrect type"):
        source_of(file, {"position": position})


def test_keys_are_checked_as_kafka_checks_them() -> None:
    with pytest.raises(ConfigError, match='Missing required configuration "topic" which has no default value'):
        FileStreamSourceConnector.config_class.parse({"name": "n", "connector.class": "FileStreamSource"})
    with pytest.raises(ConfigError, match="Invalid value  for configuration topic: String must be non-empty"):
        source_of(None, topic="")
    with pytest.raises(ConfigError, match=re.escape("Invalid value x for configuration batch.size: Not a number")):
        source_of(None, batch_size="x")


ALTERED = [
    ({"filename": "f"}, {"other": 1}, "Offset objects should either be null or contain the key 'position'"),
    ({"filename": "f"}, {"position": "1"}, "'position' key in the offset is expected to be a Long value"),
    ({"filename": "f"}, {"position": -1}, "'position' key in the offset should be a non-negative value"),
    (None, {"position": 1}, "Partition objects cannot be null"),
    ({"other": "f"}, {"position": 1}, "Partition objects should contain the key 'filename'"),
]


@pytest.mark.parametrize(("partition", "offset", "message"), ALTERED)
def test_offsets_that_no_file_has_are_refused(
    file: Path, partition: Mapping[str, Any], offset: Mapping[str, Any], message: str
) -> None:
    config = FileStreamSourceConnector.config_class.parse(raw_config(file))
    with pytest.raises(ConfigError, match=re.escape(message)):
        FileStreamSourceConnector.alter_offsets(config, [(partition, offset)])


def test_offsets_can_be_altered_or_forgotten_unless_input_is_standard_input(file: Path) -> None:
    parse = FileStreamSourceConnector.config_class.parse
    altered: list[tuple[Mapping[str, Any], Mapping[str, Any] | None]] = [
        ({"filename": "f"}, {"position": 3}),
        ({"filename": "g"}, None),
    ]
    assert FileStreamSourceConnector.alter_offsets(parse(raw_config(file)), altered)
    with pytest.raises(ConfigError, match="stdin is used for input and offsets are not tracked"):
        FileStreamSourceConnector.alter_offsets(parse(raw_config(None)), altered)


text = st.lists(st.sampled_from(["\n", "\r", "\r\n", "a", "é", "𝄞", "\u2028", "\x85", "\x0b", " "])).map("".join)


def expected(data: bytes) -> tuple[list[str], list[int]]:
    """The lines by the letter of the contract: one character after the other."""
    lines, positions, line, index = [], [], b"", 0
    while index < len(data):
        byte = data[index : index + 1]
        if byte == b"\r" and index + 1 == len(data):
            break
        index += 2 if data[index : index + 2] == b"\r\n" else 1
        if byte in b"\r\n":
            lines.append(line.decode())
            positions.append(index)
            line = b""
        else:
            line += byte
    return lines, positions


@given(text, st.lists(st.integers(0, 40)), st.integers(0, 10**12))
def test_any_text_in_pieces_of_any_size_gives_the_same_lines(content: str, cuts: list[int], start: int) -> None:
    data = content.encode()
    cutter, texts, positions = LineCutter(start), list[str](), list[int]()
    bounds = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for begin, end in pairwise(bounds):
        lines = cutter.feed(data[begin:end])
        texts += lines.texts
        positions += lines.positions
    assert (texts, [position - start for position in positions]) == expected(data)


@given(text, st.data())
def test_reading_on_from_any_position_gives_the_rest(content: str, data: st.DataObject) -> None:
    encoded = content.encode()
    texts, positions = expected(encoded)
    index = data.draw(st.integers(0, len(texts)))
    position = [0, *positions][index]
    assert LineCutter(position).feed(encoded[position:]) == (texts[index:], positions[index:])


def test_a_named_pipe_that_nobody_writes_to_does_not_hold_the_task_up(file: Path) -> None:
    os.mkfifo(file)
    source = source_of(file)
    assert values(source) == []
    with open(file, "wb") as writer:
        assert values(source) == []
        writer.write(b"one\ntw")
        writer.flush()
        assert values(source) == ["one"]
    with open(file, "wb") as writer:
        writer.write(b"o\n")
    assert values(source) == ["two"]
