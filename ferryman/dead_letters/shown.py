"""A dead letter as JSON: what was refused in a form that people read, and the bytes themselves."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from decimal import Decimal
from math import isfinite
from typing import Any

from ferryman.chain import builder
from ferryman.conversion import Converter, Side
from ferryman.dead_letters.choice import Group
from ferryman.dead_letters.letter import DeadLetter
from ferryman.dead_letters.mark import Mark
from ferryman.errors import FerrymanError
from ferryman.plugins import catalog
from ferryman.record import Payload
from ferryman.telemetry.redaction import redact

Json = dict[str, Any]
Decode = Callable[[Side, str, Payload], Any]
Edit = Callable[[str, Payload], Payload]
"""Edits a value in a topic."""
_JSON = "org.apache.kafka.connect.json.JsonConverter"


def group(found: Group) -> Json:
    """A group and what its latest letter says."""
    return {**asdict(found), "message": _hidden(found.message)}


def line(letter: DeadLetter, mark: Mark | None) -> Json:
    """Where a letter and its record lie, why it is there, and who has taken it since."""
    return {
        "id": letter.id,
        "timestamp": letter.timestamp,
        "origin": None if letter.origin is None else letter.origin._asdict(),
        "connector": letter.connector,
        "task": letter.task,
        "stage": letter.stage,
        "class": letter.plugin,
        "exception": letter.exception,
        "message": _hidden(letter.message),
        "field": letter.field,
        "attempts": letter.attempts,
        "replayed": None if mark is None else asdict(mark),
    }


def whole(letter: DeadLetter, mark: Mark | None, decode: Decode, edit: Edit | None = None) -> Json:
    """All of it. Key and value are what the connector's converters make of them, where they can; ``text`` is UTF-8, and
    ``base64`` the bytes where they are not. ``edited`` is the value after ``edit``, or says why there is none."""
    topic = letter.at.topic if letter.origin is None else letter.origin.topic
    edited = {} if edit is None else {"edited": _edited(letter.value, edit, decode, topic)}
    return {
        **line(letter, mark),
        "topic": letter.at.topic,
        "key": _payload(letter.key, decode, "key", topic),
        "value": _payload(letter.value, decode, "value", topic),
        "headers": [{"key": name, **_bytes(content)} for name, content in letter.headers],
        "left_out": letter.left_out,
        "trace": _hidden(letter.trace),
        **edited,
    }


def _edited(content: Payload, edit: Edit, decode: Decode, topic: str) -> Json | None:
    try:
        found = edit(topic, content)
    except Exception as error:
        return {"refused": _hidden(f"{type(error).__name__}: {error}")}
    return _payload(found, decode, "value", topic)


def decoder(raw: Mapping[str, str], worker: Mapping[str, str], is_sink: bool) -> Decode:
    """Decodes by the connector's converters as far as they are our own; a source's letters are in JSON. Raises
    FerrymanError, or whatever a payload makes of a converter."""
    made: dict[Side, Any] = {}

    def decode(side: Side, topic: str, payload: Payload) -> Any:
        if side not in made:
            made[side] = own_converter(side, raw, worker) if is_sink else source_converter(side)
        (data,) = made[side].to_data(topic, [payload])
        return json.loads(_plain(side).from_data(topic, data.rows())[0] or b"null", parse_float=_number)

    return decode


def own_converter(side: Side, raw: Mapping[str, str], worker: Mapping[str, str]) -> Converter[Any]:
    """The converter of one side of a connector. FerrymanError for others' code, which runs in tasks only."""
    _, name = builder.converter_name(side, raw, worker)
    entry = catalog.entry("converter", name)
    if entry is None or not entry.module.startswith("ferryman."):
        raise FerrymanError(f"{name} is no converter of ours, and decodes in tasks only")
    return builder.converter(side, raw, worker)


def source_converter(side: Side) -> Converter[Any]:
    """What reads one side of the letters of sources, whatever converters these have."""
    raw = {f"{side}.converter": _JSON, f"{side}.converter.schemas.enable": "true"}
    return builder.converter(side, raw | {f"{side}.converter.replace.null.with.default": "false"}, {})


def _plain(side: Side) -> Any:
    raw = {f"{side}.converter": _JSON}
    raw |= {f"{side}.converter.schemas.enable": "false", f"{side}.converter.decimal.format": "NUMERIC"}
    return builder.converter(side, raw, {})


def _number(text: str) -> float | str:
    """A fraction; in text where a double would change it."""
    found = float(text)
    return found if isfinite(found) and Decimal(text) == Decimal(repr(found)) else text


def _payload(content: Payload, decode: Decode, side: Side, topic: str) -> Json | None:
    if content is None:
        return None
    shown = _bytes(content)
    try:
        return {"decoded": decode(side, topic, content), **shown}
    except Exception as error:
        return {**shown, "undecoded": _hidden(f"{type(error).__name__}: {error}")}


def _bytes(content: Payload) -> Json:
    if content is None:
        return {"text": None}
    try:
        return {"text": content.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}


def _hidden(text: str | None) -> str | None:
    return None if text is None else redact(text)
