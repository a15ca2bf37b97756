"""The body of a request for a backfill, and of its answer."""

from dataclasses import asdict
from typing import Any

from ferryman.api import Part
from ferryman.backfill.making import MEANT, Run
from ferryman.backfill.request import Request, of_offsets, of_positions
from ferryman.config import trim
from ferryman.errors import ConfigError, RequestError
from ferryman.rest import http_messages
from ferryman.runs import request_body
from ferryman.runs.span import iso

KNOWN = ("from", "to", "offsets", "positions", "config", "name", "rate", "version_field", "allow_duplicates", "dry_run")


def parsed(posted: Any) -> Request:
    """What is asked for. RequestError 400 for a body that is none, ConfigError for bounds that cannot be."""
    posted = request_body.checked(posted, KNOWN)
    given = posted.get("config")
    if not isinstance(given, dict | None):
        raise RequestError(400, "config must be an object: keys with other values for the run, null to remove one")
    return Request(
        begins=_time("from", posted.get("from")),
        ends=_time("to", posted.get("to")),
        offsets=of_offsets(posted.get("offsets") or {}),
        positions=None if posted.get("positions") is None else of_positions(posted["positions"]),
        sets=http_messages.config(given or {}),
        name=trim(http_messages.text("name", posted.get("name")) or ""),
        rate=_rate(posted.get("rate")),
        version_field=http_messages.text("version_field", posted.get("version_field")),
        allow_duplicates=request_body.flag("allow_duplicates", posted.get("allow_duplicates")),
        dry_run=request_body.flag("dry_run", posted.get("dry_run")),
    )


def answer(run: Run) -> dict[str, Any]:
    """What the run is, or would be."""
    shape: dict[str, Any] = {"name": run.name, "target": MEANT[run.verdict]}
    if run.records is not None:
        shape["records"] = run.records
    if run.done:
        shape["records_done"] = run.done
    if run.size is not None:
        shape |= {name: value for name, value in asdict(run.size).items() if value is not None}
    if run.ranges is not None:
        shape["ranges"] = ranges = dict[str, dict[str, list[int]]]()
        for source, range_ in sorted(run.ranges.of.items()):
            ranges.setdefault(source.topic, {})[str(source.partition)] = list(range_)
    return shape if run.part is None else shape | _of(run.part)


def _of(part: Part) -> dict[str, Any]:
    span = part.span
    times = {name: iso(at) for name, at in (("from", span.begins), ("to", span.ends)) if at is not None}
    positions = {} if span.first is None else {"positions": [span.first, span.behind]}
    return {**times, **positions, "warnings": list(part.warnings)}


def _time(name: str, value: Any) -> str:
    found = http_messages.text(name, value)
    if found is not None and not trim(found):
        raise RequestError(400, f"{name} is empty: leave it out, or name a time such as 2026-11-01T00:00:00Z")
    return found or ""


def _rate(value: Any) -> float:
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError.for_key("rate", "rate must be a number of records a second, 0 for no limit")
    return float(value)
