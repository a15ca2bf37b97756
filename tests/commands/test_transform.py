"""`ferryman transform`: lines in, lines out, as the page about it says, in the process of a user and in this one."""

import json
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ferryman.commands import main
from ferryman.dry_run import sample_run
from ferryman.dry_run.sample_lines import BadLine
from tests.places import ROOT

PAGE = (ROOT / "docs" / "commands" / "transform.md").read_text(encoding="utf-8")
KAFKA = "org.apache.kafka.connect.transforms."
MASK = {"transforms": "mask", "transforms.mask.type": f"{KAFKA}MaskField$Value", "transforms.mask.fields": "card"}
PASS = {"transforms": ""}


def transform(folder: Path, config: Any, lines: str | bytes, *options: str) -> Result:
    """The command in this process; ``config`` is the content of a JSON file."""
    file = folder / "connector.json"
    file.write_text(json.dumps(config))
    payload = lines.encode() if isinstance(lines, str) else lines
    return CliRunner().invoke(main, ["transform", str(file), *options], input=payload)


def values(result: Result) -> list[Any]:
    """The values of the records that came out."""
    assert result.exit_code == 0, result.output
    return [json.loads(line, parse_float=Decimal)["value"] for line in result.stdout.splitlines()]


def fenced(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_page_shows_what_the_command_does(tmp_path: Path) -> None:
    (config,), (given, expected) = fenced("json"), fenced("jsonl")
    (tmp_path / "connector.json").write_text(config)
    (tmp_path / "records.jsonl").write_text(given)
    command = [sys.executable, "-m", "ferryman", "transform", "connector.json", "--input", "records.jsonl"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600)

    assert done.returncode == 0
    assert done.stdout == expected
    assert done.stderr == ""


def test_a_process_reads_standard_input_and_answers_before_it_ends(tmp_path: Path) -> None:
    (tmp_path / "c.properties").write_text("\n".join(f"{key}={value}" for key, value in MASK.items()))
    command = [sys.executable, "-m", "ferryman", "transform", str(tmp_path / "c.properties")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in range(3):
            process.stdin.write(b'{"topic":"t","value":{"card":"x","n":%d}}\n' % number)
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["value"] == {"card": "", "n": number}
        process.stdin.close()
        assert process.wait(timeout=600) == 0


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("c.properties", "transforms=a\ntransforms.a.type=TimestampRouter\nother=\n"),
        ("c.yaml", "name: x\nconfig:\n  transforms: a\n  transforms.a.type: TimestampRouter\n  other: null\n"),
        ("c.json", '{"transforms": "a", "transforms.a.type": "TimestampRouter", "other": [1, null]}'),
        ("c.conf", '{"config": {"transforms": "a", "transforms.a.type": "TimestampRouter"}}'),
    ],
)
def test_only_transforms_and_predicates_of_a_file_matter(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    line = b'{"topic":"t","timestamp":0,"value":1}'
    result = CliRunner().invoke(main, ["transform", str(tmp_path / name)], input=line)
    assert json.loads(result.stdout)["topic"] == "t-19700101"


EXACT = [
    "9223372036854775807",
    "-9007199254740993",
    "0.1",
    "1.0E10",
    "100.0",
    "-0.0",
    "true",
    '"\\u0000 é \\" 😀"',
    '{"a":{"b":[1,2.5,null,{}]}}',
    '{"schema":null,"payload":{"schema":1,"payload":2}}',
    '{"schema":{"type":"int64","optional":true},"payload":null}',
    '{"schema":{"type":"int64","optional":false},"payload":9007199254740993}',
    '{"schema":{"type":"double","optional":false},"payload":"NaN"}',
    '{"schema":{"type":"float","optional":false},"payload":1.1}',
    '{"schema":{"type":"bytes","optional":false,"name":"org.apache.kafka.connect.data.Decimal","version":1,'
    '"parameters":{"scale":"30"}},"payload":"DuUhNj3oC3v/////////"}',
    '{"schema":{"type":"map","keys":{"type":"int8","optional":false},"values":{"type":"string","optional":true},'
    '"optional":false},"payload":[[1,null]]}',
]


@pytest.mark.parametrize("text", EXACT)
@pytest.mark.parametrize("place", ["key", "value", "headers"])
def test_values_pass_with_every_digit(tmp_path: Path, place: str, text: str) -> None:
    given = f'[{{"key":"h","value":{text}}}]' if place == "headers" else text
    parts = {"key": "null", "value": "null", "headers": "[]"} | {place: given}
    members = ",".join(f'"{name}":{part}' for name, part in parts.items())
    line = f'{{"topic":"t","partition":3,"timestamp":5,{members}}}\n'
    result = transform(tmp_path, PASS, line)
    assert json.loads(result.stdout, parse_float=str) == json.loads(line, parse_float=str)


def test_numbers_are_read_as_jsonconverter_reads_them(tmp_path: Path) -> None:
    numeric = (
        '{"schema":{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","version":1,'
        '"parameters":{"scale":"20"}},"payload":12345678901.12345678901234567890}'
    )
    lines = '{"value":12345678901234567890}\n{"value":1e400}\n' + f'{{"value":{numeric}}}'
    first, second, third = values(transform(tmp_path, PASS, lines))
    assert first == 12345678901234567890
    assert second == Decimal("1e400")
    assert third["payload"] == "D5Uan6MIVDGILW8K0g=="  # 1234567890112345678901234567890


def test_a_record_that_fails_says_kafkas_exception_and_the_others_go_on(tmp_path: Path) -> None:
    lines = [
        '{"value": {"card": 1}}',
        '{"value": 5}',
        '{"value": {"schema": {"type": "int8"}, "payload": 300}}',
        '{"value": {"schema": 5, "payload": 300}}',
        '{"value": {"card": 2}}',
    ]
    result = transform(tmp_path, MASK, "\n".join(lines))
    assert [json.loads(line).get("error") for line in result.stdout.splitlines()] == [
        None,
        "DataException",
        "DataException",
        "DataException",
        None,
    ]
    assert result.exit_code == 0


def test_offsets_are_those_of_a_sink_and_a_source_has_none(tmp_path: Path) -> None:
    config = {
        "transforms": "o",
        "transforms.o.type": f"{KAFKA}InsertField$Value",
        "transforms.o.offset.field": "at",
    }
    result = transform(tmp_path, config, '{"offset":7,"value":{}}\n{"value":{}}\n{"offset":8,"value":{}}\n')
    first, second, third = map(json.loads, result.stdout.splitlines())
    assert (first["value"], third["value"]) == ({"at": 7}, {"at": 8})
    assert second["error"] == "DataException"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("nonsense", "not a JSON object"),
        ("{", "not a JSON object"),
        ('{"value": nope}', "Expecting value: line 1 column 11"),
        ('{"value": NaN}', "NaN"),
        ('{"value": 01}', "not a JSON object"),
        ('{"value": 1} 2', "Extra data"),
        ("[]", "not a JSON object"),
        ('{"vaule": 1}', "'vaule' is none of topic, partition"),
        ('{"dropped": true}', "'dropped' is none of"),
        ('{"topic": 5}', "topic is not a string"),
        ('{"topic": 5.5}', "topic is not a string"),
        ("{5.5: 1}", "not a JSON object"),
        ('{"offset": "5"}', "offset is not a whole number"),
        ('{"partition": 1.0}', "partition is not a whole number"),
        ('{"timestamp": true}', "timestamp is not a whole number"),
        ('{"timestamp": 9223372036854775808}', "timestamp is not a whole number"),
        ('{"headers": [{"value": 1}]}', "a header is"),
        ('{"headers": {"a": 1}}', "not a JSON object"),
        ('{"value": ' + "[" * 100_000, "nested too deeply"),
        (b'{"value": "\xff"}', "not UTF-8"),
    ],
    ids=lambda part: repr(part)[:30],
)
def test_a_line_that_is_no_record_ends_the_run_after_what_came_before(
    tmp_path: Path, line: str | bytes, why: str
) -> None:
    bad = line.encode() if isinstance(line, str) else line
    lines = b'{"value": {"card": 1}}\n\n{"value": 5}\n' + bad + b'\n{"value": {"card": 2}}\n'
    result = transform(tmp_path, MASK, lines)
    assert result.exit_code == 1
    assert result.stderr.startswith("line 4: ")
    assert why in result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stdout.splitlines()) == 2


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"transforms": "a"}, 'Missing required configuration "transforms.a.type"'),
        ({"transforms": "a", "transforms.a.type": "Nothing"}, "Class Nothing could not be found"),
        (MASK | {"transforms.mask.fields": ""}, "transforms.mask.fields"),
        (MASK | {"transforms.mask.predicate": "p"}, "Predicate alias 'p' is not defined"),
        (MASK | {"transforms": "mask,mask"}, "Duplicate alias provided."),
        (MASK | {"transforms.mask.fields": None}, "Null value can not be supplied"),
        ([], "a connector file must hold one object"),
    ],
)
def test_a_bad_config_is_refused_with_every_reason_before_anything_is_read(
    tmp_path: Path, config: Any, why: str
) -> None:
    result = transform(tmp_path, config, "nonsense")
    assert result.exit_code == 2
    assert why in result.stderr
    assert str(tmp_path / "connector.json") in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("name", ["missing.json", "bad.json", "bad.yaml"])
