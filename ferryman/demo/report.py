"""What the demo ends with: the ledger, system by system, and what was measured."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from ferryman.demo.facts.ledger import Identity, Verdict, percentile
from ferryman.demo.facts.targets import Target

_SHOWN = 5
_DEFECTS = ("lost", "doubled", "corrupt", "phantom")


@dataclass(frozen=True, slots=True)
class Kill:
    """A process that was killed."""

    what: str
    seconds: float
    """How much later everything ran again."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from the SDK's return to the row's being readable."""

    all: Sequence[float] = ()
    """The seconds of all payments."""
    calm: Sequence[float] = ()
    """The seconds of the payments after the backlog."""

    def milliseconds(self) -> dict[str, float | None]:
        """p50 and p99 of both."""
        named = {"": self.all, "calm_": self.calm}
        return {
            f"{name}p{percent}": _milliseconds(percentile(values, percent))
            for name, values in named.items()
            for percent in (50, 99)
        }


@dataclass(frozen=True, slots=True)
class Steady:
    """Seconds from a record's production to the commit of its row, at a steady rate."""

    rate: int
    """Events a second."""
    rows: int
    """How many were measured."""
    p50: float
    p99: float
    highest: float


@dataclass(frozen=True)
class Outcome:
    """Everything there is to say at the end."""

    verdicts: Sequence[Verdict]
    seconds: float
    """From the command to the ledger."""
    events: int
    events_per_second: float
    """Invented events, from the posting of the configs to the last row, kills included."""
    payments: int
    latency: Latency
    kills: Sequence[Kill] = ()
    problem: str | None = None
    """Why not everything arrived in time."""
    steady: Steady | None = None
    """What was measured at a steady rate."""
    targets: Sequence[Target] = ()
    """What was to be reached, as far as this run has measured it. They decide nothing about ``clean``."""
    kept: Mapping[str, str] = field(default_factory=dict)
    """With --keep: where everything is."""

    @property
    def clean(self) -> bool:
        """Whether nothing is lost, doubled, changed or misplaced."""
        return self.problem is None and bool(self.verdicts) and all(verdict.clean for verdict in self.verdicts)


def as_json(outcome: Outcome) -> dict[str, Any]:
    """The outcome as one object. Defects are counted, and the first of each kind shown."""
    return {
        "clean": outcome.clean,
        "problem": outcome.problem,
        "systems": [_system(verdict) for verdict in outcome.verdicts],
        "targets": [_target(target) for target in outcome.targets],
        "payments": outcome.payments,
        "events": outcome.events,
        "events_per_second": round(outcome.events_per_second),
        "latency_ms": outcome.latency.milliseconds(),
        "steady": None if outcome.steady is None else _steady(outcome.steady),
        "kills": [{"what": kill.what, "back_after_seconds": round(kill.seconds, 2)} for kill in outcome.kills],
        "seconds": round(outcome.seconds, 1),
        "kept": dict(outcome.kept),
    }


def _steady(steady: Steady) -> dict[str, Any]:
    milliseconds = {name: _milliseconds(getattr(steady, name)) for name in ("p50", "p99", "highest")}
    return {"rate": steady.rate, "rows": steady.rows, **milliseconds}


def _target(target: Target) -> dict[str, Any]:
    return {
        "name": target.name,
        "sign": target.sign,
        "target": target.goal,
        "figure": round(target.figure, 6),
        "unit": target.unit,
        "verdict": target.word,
        "measured": target.how,
    }


def _system(verdict: Verdict) -> dict[str, Any]:
    counts = {defect: len(getattr(verdict, defect)) for defect in _DEFECTS}
    examples = {defect: [_shown(each) for each in _first(verdict, defect)] for defect in _DEFECTS if counts[defect]}
    totals = {"system": verdict.system, "clean": verdict.clean, "expected": verdict.expected, "found": verdict.found}
    return {**totals, **counts, **({"examples": examples} if examples else {})}


def render(outcome: Outcome, console: Console) -> None:
    """Prints the outcome as tables, for people; machines read the JSON."""
    table = Table("system", "expected", "found", *_DEFECTS, "verdict")
    for column in table.columns[1:7]:
        column.justify = "right"
    for verdict in outcome.verdicts:
        counts = (verdict.expected, verdict.found, *(len(getattr(verdict, defect)) for defect in _DEFECTS))
        word = "[green]clean[/]" if verdict.clean else "[red]NOT CLEAN[/]"
        table.add_row(verdict.system, *(f"{count:,}" for count in counts), word)
    console.print(table)
    if outcome.targets:
        console.print(_targets(outcome.targets))
    for line in _lines(outcome):
        console.print(line, highlight=False, soft_wrap=True, markup=False)


def _targets(targets: Sequence[Target]) -> Table:
    table = Table("target", "", "figure", "verdict", "measured")
    table.columns[2].justify = "right"
    for target in targets:
        wanted = f"{target.sign} {target.goal:,} {target.unit}"
        word = {"met": "[green]met[/]", "missed": "[yellow]missed[/]"}.get(target.word, target.word)
        table.add_row(target.name, wanted, _figure(target.figure), word, target.how)
    return table


def _figure(figure: float) -> str:
    """Three digits at least, and no more behind the point than that takes."""
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"


def _lines(outcome: Outcome) -> Iterable[str]:
    for verdict in outcome.verdicts:
        yield from (
            f"{verdict.system}, {defect}: {', '.join(map(_shown, found))}"
            for defect in _DEFECTS
            if (found := _first(verdict, defect))
        )
    yield from (f"killed {kill.what}: all running again after {kill.seconds:.1f} s" for kill in outcome.kills)
    p = {
        name: "none" if value is None else f"{value:,.0f} ms" for name, value in outcome.latency.milliseconds().items()
    }
    yield f"{outcome.payments:,} payments, from the SDK's return to the row being readable:"
    yield f"  p50 {p['p50']}, p99 {p['p99']}, kills and backlog included"
    yield f"  p50 {p['calm_p50']}, p99 {p['calm_p99']} once the backlog was through"
    if outcome.steady:
        ms = _steady(outcome.steady)
        yield f"{ms['rows']:,} rows at {ms['rate']:,} events a second, from a record's production to its row's commit:"
        yield f"  p50 {ms['p50']:,.0f} ms, p99 {ms['p99']:,.0f} ms, at most {ms['highest']:,.0f} ms"
    rate = f"{outcome.events_per_second:,.0f} a second, from the first config to the last row"
    yield f"{outcome.events:,} events from Datagen into the warehouse: {rate}"
    yield from (f"kept: {name} at {where}" for name, where in outcome.kept.items())
    if outcome.kept:
        yield "`ferryman stack down` ends everything"
    if outcome.problem:
        yield outcome.problem
    yield f"{_word(outcome)}; {outcome.seconds:.0f} s in all"


def _word(outcome: Outcome) -> str:
    if not outcome.clean:
        return "THE LEDGER IS NOT CLEAN"
    allowed = sum(len(verdict.doubled) for verdict in outcome.verdicts)
    return "nothing lost, nothing doubled" + (f" but for {allowed} where at least once is promised" if allowed else "")


def _first(verdict: Verdict, defect: str) -> list[Identity]:
    return list(getattr(verdict, defect)[:_SHOWN])


def _shown(identity: Identity) -> str:
    return "/".join(map(str, identity)) if isinstance(identity, tuple) else str(identity)


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
