"""Which dead letters a request asks for, by its parameters. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime

from ferryman.dead_letters.choice import Choice
from ferryman.errors import RequestError
from ferryman.runs.span import milliseconds

TIMES = (("since", "until"), ("refused_since", "refused_until"))
CHOOSING = ("stage", "exception", "field", *(name for pair in TIMES for name in pair))
PARAMETERS = (*CHOOSING, "open", "scan", "limit")
DEFAULT_SCANNED, DEFAULT_LISTED = 100_000, 20
"""How many letters are read, and how many are listed, unless a request says otherwise."""
MOST_SCANNED, MOST_LISTED = 10_000_000, 10_000


def parsed(given: Mapping[str, str], connector: str) -> tuple[Choice, int, int]:
    """Which letters of a connector, how many to read, and how many to list. RequestError 400."""
    (since, until), (refused_since, refused_until) = (_times(given, *pair) for pair in TIMES)
    choice = Choice(
        connector=connector,
        stage=_upper(given.get("stage")),
        exception=given.get("exception"),
        field=given.get("field"),
        since=since,
        until=until,
        refused_since=refused_since,
        refused_until=refused_until,
    )
    return (
        choice,
        _count(given, "scan", DEFAULT_SCANNED, MOST_SCANNED),
        _count(given, "limit", DEFAULT_LISTED, MOST_LISTED),
    )


def only_open(given: Mapping[str, str]) -> bool:
    """Whether only those are asked for that are still to be replayed. RequestError 400."""
    value = given.get("open", "false").lower()
    if value not in ("true", "false"):
        raise RequestError(400, f"open must be true or false, not {given['open']}")
    return value == "true"


def unknown(connector: str) -> RequestError:
    """The error if there is no such connector, although there may be letters that it wrote."""
    how = "create a connector of that name with its old config, without ferryman.run.*, in the state STOPPED"
    return RequestError(404, f"Connector {connector} not found. If it is gone and has left dead letters, {how}")


def place(text: str) -> tuple[int, int]:
    """The partition and the offset that a letter's id names. RequestError 404 for an invalid id."""
    partition, dash, offset = text.partition("-")
    if not (dash and _is_number(partition) and _is_number(offset)):
        raise RequestError(404, f"{text} is not the id of a dead letter: write <partition>-<offset>")
    return int(partition), int(offset)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19


def _upper(text: str | None) -> str | None:
    return None if text is None else text.upper()


def _count(given: Mapping[str, str], name: str, otherwise: int, most: int) -> int:
    value = given.get(name)
    if value is None:
        return otherwise
    if not _is_number(value) or not 0 <= int(value) <= most:
        raise RequestError(400, f"{name} must be a number from 0 to {most}, not {value}")
    return int(value)


def _times(given: Mapping[str, str], first: str, behind: str) -> tuple[int | None, int | None]:
    since, until = _time(given, first), _time(given, behind)
    if since is not None and until is not None and since >= until:
        text = f"{behind}={given[behind]} is not later than {first}={given[first]}: no letter can lie between them"
        raise RequestError(400, text)
    return since, until


def _time(given: Mapping[str, str], name: str) -> int | None:
    """ISO 8601, in UTC if it does not say, or milliseconds since the epoch, of eleven digits or more."""
    value = given.get(name)
    told = None if value is None else milliseconds(value)
    if value is None or told is not None:
        return told
    try:
        found = datetime.fromisoformat(value)
        return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        text = f"{name} must be a time such as 2026-11-01T00:00:00Z, or milliseconds (11 digits or more), not {value}"
        raise RequestError(400, text) from None
