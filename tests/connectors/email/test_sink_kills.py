"""The e-mail sink under kills and outages in any order: each record's message arrives, and only listed ones twice."""

import logging
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ferryman.errors import RetriableError
from ferryman.stack import Stack
from ferryman.stack.servers.mailbox import Answer
from tests.connectors.email.email_task import World, batch, pledge, world
from tests.connectors.sink_world import Killed

MOST = 3
POINTS = ["email.before_commit", "email.after_commit", "email.before_send", "email.after_send"]
MOODS = {
    "good": (),
    "busy": (Answer("rcpt", "451 4.3.0 busy"),),
    "choosy": (Answer("rcpt", "450 4.2.1 later", address="odd@.*"),),
    "silent": (Answer("kept", "drop", address="odd@.*"),),
    "closed": (Answer("connect", "421 4.3.2 closed"), Answer("mail", "421 4.3.2 closed")),
}
events = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(1, 8)),
        st.tuples(st.just("commit"), st.just(0)),
        st.tuples(st.just("mood"), st.sampled_from(sorted(MOODS))),
        st.tuples(st.just("kill"), st.just(0)),
        st.tuples(st.just("end"), st.just(0)),
        st.tuples(st.just("die at"), st.tuples(st.sampled_from(POINTS), st.integers(1, 6))),
    ),
    max_size=16,
)


@pytest.fixture(scope="module")
def mail() -> Iterator[Stack]:
    with Stack(("mail",)) as stack:
        yield stack


def value(number: int) -> dict[str, object]:
    return pledge(number, f"{'odd' if number % 2 else 'even'}@example.org")


class Listing(logging.Handler):
    """Collects the Message-IDs that are listed as in doubt."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.at_start: list[int] = []

    def emit(self, record: logging.LogRecord) -> None:
        if "in doubt" in record.msg and isinstance(record.args, tuple):
            self.ids.add(str(record.args[0]))


@given(events)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_after_any_kills_and_outages_each_message_is_there(mail: Stack, script: list[tuple[str, object]]) -> None:
    listing, logger = Listing(), logging.getLogger("ferryman.connectors.email.outcomes")
    logger.addHandler(listing)
    try:
        with world(mail, max_in_flight=str(MOST), in_doubt_max_retries="1000") as around:
            around.begin()
            for step, what in script:
                try:
                    play(around, step, what)
                except Killed:
                    restart(around, listing)
            around.mailbox.answer()
            around.die_at = None
            if around.delivered < 30:
                around.put(*(value(number) for number in range(around.delivered, 30)), at=around.delivered)
            around.through()
            around.end()
            mails = around.mails()
            counts = Counter(kept.id for kept in mails)
            assert len({str(kept.message["Subject"]) for kept in mails}) == 30
            assert len(counts) == 30
            assert {id for id, count in counts.items() if count > 1} <= listing.ids
            # A crash before those in doubt are dealt with adds its own to them.
            assert all(now <= before + MOST for before, now in pairwise([0, *listing.at_start]))
            assert around.reported == []
    finally:
        logger.removeHandler(listing)


def restart(around: World, listing: Listing) -> None:
    """A new process; how many messages it lists."""
    around.kill()
    around.die_at = None
    before, listing.ids = listing.ids, set()
    around.begin()
    listing.at_start.append(len(listing.ids))
    listing.ids |= before


def play(around: World, step: str, what: object) -> None:
    match step, what:
        case "put", int(count) if around.delivered + count <= 30:
            start = around.delivered
            try:
                around.try_put(batch([value(number) for number in range(start, start + count)], at=start))
            except RetriableError:
                return
        case "commit", _:
            around.commit()
        case "mood", str(mood):
            around.mailbox.answer(*MOODS[mood])
        case "kill", _:
            raise Killed
        case "end", _:
            around.end()
            around.begin()
        case "die at", (str(point), int(times)):
            around.die_at = point, times
