"""jq programs of users: what they make of a value, and that none holds a worker up, fills it or looks around in it."""

import os
from pathlib import Path

import pytest

from ferryman.edits import program
from ferryman.edits.program import BadProgram, Program
from ferryman.errors import DataError


@pytest.mark.parametrize(
    ("text", "value", "edited"),
    [
        (".b = 5 # a comment", '{"a": 1}', '{"a":1,"b":5}'),
        (".b = .a", '{"a": 12345678901234567890}', '{"a":12345678901234567890,"b":12345678901234567890}'),
        ("def twice: . * 2; .a |= twice", '{"a": 2}', '{"a":4}'),
        ("del(.a)", '{"a": 1}', "{}"),
        ("fromjson | .a", '"{\\"a\\": \\"ü\\"}"', '"ü"'),
        ("null", "1", "null"),
    ],
)
def test_it_makes_one_value_of_another(text: str, value: str, edited: str) -> None:
    Program(text).check()
    assert Program(text).edited(value) == edited


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (".[", "syntax error"),
        ("foo(1)", "foo/1 is not defined"),
        (" ", "the expression is empty"),
        ("1" * (program.MAX_CHARACTERS + 1), "more than 4,000 characters"),
        (".\0", "a NUL character"),
        ('include "a"; .', "unexpected include"),
        ('import "a" as $a {search: "/etc"}; .', "unexpected import"),
        ('(import "a" as $a {search: "/etc"}; .)', "unexpected import"),
    ],
)
def test_what_is_no_program_is_said(text: str, fault: str) -> None:
    with pytest.raises(BadProgram, match=fault):
        Program(text).check()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("empty", "it returned no value"),
        ("1, 2", "it returned several values"),
        ("repeat(.)", "it returned several values"),
        ("halt", "it returned no value"),
        ("input", "break"),
        ('error("not this one")', "not this one"),
        (".a.b", "Cannot index"),
        ('"secrets" | modulemeta', "there are no modules"),
    ],
)
def test_where_it_makes_no_value_the_reason_is_told(text: str, why: str) -> None:
    with pytest.raises(DataError, match=why):
        Program(text).edited('{"a": 1}')


@pytest.mark.parametrize("text", ["def f: f; f", "last(range(1e12))"])
def test_one_without_end_is_killed(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "CPU_SECONDS", 0.2)
    with pytest.raises(DataError, match=r"more than 0.2 seconds"):
        Program(text).edited("1")
    assert Program(".").edited("1") == "1"


def test_one_that_takes_all_memory_is_killed() -> None:
    with pytest.raises(DataError, match="more memory than it may have"):
        Program('reduce range(100) as $i ("xxxxxxxxxxxxxxxx"; . + .)').edited("1")
    assert Program(".").edited("1") == "1"


@pytest.mark.parametrize("text", ["env", "$ENV"])
def test_it_sees_no_environment(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "hunter2")
    program._CHILD.end()
    assert "hunter2" not in Program(f"{text} | tojson").edited("1")


def test_it_reads_no_file_of_modules(tmp_path: Path) -> None:
    (tmp_path / "a.jq").write_text("def secret: 5;")
    (tmp_path / "d.json").write_text('{"secret": 5}')
    for text in (f'include "a" {{search: "{tmp_path}"}}; secret', f'import "d" as $d {{search: "{tmp_path}"}}; $d'):
        with pytest.raises(DataError, match=r"unexpected i(nclude|mport)"):
            Program(text).edited("1")
    with pytest.raises(DataError, match="no modules"):
        Program(f'"{os.fspath(tmp_path)}/a" | modulemeta').edited("1")
