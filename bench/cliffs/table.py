"""The table: a row for each kind of records, Ferryman beside Kafka Connect, and whether the aims are met."""

import math
from collections.abc import Iterator, Mapping, Sequence

from bench import report
from bench.cliffs.contenders import OURS, TUNED
from bench.cliffs.measure import Cell
from bench.cliffs.rows import Lot, Sink

Cells = Mapping[str, Cell]
"""By who ran."""
FASTER = 2.0
"""How many times the peer's rate, the tuned one's where there is one, a row is to have at least."""
CHEAPER = 0.25
"""What part of its CPU seconds a row may take."""
OF_BEST = 1 / 3
"""What part of the best rate a row is to have whose records differ in their form only."""
AIMS = (
    f"Aims: {FASTER:g} times the (tuned) peer's rate at {CHEAPER:g} of its CPU; where only the form of the records "
    "differs, a third of our own best rate."
)
NONE = "—"


def table(sink: Sink, lots: Sequence[Lot], cells: Sequence[Cells], who: Sequence[str]) -> str:
    """A sink's rows, those that have run, as Markdown."""
    best = max((_rate(found) for lot, found in zip(lots, cells, strict=True) if _comparable(lot)), default=math.nan)
    rows = [
        [*_left(lot), *_ours(lot, found[OURS], best), *_peers(lot, found, who), _verdict(lot, found, best)]
        for lot, found in zip(lots, cells, strict=True)
    ]
    head = ["row", "records", "Ferryman", "±", "CPU s/million", "±", "of our best"]
    for name in who:
        head += [name, "CPU s/million"]
    head += ["rate to peer", "CPU to peer"] if who else []
    return f"{sink}, records/s:\n{report.table([*head, 'aims'], rows)}"


def _comparable(lot: Lot) -> bool:
    return not lot.row.note_bytes


def _rate(found: Cells) -> float:
    return -math.inf if math.isnan(found[OURS].rate) else found[OURS].rate


def _left(lot: Lot) -> list[str]:
    return [lot.row.name, f"{lot.records:,}"]


def _ours(lot: Lot, cell: Cell, best: float) -> list[str]:
    rate, cpu = cell.noise
    of_best = cell.rate / best if _comparable(lot) else math.nan
    return [*_figures(lot, cell)[:1], _percent(rate), _figures(lot, cell)[1], _percent(cpu), _percent(of_best)]


def _figures(lot: Lot, cell: Cell) -> list[str]:
    """Rate and CPU seconds; large records count in MB."""
    if not cell.runs:
        return ["failed" if cell.failure else NONE, NONE]
    about = "~" if cell.whole else ""
    if size := lot.row.note_bytes:
        return [f"{about}{cell.rate * size / 1e6:,.0f} MB/s", f"{about}{cell.cpu / size * 1e3:.1f}/GB"]
    return [f"{about}{cell.rate:,.0f}", f"{about}{cell.cpu:.1f}"]


def _percent(value: float) -> str:
    return NONE if math.isnan(value) else f"{value:.0%}"


def _peers(lot: Lot, found: Cells, who: Sequence[str]) -> Iterator[str]:
    for name in who:
        yield from _figures(lot, found.get(name, Cell()))
    if who:
        rate, cpu = _to_peer(found)
        yield NONE if math.isnan(rate) else f"{rate:.1f}"
        yield NONE if math.isnan(cpu) else f"{cpu:.2f}"


def _to_peer(found: Cells) -> tuple[float, float]:
    """Our rate and our CPU seconds, as parts of the peer's; of the tuned peer's where it ran."""
    others = [cell for name, cell in found.items() if name != OURS and cell.runs]
    tuned = found.get(TUNED)
    other = tuned if tuned is not None and tuned.runs else others[0] if others else Cell()
    return found[OURS].rate / other.rate, found[OURS].cpu / other.cpu


def _verdict(lot: Lot, found: Cells, best: float) -> str:
    rate, cpu = _to_peer(found)
    missed = [
        *(["rate"] if rate < FASTER else []),
        *(["CPU"] if cpu > CHEAPER else []),
        *(["our best"] if lot.row.near and found[OURS].rate < best * OF_BEST else []),
    ]
    if not found[OURS].runs:
        return "FAILED"
    if missed:
        return f"MISSED: {', '.join(missed)}"
    return NONE if math.isnan(rate) and not lot.row.near else "met"


def remarks(sink: Sink, lots: Sequence[Lot], cells: Sequence[Cells]) -> Iterator[str]:
    """Rows in which runs left different things, and why runs failed."""
    for lot, found in zip(lots, cells, strict=True):
        digests = {run.digest: name for name, cell in found.items() for run in cell.runs}
        if len(digests) > 1:
            each = "; ".join(f"{name} {digest}" for digest, name in digests.items())
            yield f"{sink}, {lot.row.name}: THE RUNS LEFT DIFFERENT THINGS: {each}"
        for name, cell in found.items():
            if cell.failure:
                yield f"{sink}, {lot.row.name}, {name} failed: {_cause(cell.failure)}"


def _cause(failure: str) -> str:
    """The last cause in a trace; of anything else the first line."""
    lines = [line.strip() for line in failure.strip().splitlines()]
    return next((line for line in reversed(lines) if line.startswith("Caused by")), lines[0])
