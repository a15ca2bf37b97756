"""A dead letter for people: key and value as the connector's converters decode them, the value as an edit makes it.

Bytes that were refused once may have a converter run without end, or take all memory, so it happens here; and only up
to a size, so that what is shown stays what a person can read.
"""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from math import isfinite
from typing import Any

from ferryman.chain import builder
from ferryman.conversion import Converter, Side
from ferryman.dead_letters.letter import DeadLetter
from ferryman.edits.editor import Editor
from ferryman.edits.program import BadProgram, Program
from ferryman.errors import DataError, RequestError
from ferryman.plugin_process import letter_converters
from ferryman.plugin_process.letter_converters import SIDES, packed, unpacked
from ferryman.record import Payload
from ferryman.settings.config_providers import Resolution
from ferryman.settings.settings import Settings
from ferryman.telemetry.redaction import redact

ASK = "letters"
MAX_PAYLOAD_BYTES = 8 << 20
"""Bytes that a payload may have to be decoded, and those of the JSON that is shown of it."""
Json = dict[str, Any]
Decode = Callable[[Side, Payload], Json | None]


def question(letter: DeadLetter, connector: str, resolution: Resolution, is_sink: bool, edit: str | None) -> Json:
    """Asks what a letter of a connector holds, whose config's references are resolved; and what a jq expression makes
    of its value."""
    payloads = {"key": letter.key, "value": letter.value}
    small = {side: packed(payload) for side, payload in payloads.items() if len(payload or b"") <= MAX_PAYLOAD_BYTES}
    return {
        "ask": ASK,
        "topic": letter.at.topic if letter.origin is None else letter.origin.topic,
        "payloads": small,
        "edit": edit,
        **letter_converters.chain_facts(connector, resolution, is_sink),
    }


def unanswered(letter: DeadLetter, why: str, edit: str | None) -> Json:
    """What is shown where nobody has answered."""
    sides = {"key": letter.key, "value": letter.value}
    found: Json = {side: None if payload is None else {"undecoded": why} for side, payload in sides.items()}
    return found if edit is None else {**found, "edited": {"refused": why}}


def answer(asked: Mapping[str, Any], settings: Settings) -> Json:
    """Answers that: for key and value ``decoded`` or ``undecoded``, which says why; None for a payload that is none.
    ``edited`` is the payload of the edited value and what that is decoded, or why there is none (``refused``).
    RequestError 400 for what is no expression."""
    letter_converters.protect(asked)
    made: dict[Side, Converter[Any]] = {}

    def converter(side: Side) -> Converter[Any]:
        if side not in made:
            made[side] = letter_converters.converter(side, asked, settings)
        return made[side]

    def decoded(side: Side, payload: Payload) -> Json | None:
        return None if payload is None else _decoded(side, asked["topic"], payload, converter)

    given = {side: unpacked(text) for side, text in asked["payloads"].items()}
    found: Json = {side: decoded(side, given[side]) if side in given else {"undecoded": _TOO_LARGE} for side in SIDES}
    if asked["edit"] is None:
        return found
    _check(asked["edit"])
    if "value" not in given:
        return {**found, "edited": {"refused": _TOO_LARGE}}
    return {**found, "edited": _edited(asked, given["value"], converter, decoded)}


_TOO_LARGE = f"it has more than {MAX_PAYLOAD_BYTES:,} bytes, which are not decoded to be shown"


def _check(text: str) -> None:
    try:
        Program(text).check()
    except BadProgram as error:
        raise RequestError(400, f"edit is not a jq expression: {error}") from error


def _edited(
    asked: Mapping[str, Any], value: Payload, converter: Callable[[Side], Converter[Any]], decoded: Decode
) -> Json | None:
    try:
        payload = Editor(converter("value")).edited(asked["edit"], asked["topic"], value)
        if len(payload or b"") > MAX_PAYLOAD_BYTES:
            raise DataError(f"edited, it has more than {MAX_PAYLOAD_BYTES:,} bytes, which are not shown")
    except Exception as error:
        return {"refused": _told(error)}
    found = decoded("value", payload)
    return None if found is None else {**found, "payload": packed(payload)}


def _decoded(side: Side, topic: str, payload: bytes, converter: Callable[[Side], Converter[Any]]) -> Json:
    try:
        (data,) = converter(side).to_data(topic, [payload])
        text = _plain(side).from_data(topic, data.rows())[0] or b"null"
        found = json.loads(text, parse_float=_number)
        size = len(json.dumps(found))
        if size > MAX_PAYLOAD_BYTES:
            raise DataError(f"decoded, it has {size:,} bytes, and more than {MAX_PAYLOAD_BYTES:,} are not shown")
    except Exception as error:
        return {"undecoded": _told(error)}
    return {"decoded": found}


def _told(error: Exception) -> str:
    return redact(f"{type(error).__name__}: {error}")


def _plain(side: Side) -> Converter[Any]:
    raw = {f"{side}.converter": "org.apache.kafka.connect.json.JsonConverter"}
    raw |= {f"{side}.converter.schemas.enable": "false", f"{side}.converter.decimal.format": "NUMERIC"}
    return builder.converter(side, raw, {})


def _number(text: str) -> float | str:
    """A fraction; in text where a double would change it."""
    found = float(text)
    return found if isfinite(found) and Decimal(text) == Decimal(repr(found)) else text
