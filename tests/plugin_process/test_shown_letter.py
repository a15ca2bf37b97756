"""What a process tells of a dead letter: decoded as far as a person can read it, and never more than fits."""

import base64
import json
from typing import Any

import pytest

from ferryman.dead_letters.letter import parsed
from ferryman.errors import RequestError
from ferryman.plugin_process import answer, letter_converters, process, shown_letter
from ferryman.record import Coordinates, Payload
from ferryman.settings import settings
from ferryman.settings.config_providers import Resolution
from tests.plugin_process.test_resending import CONFIG

SETTINGS = settings.parse({"key.converter": "StringConverter", "value.converter": "StringConverter"})


def told(value: Payload, edit: str | None = None, is_sink: bool = True, **config: str) -> Any:
    """What is answered about a letter with that value and the key k."""
    given = CONFIG | {key.replace("_", "."): text for key, text in config.items()}
    letter = parsed(Coordinates("dlq", 0, 3), 11, b"k", value, [("__connect.errors.topic", b"t")])
    question = shown_letter.question(letter, "c", Resolution(given), is_sink, edit)
    return answer.unpack(process.answer_to(json.dumps(question), SETTINGS))


def test_what_converters_make_of_a_letter_is_told_and_numbers_keep_their_digits() -> None:
    assert told(b'{"n": 0.1, "big": 12345678901234567890123}') == {
        "key": {"decoded": "k"},
        "value": {"decoded": {"n": 0.1, "big": 12345678901234567890123}},
    }
    amount = {"type": "bytes", "name": "org.apache.kafka.connect.data.Decimal", "parameters": {"scale": "20"}}
    payload = base64.b64encode((123456789012345678901234567891).to_bytes(13, "big")).decode()
    enveloped = json.dumps({"schema": amount, "payload": payload}).encode()
    found = told(enveloped, value_converter_schemas_enable="true")
    assert found["value"] == {"decoded": "1234567890.12345678901234567891"}
    assert told(None) == {"key": {"decoded": "k"}, "value": None}
    assert told(b"{")["value"].keys() == {"undecoded"}
    assert "Class nope could not be found" in told(b"1", value_converter="nope")["value"]["undecoded"]


def test_a_letter_of_a_source_is_json_with_its_schema_whatever_the_connector_writes() -> None:
    value = b'{"schema": {"type": "int64", "optional": false}, "payload": 5}'
    found = told(value, is_sink=False, value_converter="nope")
    assert found["value"] == {"decoded": 5}


def test_what_is_too_large_is_not_decoded_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown_letter, "MAX_PAYLOAD_BYTES", 100)
    large = told(b'"%s"' % (b"x" * 99), edit=".")
    assert "are not decoded to be shown" in large["value"]["undecoded"]
    assert "are not decoded to be shown" in large["edited"]["refused"]
    assert large["key"] == {"decoded": "k"}
    doubled = told(json.dumps("ä" * 20, ensure_ascii=False).encode())
    assert doubled["value"] == {"undecoded": "DataError: decoded, it has 122 bytes, and more than 100 are not shown"}
    grown = told(b'"x"', edit=". * 101")
    assert grown["edited"] == {"refused": "DataError: edited, it has more than 100 bytes, which are not shown"}


def test_an_edit_is_tried_and_nothing_of_the_letter_is_changed() -> None:
    found = told(b'{"n":1}', edit=".n = 2")
    assert found["edited"] == {"decoded": {"n": 2}, "payload": letter_converters.packed(b'{"n":2}')}
    assert found["value"] == {"decoded": {"n": 1}}
    assert told(None, edit=".n = 2")["edited"] is None
    assert "failed for this value" in told(b"{}", edit="empty")["edited"]["refused"]
    with pytest.raises(RequestError, match="edit is not a jq expression: foo/0 is not defined"):
        told(b"{}", edit="foo")


def test_of_a_connectors_config_no_more_is_told_than_its_chain_needs() -> None:
    letter = parsed(Coordinates("dlq", 0, 3), 11, b"k", b"1", [])
    config = CONFIG | {"connection.password": "Godwit-canary/3", "value.converter.basic.auth.user.info": "a:b"}
    question = shown_letter.question(letter, "c", Resolution(config), True, None)
    assert "Godwit" not in json.dumps(question)
    assert question["config"]["value.converter.basic.auth.user.info"] == "a:b"