def test_a_file_that_cannot_be_read_is_a_bad_config(tmp_path: Path, name: str) -> None:
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "bad.yaml").write_text("a: [")
    result = CliRunner().invoke(main, ["transform", str(tmp_path / name)], input=b"")
    assert result.exit_code == 2
    assert name in result.stderr


def test_keys_without_effect_and_references_are_warned_about(tmp_path: Path) -> None:
    config = MASK | {"transforms.mask.colour": "red", "transforms.mask.replacement": "${env:MASK}"}
    result = transform(tmp_path, config, '{"value":{"card":"x"}}')
    assert values(result) == [{"card": "${env:MASK}"}]
    assert "warning: transforms.mask.colour is not a setting of this plugin" in result.stderr
    assert "warning: transforms.mask.replacement: ${env:MASK} is not resolved" in result.stderr


def test_explain_writes_the_steps_to_stderr(tmp_path: Path) -> None:
    result = transform(tmp_path, MASK, '{"value":{"card":"x"}}', "--explain")
    assert result.stderr == "plan: transform mask by MaskField: columns\n"
    assert values(result) == [{"card": ""}]


def test_a_byte_order_mark_and_windows_line_ends_are_no_harm(tmp_path: Path) -> None:
    lines = b'\xef\xbb\xbf{"value":{"card":1}}\r\n{"value":{"card":2}}\r\n'
    assert values(transform(tmp_path, MASK, lines)) == [{"card": 0}, {"card": 0}]


