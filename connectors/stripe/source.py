"""Follows the events of a Stripe account (or of a server of the same API) into Kafka, exactly once."""

import json
import logging
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Annotated, Literal
from urllib.parse import urlsplit

import httpx
from pydantic import AfterValidator

from ferryman.api import Examination, Finding, Offset, Part, Partition, Source, SourceContext, Span
from ferryman.config import Int, Password, Shown, Str, Strings, any_case, key, trim
from ferryman.connector import SourceConfig
from ferryman.connectors.stripe.effects import first_requests
from ferryman.connectors.stripe.event_follower import Follower
from ferryman.connectors.stripe.events_api import MOST_TYPES, CursorGone, Event, EventsApi, Page, Period
from ferryman.connectors.stripe.examination import findings
from ferryman.connectors.stripe.payment_processed import SCHEMA, STATUSES, payment_id, payment_processed
from ferryman.connectors.stripe.position import Position
from ferryman.effects import Effect
from ferryman.errors import ConfigError, DataError, KeyProblem, TaskError
from ferryman.kafka.refusals import problem_of_name
from ferryman.record import Header, Record
from ferryman.runs import topics
from ferryman.runs.harm import Target
from ferryman.schema import STRING

PLACEHOLDER = "${type}"
_KEPT_DAYS = 30
_STRIPES = "api.stripe.com"

log = logging.getLogger(__name__)


def _start(value: str) -> str:
    if value.lower() in ("earliest", "latest"):
        return value.lower()
    try:
        datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("Must be earliest, latest or a time as 2026-01-31T12:00:00Z") from None
    return value


def _patterns(values: list[str]) -> list[str]:
    for value in values:
        if not re.fullmatch(r"[A-Za-z0-9_.*]+", value):
            raise ValueError(f"{value!r} is no event type; write payment_intent.succeeded or payment_intent.*")
    return values


def _version(value: str) -> str:
    if value and not re.fullmatch(r"\d{4}-\d{2}-\d{2}(\.\w+)?", value):
        raise ValueError("Must be a version of Stripe's API, such as 2024-06-20")
    return value


