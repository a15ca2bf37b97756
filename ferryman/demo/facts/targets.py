"""What the demo is to reach, and what it has measured of it. Pure: figures go in, lines of the ledger come out.

What was not measured has no line. A figure that the run could not have reached, since it held events back or had too
little to do, is shown as it is and counts as not tried.
"""

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ferryman.demo.facts.ledger import Verdict

Sign = Literal["<", ">", "≥"]
_REACHED: Mapping[Sign, Callable[[float, float], bool]] = {"<": operator.lt, ">": operator.gt, "≥": operator.ge}

PAYMENTS_AN_HOUR = 10_000
EVENTS_A_SECOND = 10_000
LATENCY_MS = 100
FAILED_PERCENT = 0.01
RECOVERY_SECONDS = 5 * 60
RESTORE_SECONDS = 60 * 60
KEYS = 1_000_000
KEYS_BY = "--events 3200000"
"""The option with which so many keys come together."""
ENOUGH_EVENTS = 10 * EVENTS_A_SECOND
"""Fewer are through before they flow, and the poison alone is too large a share of them."""
DEAD_LETTERS = "dead letters: "
"""How the systems begin whose records are failures."""


@dataclass(frozen=True, slots=True)
class Target:
    """One target and its figure."""

    name: str
    sign: Sign
    goal: float
    figure: float
    unit: str
    """The unit of goal and figure."""
    how: str
    """How it was measured, and on what."""
    tried: bool = True
    """Whether this run could have reached it."""

    @property
    def met(self) -> bool:
        return _REACHED[self.sign](self.figure, self.goal)

    @property
    def word(self) -> str:
        """Whether the target was reached, in a word for people."""
        return "met" if self.met else "missed" if self.tried else "not tried"


@dataclass(frozen=True, slots=True)
class Throughput:
    """Records that went into the warehouse."""

    records: int
    seconds: float
    how: str
    tried: bool = True


@dataclass(frozen=True, slots=True)
class Delay:
    """How late rows were."""

    milliseconds: float
    how: str


@dataclass(frozen=True, slots=True)
class Restored:
    """An archive put back into topics."""

    records: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run has measured; None or nothing of what it has not."""

    events: int = 0
    """Invented ones."""
    payments: int = 0
    paying_seconds: float = 0.0
    """From the first payment to the last."""
    throughput: Throughput | None = None
    delay: Delay | None = None
    verdicts: Sequence[Verdict] = ()
    recoveries: Sequence[float] = ()
    """Seconds from each kill until everything ran again."""
    restored: Restored | None = None
    keys: int = 0
    """Different keys of records, topic by topic."""


def targets(measured: Measured) -> list[Target]:
    """The lines of the ledger, of all that was measured."""
    return [*_speed(measured), *_failures(measured.verdicts, measured.events), *_returns(measured), *_size(measured)]


def _speed(measured: Measured) -> Iterator[Target]:
    if measured.payments > 1 and measured.paying_seconds > 0:
        rate = measured.payments / measured.paying_seconds * 3600
        how = f"{measured.payments:,} payments in {measured.paying_seconds:,.0f} s, each through every flow"
        yield Target("payments", "≥", PAYMENTS_AN_HOUR, rate, "an hour", how)
    if (flow := measured.throughput) and flow.seconds > 0:
        figure = flow.records / flow.seconds
        tried = flow.tried and measured.events >= ENOUGH_EVENTS
        yield Target("throughput", ">", EVENTS_A_SECOND, figure, "a second", flow.how, tried)
    if measured.delay:
        yield Target("latency", "<", LATENCY_MS, measured.delay.milliseconds, "ms", measured.delay.how)


def _failures(verdicts: Sequence[Verdict], events: int) -> Iterator[Target]:
    dead = sum(each.found for each in verdicts if each.system.startswith(DEAD_LETTERS))
    lost = sum(len(each.lost) for each in verdicts)
    wanted = sum(each.expected for each in verdicts if not each.system.startswith(DEAD_LETTERS))
    if wanted:
        how = f"{lost:,} lost and {dead:,} dead letters, the poison's included, of {wanted:,} records in all systems"
        yield Target("failed", "<", FAILED_PERCENT, (lost + dead) / wanted * 100, "%", how, events >= ENOUGH_EVENTS)


def _returns(measured: Measured) -> Iterator[Target]:
    if measured.recoveries:
        how = f"the slowest of {len(measured.recoveries)} kills, from SIGKILL until everything ran again"
        yield Target("recovery", "<", RECOVERY_SECONDS, max(measured.recoveries), "s", how)
    if measured.restored:
        how = f"{measured.restored.records:,} records out of the archive into topics, compared one by one"
        yield Target("restore", "<", RESTORE_SECONDS, measured.restored.seconds, "s", how)


def _size(measured: Measured) -> Iterator[Target]:
    if measured.keys:
        how = "different keys of records" + ("" if measured.keys >= KEYS else f"; {KEYS_BY} has as many")
        yield Target("keys", "≥", KEYS, measured.keys, "keys", how, tried=measured.keys >= KEYS)
