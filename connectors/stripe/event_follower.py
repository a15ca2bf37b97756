"""Follows a list of events forward, exactly once, though it is paged backward and fills in a little out of order.

What is assumed of the server: when an event appears in the list, no event in it was created more than ``overlap``
seconds later (so an event may be late by that much), and paging behind an event misses nothing that was listed before.

A *sweep* reads all events created at ``settled`` or later. Let ``head`` be the newest time that was listed by the end
of its first request. Whatever the sweep did not find appears after that request, so it was created at ``head`` minus
overlap or later. Hence when a sweep's finds have been handed over, ``settled`` may rise to that time; and while a part
of them is still waiting, to the oldest waiting one's time minus overlap, if that is less. Nothing is lost: an event is
either handed over or not older than ``settled``, and the next sweep finds it. Nothing is doubled: events created at
``settled`` or later are known by their ids, older ones are never asked for. Both sentences speak only of the position,
which is committed together with the events, so they hold across a kill at any moment.

A *look* in between reads only as far as the first page with something known (or, where the oldest come first, from the
last event on). It finds new events soon and cheaply and proves nothing: ``settled`` stays.

**Order.** Events come by their time, and those of one second in the order in which the list has them: ids carry no
order and only serve to know an event again. Which end of the list is the newest is learnt from the times in it;
Stripe's own begins with the newest, and that is assumed as long as a list shows nothing else.

A list too long for one poll (a *backlog*) is swept in periods that fit into a poll, oldest first, up to the
``head`` that was known when it began; no more than a period, or one second's events, is held in memory.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from time import monotonic

from ferryman.connectors.stripe.events_api import PAGE_EVENTS, Event, Page, Period
from ferryman.connectors.stripe.position import MOST_SEEN_IDS, Position
from ferryman.errors import RetriableError, TaskError

Read = Callable[[Period, str | None, int], Page]
_KEPT_SECONDS = 31 * 86400
"""Stripe keeps events for 30 days, so that anything older is mostly nothing."""
_FIRST_SPAN_SECONDS = 60
_SWEEP_PAUSE_SECONDS = 1.0
_MOST_STRIDES = 200


@dataclass(slots=True)
class Backlog:
    """A sweep in periods, since the list is too long for one poll. Times are in seconds since the epoch."""

    head: int
    """The newest time to read."""
    since: int
    """Where the next period begins."""
    span: int = _FIRST_SPAN_SECONDS
    """How many seconds it is long."""


@dataclass(slots=True)
class Pages:
    """What the pages of one period held so far."""

    found: dict[str, Event] = field(default_factory=dict)
    """Events to hand over, by id, in the order in which they were listed."""
    ids: set[str] = field(default_factory=set)
    """Every event met, to find out a server that goes in circles."""
    count: int = 0
    """How many pages there were."""
    head: int = 0
    """The newest time on the first page."""
    oldest: int = 0
    """The oldest time on any page."""
    newest: int = 0
    """The newest time on any page."""
    first: Event | None = None
    """The first event listed."""
    last: Event | None = None
    """The last event listed, behind which the next page begins."""
    met: bool = False
    """Whether an event was met that had been handed over before."""

    def take(self, page: Page) -> None:
        """Adds a page's bounds. Raises RetriableError when the server gives the same page again."""
        ids = {event.id for event in page.events}
        if ids and ids <= self.ids:
            raise RetriableError(f"The list of events goes in circles: event {page.events[0].id} was listed twice")
        self.ids |= ids
        times = [event.created for event in page.events] or [0]
        self.oldest = min(self.oldest, *times) if self.count else min(times)
        self.newest = max(self.newest, *times)
        self.count += 1
        self.head = self.head if self.count > 1 else self.newest
        if page.events:
            self.first = self.first or page.events[0]
            self.last = page.events[-1]

    def oldest_first(self, newest_first: bool) -> list[Event]:
        """What is to be handed over: by time, within a second as listed."""
        listed = list(self.found.values())
        return sorted(reversed(listed) if newest_first else listed, key=lambda event: event.created)


