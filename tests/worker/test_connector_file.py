"""A connector's file in all its spellings, and what is wrong with it, by the file's name."""

from pathlib import Path

import pytest

from ferryman.errors import ConfigError
from ferryman.facts.states import TargetState
from ferryman.worker.connector_file import ConnectorFile, parse, read, strings

FLAT = ConnectorFile("c", {"name": "c", "tasks.max": "2"})


@pytest.mark.parametrize(
    ("text", "suffix"),
    [
        ("name=c\ntasks.max=2\n", ".properties"),
        ("name=c\ntasks.max=2\n", ".PROPERTIES"),
        ("name=c\ntasks.max=2\n", ""),
        ('{"name": "c", "tasks.max": 2}', ".json"),
        ('  {"name": "c", "tasks.max": "2"}', ".conf"),
        ('\ufeff{"name": "c", "tasks.max": 2}', ".conf"),
        ('\ufeff{"name": "c", "tasks.max": 2}', ".json"),
        ("\ufeffname=c\ntasks.max=2\n", ".conf"),
        ("name: c\ntasks.max: 2\n", ".yaml"),
        ("name: c\ntasks.max: 2\n", ".YML"),
        ('{"name": "c", "config": {"tasks.max": 2}}', ".json"),
        ('{"config": {"name": "c", "tasks.max": 2}}', ".json"),
        ("name: c\nconfig:\n  name: c\n  tasks.max: 2\n", ".yaml"),
    ],
)
def test_every_spelling_says_the_same(text: str, suffix: str) -> None:
    found = parse(text.encode(), suffix)
    assert (found.name, dict(found.config), found.target) == ("c", dict(FLAT.config), TargetState.RUNNING)


@pytest.mark.parametrize(("state", "target"), [("paused", TargetState.PAUSED), ("STOPPED", TargetState.STOPPED)])
def test_a_create_request_says_in_which_state_it_starts(state: str, target: TargetState) -> None:
    assert parse(f'{{"name": "c", "config": {{}}, "initial_state": "{state}"}}'.encode(), ".json").target is target


@pytest.mark.parametrize(
    ("text", "suffix", "complaint"),
    [
        ("{", ".json", "this is not JSON"),
        ("a: [", ".yaml", "this is not YAML"),
        ("[1]", ".json", "a connector file must hold one object"),
        ("text", ".yaml", "a connector file must hold one object"),
        ("[" * 100_000, ".json", "nested too deeply"),
        ("{}", ".json", 'Missing required configuration "name"'),
        (
            "name: c\nfile: 2026-01-01",
            ".yaml",
            "file must be a string, a number, true or false, not 2026-01-01: quote it",
        ),
        (r'{"name": "c", "topics": "\ud800"}', ".json", r"topics: \\ud800 holds an unpaired surrogate"),
        (r'{"name": "c", "\ud800": "x"}', ".json", r"\\ud800 holds an unpaired surrogate"),
        ("tasks.max=2", ".properties", 'Missing required configuration "name"'),
        ('{"config": {}}', ".json", 'Missing required configuration "name"'),
        ('{"name": "", "tasks.max": 1}', ".json", 'Missing required configuration "name"'),
        ('{"name": "a", "config": {"name": "b"}}', ".json", r"\(b\) doesn't match .* \(a\)"),
        (
            '{"name": "a", "config": {}, "initial_state": "ASLEEP"}',
            ".json",
            "ASLEEP is none of RUNNING, PAUSED, STOPPED",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_name(
    tmp_path: Path, text: str, suffix: str, complaint: str
) -> None:
    file = tmp_path / f"c{suffix}"
    file.write_text(text)
    with pytest.raises(ConfigError, match=complaint) as raised:
        read(file)
    assert str(file) in str(raised.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.json: No such file"):
        read(tmp_path / "gone.json")


def test_letters_in_two_halves_are_joined() -> None:
    assert dict(parse(rb'{"name": "\ud83d\ude00"}', ".json").config) == {"name": "😀"}
    assert dict(parse(rb'name: "\ud83d\ude00"', ".yaml").config) == {"name": "😀"}


def test_values_are_kafkas_strings() -> None:
    assert strings({"a": True, "b": False, "c": 1, "d": 1.5, "e": " x ", 5: ""}) == {
        "a": "true",
        "b": "false",
        "c": "1",
        "d": "1.5",
        "e": " x ",
        "5": "",
    }


@pytest.mark.parametrize("value", [None, [], {}, ["a"]])
def test_a_value_that_is_no_plain_one_is_refused_by_its_key(value: object) -> None:
    with pytest.raises(ConfigError) as raised:
        strings({"a": "fine", "topics": value})
    assert [problem.key for problem in raised.value.problems] == ["topics"]
