"""A dead letter as JSON: what was refused in a form that people read, and the bytes themselves."""

import base64
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ferryman.dead_letters.groups import Group, Groups
from ferryman.dead_letters.letter import DeadLetter
from ferryman.dead_letters.mark import Mark
from ferryman.dead_letters.replay_state import ReplayState, ReplayStates
from ferryman.record import Payload
from ferryman.telemetry.redaction import redact

Json = dict[str, Any]


def found(groups: Groups, undated: int, states: ReplayStates) -> Json:
    """All that was found, with how many letters may belong to it but do not say when they were refused."""
    of_groups, is_known = groups.largest_first(), not states.unread
    return {
        "count": sum(each.letters for each in of_groups),
        **by_state(groups.states, is_known),
        "undated": undated,
        "marks_unread": states.unread or None,
        "groups": [group(each, is_known) for each in of_groups],
        "letters": [line(each, states.marks.get(each.id)) for each in groups.newest_first()],
    }


def group(found: Group, is_known: bool) -> Json:
    """A group and what its latest letter says; whether it ``is_known`` what became of the letters."""
    facts = {name: value for name, value in asdict(found).items() if name != "states"}
    return {**facts, **by_state(found.states, is_known), "message": _hidden(found.message)}


def by_state(found: Mapping[ReplayState, int], is_known: bool) -> Json:
    """How many letters are open, and so on; null if it is not known."""
    return {each.value: found.get(each, 0) if is_known else None for each in ReplayState}


def line(letter: DeadLetter, mark: Mark | None) -> Json:
    """Where a letter and its record are, why it is there, and which run has it."""
    return {
        "id": letter.id,
        "timestamp": letter.timestamp,
        "refused_at": letter.refused_at,
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


def whole(letter: DeadLetter, mark: Mark | None, found: Mapping[str, Any]) -> Json:
    """All of it. Key and value are what was ``found`` of them by the connector's converters, see
    ``plugin_process.shown_letter``; ``text`` is UTF-8, and ``base64`` the bytes where they are not. ``edited`` is the
    value after an edit, or says why there is none."""
    edited = {"edited": _edited(found["edited"])} if "edited" in found else {}
    return {
        **line(letter, mark),
        "topic": letter.at.topic,
        "key": _payload(letter.key, found["key"]),
        "value": _payload(letter.value, found["value"]),
        "headers": [{"key": name, **_bytes(content)} for name, content in letter.headers],
        "left_out": letter.left_out,
        "trace": _hidden(letter.trace),
        **edited,
    }


def _edited(found: Mapping[str, Any] | None) -> Json | None:
    if found is None or "refused" in found:
        return None if found is None else {"refused": _hidden(found["refused"])}
    payload = base64.b64decode(found["payload"])
    return _payload(payload, {name: each for name, each in found.items() if name != "payload"})


def _payload(content: Payload, found: Mapping[str, Any] | None) -> Json | None:
    if content is None or found is None:
        return None
    if "undecoded" in found:
        return {**_bytes(content), "undecoded": _hidden(found["undecoded"])}
    return {**found, **_bytes(content)}


def _bytes(content: Payload) -> Json:
    if content is None:
        return {"text": None}
    try:
        return {"text": content.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}


def _hidden(text: str | None) -> str | None:
    return None if text is None else redact(text)