class StripeSourceConfig(SourceConfig):
    """The keys of the Stripe source."""

    stripe_api_key: Password = key(importance="HIGH", shown=Shown("Stripe"))
    """The secret or restricted key of the account; it needs the right to read events."""
    stripe_api_url: Str = key("https://api.stripe.com", shown=Shown("Stripe"))
    """The server: Stripe's own, or one that speaks its API. Without a user name, path parameters or query."""
    stripe_api_version: Annotated[Str, AfterValidator(_version)] = key("", importance="LOW", shown=Shown("Stripe"))
    """The header Stripe-Version; empty for the account's own. Events keep the form that they were made in."""
    types: Annotated[Strings, AfterValidator(_patterns)] = key([], importance="HIGH", shown=Shown("Stripe"))
    """The event types to follow, with * for any letters; empty for all that the output can show."""
    start_from: Annotated[Str, AfterValidator(_start)] = key("earliest", importance="HIGH", shown=Shown("Stripe"))
    """Where to begin when nothing has been committed: earliest, latest (what is created after the start) or a time."""
    poll_interval_ms: Int = key(1000, at_least=1, shown=Shown("Stripe"))
    """Milliseconds between two requests for new events when there was nothing more."""
    events_per_poll: Int = key(1000, at_least=1, shown=Shown("Stripe"))
    """The most events in one transaction; a long backlog is committed in such pieces."""
    overlap_seconds: Int = key(60, at_least=0, shown=Shown("Stripe"))
    """How much later than a newer event an event may show up in the list without being lost, in seconds."""
    request_timeout_ms: Int = key(30000, at_least=1, importance="LOW", shown=Shown("Stripe"))
    """The longest that a request may take, in milliseconds."""
    topic: Str = key("", importance="HIGH", shown=Shown("Output"))
    """The topic to write to."""
    topic_name_format: Str = key("", shown=Shown("Output"))
    """Instead of topic: a topic for each event type, such as stripe.${type}."""
    output: Annotated[Literal["payment_processed", "raw"], any_case("payment_processed", "raw")] = key(
        "payment_processed", importance="HIGH", shown=Shown("Output")
    )
    """What a value is: payment_processed, a struct made of events about payments; or raw, any event's JSON."""

    def problems(self) -> Iterable[KeyProblem]:
        """The rules of the URL, of the topic, and between types and output."""
        yield from super().problems()
        yield from self._access_problems()
        yield from self._topic_problems()
        if self.output == "payment_processed":
            for pattern in self.types:
                if not any(fnmatchcase(known, pattern) for known in STATUSES):
                    yield KeyProblem(
                        "types",
                        f"Invalid value {pattern} for configuration types: with output=payment_processed these are "
                        f"possible: {', '.join(STATUSES)}. Use output=raw for others.",
                    )

    def _access_problems(self) -> Iterable[KeyProblem]:
        # Never with the values: either may hold a secret.
        if not re.fullmatch(r"[!-~]+", trim(self.stripe_api_key.get_secret_value())):
            yield KeyProblem("stripe.api.key", "stripe.api.key must be the account's key: letters without blanks")
        try:
            url = urlsplit(self.stripe_api_url)
            usable = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
            httpx.URL(self.stripe_api_url).raw_host.decode().encode("idna")  # as the client and the name server want it
        except (ValueError, httpx.InvalidURL):
            usable = False
        if not usable or not url.scheme or url.query or url.fragment:
            yield KeyProblem("stripe.api.url", "stripe.api.url must be an address such as https://api.stripe.com")
        elif "@" in url.netloc:
            yield KeyProblem("stripe.api.url", "stripe.api.url must not hold a user or password; see stripe.api.key")

    def _topic_problems(self) -> Iterable[KeyProblem]:
        if bool(self.topic) == bool(self.topic_name_format):
            yield KeyProblem("topic", "Must configure one of topic and topic.name.format")
        elif self.topic and problem_of_name(self.topic):
            yield KeyProblem("topic", f"Invalid value {self.topic} for configuration topic: not a topic's name")
        elif self.topic_name_format and problem_of_name(self.topic_name_format.replace(PLACEHOLDER, "t")):
            yield KeyProblem(
                "topic.name.format",
                f"Invalid value {self.topic_name_format} for configuration topic.name.format: "
                f"not a topic's name with {PLACEHOLDER}",
            )

    @property
    def written_topics(self) -> tuple[str, ...]:
        """The topic; with a format those of the types that are named in full."""
        if self.topic:
            return (self.topic,)
        exact = [each for each in self.patterns if "*" not in each]
        return tuple(self.topic_name_format.replace(PLACEHOLDER, each) for each in exact)

    @property
    def patterns(self) -> Sequence[str]:
        """The types to follow; exact names where the output knows them all."""
        if self.output == "raw":
            return self.types
        return [known for known in STATUSES if not self.types or any(fnmatchcase(known, one) for one in self.types)]

    @property
    def partition(self) -> Partition:
        """The source partition: the list of events of that server."""
        return {"url": self.stripe_api_url.rstrip("/")}


class _Stopping(Exception):
    """The task was asked to stop between two requests."""


