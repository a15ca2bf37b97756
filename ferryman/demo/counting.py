"""Draws up what the demo ends with: every system read to its end, and what was measured on the way."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ferryman.demo import verification
from ferryman.demo.comparison import Sent, verdicts, verified
from ferryman.demo.facts import flows
from ferryman.demo.facts.expected import Events, Payment
from ferryman.demo.facts.ledger import Verdict, percentile
from ferryman.demo.facts.targets import EVENTS_A_SECOND, Delay, Measured, Restored, Throughput, targets
from ferryman.demo.readers.topics import Coordinates
from ferryman.demo.readers.warehouse import delays, flowing_seconds, latencies
from ferryman.demo.repairs import Repaired
from ferryman.demo.report import Kill, Latency, Outcome, Steady
from ferryman.demo.running_demo import RunningDemo

TOO_FEW_EVENTS = "the events were over before everything ran steadily"
"""On a slow machine the start takes longer than few events last."""


@dataclass
class Course:
    """How a run of the demo went: what was done, and when."""

    kills: list[Kill] = field(default_factory=list)
    poison: Coordinates | None = None
    repaired: Repaired | None = None
    restored: Restored | None = None
    posted_at: float = 0.0
    """When the first config was posted, in monotonic seconds."""
    arrived_at: float = 0.0
    """When the last row of the events was there; 0 if it never was."""
    calm_since: float = float("inf")
    """When the backlog was through, in epoch seconds."""
    steady_since: float = float("inf")
    """When the backlog of the start was through, at a steady rate; in epoch seconds."""
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Counting:
    """Counts a demo in which nothing moves any more."""

    demo: RunningDemo
    made: Events
    configs: Path
    variables: Mapping[str, str]
    """The environment that the config files refer to."""
    rate: int | None
    """Events a second, where their rate was to be measured."""
    pace: int | None
    """Events a second at which the source was held."""

    def outcome(self, course: Course) -> Outcome:
        """All but how long it took. Raises DemoError or FerrymanError if a system cannot be read."""
        paid = tuple(self.demo.payer.made)
        seconds = (course.arrived_at or self.demo.glance.at) - course.posted_at
        count = len(self.made.records)
        found, steady = list(self._verdicts(paid, course)), self._steady(course)
        latency = self._latency(paid, course)
        measured = Measured(
            events=count,
            payments=len(paid),
            paying_seconds=paid[-1].returned - paid[0].returned if paid else 0.0,
            throughput=self._throughput(course),
            delay=_delay(steady, latency),
            verdicts=found,
            recoveries=[kill.seconds for kill in course.kills],
            restored=course.restored,
            keys=self.made.keys(),
        )
        return Outcome(
            verdicts=found,
            seconds=0.0,
            events=count,
            events_per_second=count / seconds if course.arrived_at else 0.0,
            payments=len(paid),
            latency=latency,
            kills=tuple(course.kills),
            problem=course.problem,
            steady=steady,
            targets=targets(measured),
        )

    def _verdicts(self, paid: Sequence[Payment], course: Course) -> Iterator[Verdict]:
        for verdict in self._read(Sent(paid, self.made, course.poison, course.repaired, course.restored is not None)):
            self.demo.view.happened(f"{verdict.system}: {'clean' if verdict.clean else 'NOT CLEAN'}")
            yield verdict

    def _read(self, sent: Sent) -> Iterator[Verdict]:
        yield from verdicts(self.demo.stack, self.demo.archive, self.demo.mailbox, sent)
        topics, login = (flows.PAYMENTS, *flows.EVENT_TOPICS), self.demo.stack.access.properties
        yield verified(verification.findings(self.configs, self.variables, login, topics), sent.poison)

    def _latency(self, paid: Sequence[Payment], course: Course) -> Latency:
        seen = self.demo.readable.seen
        return Latency(
            latencies(((payment.id, payment.returned) for payment in paid), seen),
            latencies(((each.id, each.returned) for each in paid if each.returned >= course.calm_since), seen),
        )

    def _steady(self, course: Course) -> Steady | None:
        if self.rate is None:
            return None
        steady = Steady(self.rate, *delays(self.demo.stack.addresses["postgres"], course.steady_since))
        if not steady.rows:
            self.demo.view.happened(f"{TOO_FEW_EVENTS}: nothing was measured; ask for more --events or a lower --rate")
            return None
        return steady

    def _throughput(self, course: Course) -> Throughput | None:
        if self.rate is None:
            flowing = self.demo.progress.flowing
            held = f" at {self.pace:,} events a second" if self.pace else ""
            how = f"rows into the warehouse in the {flowing.seconds:.1f} s in which all ran{held}; see --rate 11000 too"
            return Throughput(flowing.rows, flowing.seconds, how, tried=self.pace is None)
        if not course.arrived_at:
            return None
        how = "events into the warehouse, from the making of the first to the commit of the last"
        seconds = flowing_seconds(self.demo.stack.addresses["postgres"])
        return Throughput(len(self.made.records), seconds, how, tried=self.rate > EVENTS_A_SECOND)


def _delay(steady: Steady | None, latency: Latency) -> Delay | None:
    if steady is not None:
        how = f"99 % of {steady.rows:,} rows: from the record's making to the row's commit"
        return Delay(steady.p99 * 1000, how)
    found = percentile(latency.calm, 99)
    if found is None:
        return None
    how = f"99 % of {len(latency.calm):,} payments after the backlog: from the SDK's return to the row's being readable"
    return Delay(found * 1000, how)
