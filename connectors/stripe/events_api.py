"""One page of Stripe's ``GET /v1/events`` at a time, over one kept connection, with every answer given its meaning.

Facts: the API's reference on pagination, errors and the list of events. A page holds at most 100 events, newest first;
other servers of the same API differ, so nothing here relies on the order.
"""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

import httpx

from ferryman.errors import RefusedError, RetriableError, TaskError

PAGE_EVENTS = 100
"""Events on a full page; the API gives no more."""
MOST_TYPES = 20
"""Types that the server filters by in one request."""
LAST_SECOND = 253_402_300_799
"""The end of the year 9999, since the epoch: what is later is no time, but mostly one in milliseconds."""
_MOST_ANSWER_BYTES = 256 * 1024 * 1024
_LONGEST_PAUSE_SECONDS = 3600.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """An event."""

    id: str
    """Its id, which carries no order."""
    created: int
    """When it was created, in whole seconds since the epoch."""
    type: str
    """Such as payment_intent.succeeded."""
    body: Mapping[str, Any]
    """All of it, as parsed."""

    @property
    def subject(self) -> Mapping[str, Any]:
        """The object that the event is about, as it was then."""
        data = self.body.get("data")
        found = data.get("object") if isinstance(data, dict) else None
        return found if isinstance(found, dict) else {}


class Period(NamedTuple):
    """Events created at ``since`` or later and, unless that is None, before ``before``; in seconds."""

    since: int
    before: int | None = None


class Page(NamedTuple):
    """Events in the server's order, and whether there are more behind them."""

    events: Sequence[Event]
    more: bool


class CursorGone(RetriableError):
    """The server no longer knows the event to go on from: reading begins anew."""


class EventsApi:
    """A client of the list of events. Every wait is bounded: one request takes at most ``timeout`` seconds."""

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        types: Sequence[str],
        timeout: float,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._url = f"{url.rstrip('/')}/v1/events"
        self._timeout = timeout
        self._types = list(types)
        limits = httpx.Limits(max_keepalive_connections=1, keepalive_expiry=60)
        self._client = httpx.Client(headers=dict(headers), timeout=timeout, limits=limits, transport=transport)

    def close(self) -> None:
        """Closes the connection."""
        self._client.close()

    def page(self, period: Period, after: str | None = None, limit: int = PAGE_EVENTS) -> Page:
        """A page of the period, behind the event ``after`` in the server's order.

        Raises RetriableError for what may pass (no connection, 429, 5xx; with the pause that the server asks for),
        CursorGone, RefusedError for a key that is not accepted, or TaskError for what will not pass.
        """
        parameters: dict[str, Any] = {"limit": limit}
        if period.since > 0:
            parameters["created[gte]"] = period.since
        if period.before is not None:
            parameters["created[lt]"] = period.before
        if after is not None:
            parameters["starting_after"] = after
        answer, body = self._get(parameters | self._filter())
        if answer.status_code == 400 and self._types:
            answer, body = self._get(parameters)
            if answer.status_code == 200:
                log.warning("%s refuses the parameter types: events are filtered here", self._url)
                self._types = []
        if answer.status_code in (400, 404) and after is not None:
            raise CursorGone(f"{self._url} does not go on from event {after}: {_reason(body)}")
        self._refuse(answer, body)
        return self._parsed(body)

    def now(self) -> int:
        """The server's clock, in seconds since the epoch; ours if it doesn't tell."""
        answer, body = self._get({"limit": 1})
        self._refuse(answer, body)
        told = _date(answer.headers.get("date"))
        return int(time.time()) if told is None else int(told)

    def _filter(self) -> dict[str, Any]:
        return {"types[]": self._types} if self._types else {}

    def _get(self, parameters: Mapping[str, Any]) -> tuple[httpx.Response, bytes]:
        # httpx bounds the wait for each piece of an answer; a server that drips needs a bound on the whole.
        end = time.monotonic() + self._timeout
        body = bytearray()
        try:
            with self._client.stream("GET", self._url, params=parameters) as answer:
                for piece in answer.iter_bytes():
                    body += piece
                    if time.monotonic() > end:
                        raise RetriableError(f"{self._url} took longer than request.timeout.ms to answer")
                    if len(body) > _MOST_ANSWER_BYTES:
                        raise TaskError(f"{self._url} answered with more than {_MOST_ANSWER_BYTES} bytes")
        except httpx.HTTPError as error:
            raise RetriableError(f"{self._url} cannot be read: {type(error).__name__}: {error}") from error
        return answer, bytes(body)

    def _refuse(self, answer: httpx.Response, body: bytes) -> None:
        status = answer.status_code
        if status == 200:
            return
        if status in (401, 403):
            why = "it does not know the key in stripe.api.key"
            if status == 403:
                why = "the key in stripe.api.key has not the right to read events"
            raise RefusedError(f"{self._url} answered {status}: {why} ({_reason(body)})", key="stripe.api.key")
        if 300 <= status < 400:
            where = answer.headers.get("location", "elsewhere")
            raise TaskError(f"{self._url} answered {status}, and sends us to {where}: is stripe.api.url right?")
        if status in (408, 409, 429) or status >= 500:
            raise RetriableError(f"{self._url} answered {status}", after=_pause(answer.headers.get("retry-after")))
        raise TaskError(f"{self._url} answered {status}: {_reason(body)}")

    def _parsed(self, body: bytes) -> Page:
        try:
            answer = json.loads(body)
            events, more = answer["data"], answer["has_more"]
        except json.JSONDecodeError as error:
            if body.lstrip().startswith(b"{"):
                raise RetriableError(f"{self._url} answered with a list that breaks off: {error}") from error
            events = more = None
        except (ValueError, TypeError, KeyError, RecursionError):
            events = more = None
        if not isinstance(events, list) or not isinstance(more, bool):
            raise TaskError(f"{self._url} does not answer with a list of events: is stripe.api.url right?")
        return Page([_event(body) for body in events], more and bool(events))


def _event(body: Any) -> Event:
    fields = body if isinstance(body, dict) else {}
    match fields:
        case {"id": str(id), "created": int(created), "type": str(type)} if id and not isinstance(created, bool):
            if created <= LAST_SECOND:
                return Event(id, created, type, fields)
    raise TaskError(f"Event {fields.get('id')!r} is malformed: it lacks a proper id, created or type")


def _reason(body: bytes) -> str:
    try:
        said = " ".join(str(json.loads(body)["error"]["message"])[:500].split())
    except (ValueError, TypeError, KeyError, RecursionError):
        return "no reason given"
    return "".join(each if each.isprintable() else "?" for each in said)


def _pause(value: str | None) -> float | None:
    """Retry-After, as seconds or as a date (RFC 9110 section 10.2.3); None if it is neither."""
    try:
        seconds = float(value or "")
    except ValueError:
        until = _date(value)
        seconds = -1.0 if until is None else max(0.0, until - time.time())
    return min(seconds, _LONGEST_PAUSE_SECONDS) if seconds >= 0 else None


def _date(value: str | None) -> float | None:
    try:
        return parsedate_to_datetime(value or "").timestamp()
    except (ValueError, OverflowError, OSError):  # the latter two of a zone or a year that no calendar has
        return None