class StripeSourceConnector(Source[StripeSourceConfig]):
    """The source and its one task. ``event_follower`` explains how it loses and doubles nothing."""

    config_class = StripeSourceConfig

    _api: EventsApi | None = None
    _follower: Follower | None = None

    def __init__(
        self, config: StripeSourceConfig, context: SourceContext, transport: httpx.BaseTransport | None = None
    ) -> None:
        super().__init__(config, context)
        self._transport = transport

    @classmethod
    def explain(cls, config: StripeSourceConfig, context: SourceContext) -> Iterable[Effect]:
        """The first poll, played with a server that has no events."""

        def poll(transport: httpx.BaseTransport) -> None:
            source = cls(config, context, transport)
            source.start()
            try:
                source.poll()
            finally:
                source.stop()

        yield from first_requests(poll)
        yield Effect("offsets", json.dumps(config.partition), json.dumps(Position(0).offset()))
        yield Effect("record", config.topic or config.topic_name_format, f"one for each event; output={config.output}")

    @classmethod
    def supports_exactly_once(cls, config: StripeSourceConfig) -> bool:
        """They do: the offset names the last event that was handed over."""
        return True

    @classmethod
    def examine(cls, config: StripeSourceConfig, examination: Examination) -> Iterable[Finding]:
        """The key, the list of events, the clock."""
        api = _api(config, examination.seconds)
        try:
            return list(findings(api, config.stripe_api_url, examination.seconds))
        finally:
            api.close()

    @classmethod
    def history(cls, config: StripeSourceConfig, raw: Mapping[str, str], wanted: Span) -> Part:
        """By the times at which events were created, as far back as the server keeps them."""
        now = int(time.time() * 1000)
        if wanted.first is not None or wanted.behind is not None:
            raise ConfigError.for_key("positions", "events have no positions: give times, by from and to")
        if wanted.begins is not None and wanted.begins >= now:
            raise ConfigError.for_key("from", "from is still to come")
        kept = now - _KEPT_DAYS * 86_400_000
        begins = kept if wanted.begins is None else wanted.begins
        part = Part(Span(begins, now if wanted.ends is None else min(now, wanted.ends)))
        if begins >= kept:
            return part
        since = datetime.fromtimestamp(kept / 1000 + 1, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        if urlsplit(config.stripe_api_url).hostname == _STRIPES:
            text = f"Stripe keeps events for {_KEPT_DAYS} days; what is older is gone. Begin at {since} or later"
            raise ConfigError.for_key("from", text)
        warning = f"Stripe keeps events for {_KEPT_DAYS} days; if this server does so too, all before {since} is gone"
        return replace(part, warnings=(warning,))

    @classmethod
    def target(cls, config: StripeSourceConfig, raw: Mapping[str, str]) -> Target:
        """The topic, or all whose names begin as those of the event types do."""
        if config.topic:
            return topics.target(raw, "topic", names=[config.topic])
        prefix = config.topic_name_format.partition(PLACEHOLDER)[0]
        return topics.target(raw, "topic.name.format", prefixes=[prefix])

    @classmethod
    def alter_offsets(
        cls, config: StripeSourceConfig, offsets: Sequence[tuple[Partition | None, Offset | None]]
    ) -> bool:
        """Refuses partitions of other servers and offsets of another shape."""
        for partition, offset in offsets:
            if partition != config.partition:
                raise ConfigError.for_key("offsets", f"This connector's only partition is {config.partition}")
            try:
                if offset is not None:
                    Position.from_offset(offset)
            except ValueError as error:
                raise ConfigError.for_key("offsets", f"The offset of {partition} cannot be used: {error}") from error
        return True

    def start(self) -> None:
        """Opens no connection yet: a gateway that is away is waited for in poll."""
        config = self.config
        self._partition, self._patterns = config.partition, config.patterns
        self._api = _api(config, config.request_timeout_ms / 1000, self._transport)
        self._asked = float("-inf")
        self._bounds = Period(0) if self.context.run is None else _seconds(self.context.run.span)

    def stop(self) -> None:
        """Closes the connection."""
        if self._api is not None:
            self._api.close()

    def poll(self) -> Sequence[Record]:
        """The next events. Waits poll.interval.ms after the last listing, unless there is more to read."""
        assert self._api is not None
        try:
            if self._follower is None:
                if not self._is_settled(self._api):
                    return []
                self._follower = self._following(self._api)
            if self._follower.caught_up:
                wait = self._asked + self.config.poll_interval_ms / 1000 - time.monotonic()
                if wait > 0 and self.context.stopping(wait):
                    return []
            self._asked = time.monotonic()
            events = self._follower.next()
        except _Stopping:
            return []
        except CursorGone:
            if self._follower is not None:
                self._follower.start_over()
            raise
        offset = self._follower.position.offset() if events else {}
        records = [record for event in events for record in self._records(event, offset)]
        self.context.crash_point("stripe.before_hand_over")
        return records

    def at_end(self) -> bool:
        """A run is, when all events of its period were handed over: no more can be created there."""
        return self._bounds.before is not None and self._follower is not None and self._follower.caught_up

    def _is_settled(self, api: EventsApi) -> bool:
        """Whether no event can show up any more in the period of a run; waits a little for it."""
        if self._bounds.before is None:
            return True
        wait = self._bounds.before + self.config.overlap_seconds - api.now()
        if wait > 0:
            self.context.stopping(min(wait, self.config.poll_interval_ms / 1000))
        return wait <= 0

    def _following(self, api: EventsApi) -> Follower:
        offset = self.context.offset(self._partition)
        try:
            position = self._beginning(api) if offset is None else Position.from_offset(offset)
        except ValueError as error:
            raise TaskError(f"The committed offset {offset} cannot be used: {error}") from error
        if offset is not None and time.time() - position.settled > _KEPT_DAYS * 86400:
            log.warning(
                "%s: the last event handed over was more than %d days ago; the gateway may have dropped some since",
                self.context.connector,
                _KEPT_DAYS,
            )
        most, overlap, run = self.config.events_per_poll, self.config.overlap_seconds, self.context.run
        if run is not None:
            most, overlap = run.most(most), 0
        return Follower(self._page, position, overlap, most, self._wants)

    def _beginning(self, api: EventsApi) -> Position:
        if self.context.run is not None:
            return Position(self._bounds.since)
        match self.config.start_from:
            case "earliest":
                return Position(0)
            case "latest":
                return Position(api.now())
            case text:
                time_given = datetime.fromisoformat(text)
                aware = time_given if time_given.tzinfo else time_given.replace(tzinfo=UTC)
                return Position(max(0, int(aware.timestamp())))

    def _page(self, period: Period, after: str | None, limit: int) -> Page:
        if self.context.stopping(0):
            raise _Stopping
        assert self._api is not None
        ends = [each.before for each in (period, self._bounds) if each.before is not None]
        before = min(ends, default=None)
        if before is not None and period.since >= before:
            return Page([], more=False)
        page = self._api.page(Period(period.since, before), after, limit)
        self.context.crash_point("stripe.after_page")
        return page

    def _wants(self, event: Event) -> bool:
        if self._bounds.before is not None and event.created >= self._bounds.before:
            return False  # of a server that does not obey created[lt]
        return not self._patterns or any(fnmatchcase(event.type, pattern) for pattern in self._patterns)

    def _records(self, event: Event, offset: Offset) -> Iterable[Record]:
        try:
            raw = self.config.output == "raw"
            value = json.dumps(event.body, separators=(",", ":")) if raw else payment_processed(event)
        except DataError as error:
            # There is no record yet, and so no dead letter: what cannot be mapped fails the task, or is left out with a
            # log line.
            if self.config.errors_tolerance == "none":
                raise TaskError(str(error)) from error
            log.error("%s: %s; left out", self.context.connector, error)
            return
        format = self.config.topic or self.config.topic_name_format
        yield Record(
            topic=format.replace(PLACEHOLDER, event.type),
            key=payment_id(event) or event.id,
            key_schema=STRING,
            value=value,
            value_schema=STRING if raw else SCHEMA,
            timestamp=event.created * 1000,
            headers=(Header("stripe.event.id", event.id, STRING), Header("stripe.event.type", event.type, STRING)),
            source_partition=self._partition,
            source_offset=offset,
        )


def _api(config: StripeSourceConfig, timeout: float, transport: httpx.BaseTransport | None = None) -> EventsApi:
    headers = {"Authorization": f"Bearer {trim(config.stripe_api_key.get_secret_value())}"}
    if config.stripe_api_version:
        headers["Stripe-Version"] = config.stripe_api_version
    patterns = config.patterns
    exact = len(patterns) <= MOST_TYPES and not any("*" in pattern for pattern in patterns)
    types = patterns if exact else ()
    return EventsApi(config.stripe_api_url, headers, types, timeout, transport)


def _seconds(span: Span) -> Period:
    """The period of a run: events are created in whole seconds."""
    return Period(-(-(span.begins or 0) // 1000), None if span.ends is None else -(-span.ends // 1000))