class Follower:
    """Hands events over, oldest first, at most ``most`` at a time.

    ``wanted`` filters by type what the server did not. When a request fails, nothing is lost of what was known before.
    """

    def __init__(
        self, read: Read, position: Position, overlap: int, most: int, wanted: Callable[[Event], bool]
    ) -> None:
        self.position = position
        self._read = read
        self._overlap = overlap
        self._most = most
        self._wanted = wanted
        self._enough = max(2, -(-most // PAGE_EVENTS))
        self._waiting: deque[Event] = deque()
        self._proven: int | None = None
        self._backlog: Backlog | None = None
        self._newest_first: bool | None = None
        self._cursor: str | None = None
        self._swept = float("-inf")
        self._listed = 0
        self._more = True

    @property
    def caught_up(self) -> bool:
        """Whether there was nothing more to read a moment ago."""
        return not (self._more or self._waiting or self._backlog)

    def next(self) -> Sequence[Event]:
        """The next events, perhaps none. Reads only when all that was read has been handed over."""
        if not self._waiting:
            if self._backlog is not None:
                self._read_period(self._backlog)
            else:
                self._look()
        return self._hand_over()

    def start_over(self) -> None:
        """Forgets all but the position."""
        self._waiting.clear()
        self._backlog = self._cursor = self._proven = None
        self._swept = float("-inf")

    def _hand_over(self) -> Sequence[Event]:
        events = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
        for event in events:
            self.position.hand_over(event.id, event.created)
        if self._proven is not None:
            oldest = self._waiting[0].created if self._waiting else self._proven
            self.position.move_settled_to(min(oldest, self._proven) - self._overlap)
        if len(self.position.seen) > MOST_SEEN_IDS:
            raise TaskError(
                f"More than {MOST_SEEN_IDS} events within overlap.seconds={self._overlap}: set a shorter overlap, "
                "or follow fewer types of events"
            )
        return events

    def _wait_for(self, pages: Pages, proven: int | None) -> None:
        if self._newest_first is None and len(pages.found) > 1:
            self._ask_order()
        self._waiting.extend(pages.oldest_first(self._newest_first is not False))
        self._proven = proven

    def _look(self) -> None:
        sweep = self._sweep_is_due()
        after = None if sweep else self._cursor
        pages, more = Pages(), False
        for page in self._pages(Period(self.position.settled), pages, after):
            if sweep:
                self._learn_order(pages)
            elif self._newest_first and pages.met:
                break
            more = page.more and pages.count >= self._enough and self._newest_first is not None
            if more:
                break
        else:
            sweep = sweep or after is None
        self._more = more
        if more and after is None:
            self._backlog = self._new_backlog(pages)
            return
        if not self._newest_first:
            self._cursor = pages.last.id if pages.last else after
        if sweep:
            self._swept = monotonic()
        self._wait_for(pages, max(self._listed, pages.head) if sweep else None)
        self._listed = max(self._listed, pages.newest)

    def _sweep_is_due(self) -> bool:
        if self._newest_first is None:
            return True
        often = len(self.position.seen) > MOST_SEEN_IDS // 2
        return monotonic() - self._swept >= max(_SWEEP_PAUSE_SECONDS, 0 if often else self._overlap / 4)

    def _learn_order(self, pages: Pages) -> None:
        if pages.first and pages.last and pages.first.created != pages.last.created:
            self._newest_first = pages.first.created > pages.last.created
            if self._newest_first:
                self._cursor = None

    def _ask_order(self) -> None:
        # All that is new was created in one second, which shows no order; older events beside it may.
        beside = Pages()
        beside.take(self._read(Period(0), None, PAGE_EVENTS))
        self._learn_order(beside)

    def _new_backlog(self, pages: Pages) -> Backlog:
        head = self._newest_from(pages.head)
        since, kept = self.position.settled, head - _KEPT_SECONDS
        if since < kept and not self._read(Period(since, kept), None, 1).events:
            since = kept
        return Backlog(head, since)

    def _newest_from(self, known: int) -> int:
        """The newest listed time, whatever the order: asked for in growing strides, then in small ones again."""
        stride = 1
        for _ in range(_MOST_STRIDES):
            page = self._read(Period(known + stride), None, 1).events
            if page:
                known, stride = page[0].created, stride * 2
            elif stride > 1:
                stride = 1
            else:
                break
        return known

    def _read_period(self, backlog: Backlog) -> None:
        period = Period(backlog.since, min(backlog.since + backlog.span, backlog.head + 1))
        span = (period.before or 0) - period.since
        pages = Pages()
        for page in self._pages(period, pages):
            if page.more and pages.count >= self._enough and span > 1:
                backlog.span = self._shorter(pages, period, span)
                return
        backlog.since += span
        backlog.span = span * 2 if len(pages.ids) * 2 <= self._most else span
        if pages.last and not self._newest_first:
            self._cursor = pages.last.id
        if backlog.since > backlog.head:
            self._backlog = None
            self._swept = monotonic()
        self._wait_for(pages, backlog.since - 1)

    def _shorter(self, pages: Pages, period: Period, span: int) -> int:
        half = span // 2
        if self._newest_first:
            return max(1, min(half, pages.oldest - period.since))
        fits = pages.newest - period.since
        return fits if 0 < fits < span else half

    def _pages(self, period: Period, pages: Pages, after: str | None = None) -> Iterator[Page]:
        while True:
            page = self._read(period, after, PAGE_EVENTS)
            pages.take(page)
            for event in page.events:
                self._meet(event, pages, period)
            yield page
            if not page.more:
                return
            after = pages.last.id if pages.last else after

    def _meet(self, event: Event, pages: Pages, period: Period) -> None:
        if event.id in self.position.seen:
            pages.met = True
        elif event.created >= period.since and self._wanted(event):
            pages.found[event.id] = event
