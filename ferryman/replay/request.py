"""A request for a replay: which letters, and how. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ferryman.config import trim
from ferryman.dead_letters import query
from ferryman.dead_letters.choice import Choice
from ferryman.errors import ConfigError, RequestError
from ferryman.runs import request_body
from ferryman.runs.keys import PREFIX

FLAGS = ("all", "to_topic", "again", "allow_older", "dry_run")
KNOWN = ("letters", *query.CHOOSING, *FLAGS, "attempts", "config", "edit", "name")
DEFAULT_ATTEMPTS = 3
"""How often a letter is replayed unless a request says otherwise."""
MOST_NAMED = 1_000
GROUP = "consumer.override.group.id"
LETTERS = "errors.deadletterqueue.topic.name"
IN_RUNS = {"errors.tolerance": "all", "errors.deadletterqueue.context.headers.enable": "true"}
"""A letter that is refused again does not hold up the others, and its new letter says how often it was tried."""
NOT_TO_SET = frozenset({"name", "connector.class", "topics", "topics.regex", *IN_RUNS})
_CHOOSE = (
    "Say which letters are meant: letters, one of stage, exception, field, since, until, refused_since and "
    "refused_until, or all, which must be true"
)


@dataclass(frozen=True, slots=True)
class Request:
    """A wish."""

    letters: Sequence[tuple[int, int]]
    """Partitions and offsets of single letters; empty where a choice is meant."""
    choice: Choice
    to_topic: bool = False
    """Whether they go to the topics of their records, instead of the connector's way."""
    again: bool = False
    """Whether letters count that were taken before."""
    allow_older: bool = False
    attempts: int = DEFAULT_ATTEMPTS
    sets: Mapping[str, str | None] = field(default_factory=dict)
    """Keys that the run has otherwise than the live connector; None removes one."""
    edit: str = ""
    """The jq expression by which values are edited; empty for none."""
    name: str = ""
    """The run's; made up where it is empty."""
    dry_run: bool = False

    def run_name(self, live: str, now: datetime) -> str:
        """What the run is called."""
        return self.name or f"{live}-replay-{now.astimezone(UTC).strftime('%Y%m%dT%H%M%S%f')[:-3]}"


def parsed(posted: Any, connector: str) -> Request:
    """What the body of a request asks for. RequestError 400, or ConfigError for keys that cannot be set."""
    posted = request_body.checked(posted, KNOWN)
    flags = {name: request_body.flag(name, posted.get(name)) for name in FLAGS}
    texts = {name: text for name in query.CHOOSING if (text := _text(name, posted.get(name))) is not None}
    choice, _, _ = query.parsed(texts, connector)
    letters = _letters(posted.get("letters"))
    if bool(letters) + bool(texts) + flags.pop("all") != 1:
        raise RequestError(400, f"{_CHOOSE}; and only one of these ways")
    sets = _sets(posted.get("config"))
    if flags["to_topic"] and (sets or posted.get("name") or flags["allow_older"]):
        raise RequestError(400, "config, name and allow_older are for a run, but to_topic makes no run")
    return Request(
        letters=letters,
        choice=choice,
        attempts=_attempts(posted.get("attempts")),
        sets=sets,
        edit=_edit(posted.get("edit")),
        name=trim(_text("name", posted.get("name")) or ""),
        **flags,
    )


def _text(name: str, value: Any) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str | None):
        raise RequestError(400, f"{name} must be a string")
    return value


def _edit(value: Any) -> str:
    text = _text("edit", value)
    if text is not None and not trim(text):
        raise RequestError(400, "edit must be a jq expression")
    return text or ""


def _letters(value: Any) -> Sequence[tuple[int, int]]:
    if value is None:
        return ()
    if not isinstance(value, list) or not value or not all(isinstance(each, str) for each in value):
        raise RequestError(400, 'letters must be a list of letters\' ids, as ["0-17"]')
    if len(value) > MOST_NAMED:
        raise RequestError(400, f"letters may name at most {MOST_NAMED}; choose more by what is wrong with them")
    return list(dict.fromkeys(query.place(each) for each in value))


def _attempts(value: Any) -> int:
    if value is None:
        return DEFAULT_ATTEMPTS
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1_000_000:
        raise RequestError(400, "attempts must be a number from 1 to 1000000")
    return value


def _sets(value: Any) -> Mapping[str, str | None]:
    whole = isinstance(value, dict) and all(
        isinstance(each, str | int | float | bool | None) for each in value.values()
    )
    if value is not None and not whole:
        raise RequestError(400, "config must be an object: keys with other values for the run, null to remove one")
    sets = {key: _as_text(each) for key, each in (value or {}).items()}
    wrong = next((key for key in sets if key.startswith(PREFIX) or key in NOT_TO_SET), None)
    if wrong is not None:
        raise ConfigError.for_key(wrong, f"{wrong} cannot be set for a replay")
    if not trim(sets.get(LETTERS, LETTERS) or ""):
        raise ConfigError.for_key(
            LETTERS, f"{LETTERS} must name a topic, or records that are refused again would be lost"
        )
    return sets


def _as_text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)
