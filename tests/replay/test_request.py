"""What a request for a replay may say."""

from typing import Any

import pytest

from ferryman.errors import ConfigError, RequestError
from ferryman.replay.request import DEFAULT_ATTEMPTS, LETTERS, parsed


def test_letters_are_named_or_chosen_or_all_are_meant() -> None:
    named = parsed({"letters": ["0-17", "1-2", "0-17"]}, "c")
    assert (named.letters, named.attempts, named.dry_run) == ([(0, 17), (1, 2)], DEFAULT_ATTEMPTS, False)
    chosen = parsed({"stage": "task_put", "since": 10_000_000_000, "until": "1970-05-01T00:00:00Z"}, "c").choice
    assert (chosen.connector, chosen.stage, chosen.since, chosen.until) == (
        "c",
        "TASK_PUT",
        10_000_000_000,
        10_368_000_000,
    )
    everything = parsed({"all": True, "config": {"file": "x", "batch.size": 5, "y": None, "z": False}}, "c")
    assert everything.sets == {"file": "x", "batch.size": "5", "y": None, "z": "false"}


@pytest.mark.parametrize(
    ("posted", "text"),
    [
        ([], "An object is expected"),
        ({}, "Say which letters are meant"),
        ({"all": False}, "Say which letters are meant"),
        ({"all": True, "letters": ["0-1"]}, "only one of these ways"),
        ({"all": True, "stage": "TASK_PUT"}, "only one of these ways"),
        ({"al": True}, 'Unrecognized field "al"'),
        ({"letters": []}, "letters must be a list"),
        ({"letters": [5]}, "letters must be a list"),
        ({"letters": ["0-1"] * 1_001}, "letters may name at most 1000"),
        ({"letters": ["x"]}, "x is not the id of a dead letter"),
        ({"since": "yesterday"}, "since must be a time such as"),
        ({"stage": True}, "stage must be a string"),
        ({"all": "yes"}, "all must be true or false"),
        ({"all": True, "attempts": 0}, "attempts must be a number"),
        ({"all": True, "attempts": True}, "attempts must be a number"),
        ({"all": True, "config": []}, "config must be an object"),
        ({"all": True, "config": {"x": {}}}, "config must be an object"),
        ({"all": True, "config": {"ferryman.run.of": "x"}}, "ferryman.run.of cannot be set for a replay"),
        ({"all": True, "config": {"connector.class": "x"}}, "connector.class cannot be set for a replay"),
        ({"all": True, "config": {"topics": "x"}}, "topics cannot be set for a replay"),
        ({"all": True, "config": {"topics.regex": None}}, "topics.regex cannot be set for a replay"),
        ({"all": True, "config": {"errors.tolerance": "none"}}, "errors.tolerance cannot be set for a replay"),
        ({"all": True, "config": {LETTERS: " "}}, "must name a topic, or records that are refused again would be lost"),
        ({"all": True, "config": {LETTERS: None}}, "must name a topic"),
        ({"all": True, "edit": " "}, "edit must be a jq expression"),
        ({"all": True, "edit": []}, "edit must be a string"),
        ({"all": True, "to_topic": True, "name": "x"}, "to_topic makes no run"),
    ],
)
def test_what_cannot_be_is_said(posted: Any, text: str) -> None:
    with pytest.raises((RequestError, ConfigError), match=text):
        parsed(posted, "c")