class Endless:
    """Lines without end, and the most that was asked for at once."""

    def __init__(self, line: bytes, count: int) -> None:
        self.line, self.left = line, count

    def read1(self, size: int, /) -> bytes:
        take = min(self.left, max(1, size // len(self.line)))
        self.left -= take
        return self.line * take


class Counted:
    """An output that keeps nothing but the longest piece and the number of lines."""

    def __init__(self) -> None:
        self.lines = self.longest = 0

    def write(self, piece: bytes) -> None:
        self.lines += piece.count(b"\n")
        self.longest = max(self.longest, len(piece))

    def flush(self) -> None:
        """Nothing is held back."""


def test_many_lines_pass_in_pieces_of_the_same_size() -> None:
    line = b'{"topic":"t","value":{"card":"x","n":1}}\n'
    out = Counted()
    sample_run.run((), Endless(line, 50_000), out)  # type: ignore[arg-type]
    assert out.lines == 50_000
    assert out.longest < 8 * sample_run.CHUNK_BYTES


def test_a_line_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_run, "MAX_LINE_BYTES", 1_000_000)
    out = Counted()
    source = Endless(b"x" * 1000, 10_000)
    with pytest.raises(BadLine, match="line 1: it is longer than 1000000 bytes"):
        sample_run.run((), source, out)  # type: ignore[arg-type]
    assert source.left > 8000
