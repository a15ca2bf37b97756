"""Columns or rows, step by step, and why. Everything that decides it is here; the chain and the converters obey. Pure.

Each part of a task says only what it can do by itself: a converter from which number of records on a frame pays, a
transform and a converter why they need rows (``rows_reason``), a sink or a source whether it is ``columnar``, a format
why a schema has no columns. The plan puts it together in two steps: once when the task starts, from the config alone;
then for each piece that is decoded, from its schema and its size.

What no plan can know shows only in the data: a reader that meets a value of another kind, a transform that meets a
default it cannot express. These go by rows and are counted (see ``ferryman.chain.forms``).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from ferryman.api import Sink, Source, Transform
from ferryman.config import Config
from ferryman.conversion import Converter

Form = Literal["columns", "rows"]


class Part(NamedTuple):
    """A step before it is planned."""

    name: str
    """What the log and ``ferryman explain`` call it."""
    reason: str | None
    """Why it works on rows only; None if it takes columns, or gives them, too."""


class Planned(NamedTuple):
    """A step and the form in which it gets its batches."""

    name: str
    """What the log and ``ferryman explain`` call it."""
    form: Form
    """The form of its batches; for the first step, the form that it gives."""
    reason: str = ""
    """Why rows; empty for columns."""

    def __str__(self) -> str:
        return f"{self.name}: {self.form}" + (f" ({self.reason})" if self.reason else "")


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of a task in order: decode or poll, the transforms, put or encode.

    From the first step that needs rows on, all is rows.
    """

    steps: tuple[Planned, ...]
    fewest: int = 1
    """So many records of one schema are enough for columns; of fewer, a frame costs more than it saves."""

    def for_piece(self, count: int, reason: str | None) -> "Plan":
        """The form of ``count`` decoded records of one schema; ``reason`` says why it has no columns, if so."""
        if self.steps[0].form == "rows":
            return self
        if reason is None and count < self.fewest:
            reason = f"fewer than {self.fewest} records of one schema"
        return self if reason is None else _by_rows(self, reason)

    def form(self, step: int, given: Form) -> Form:
        """The form in which a step gets a batch that the step before it gave in the form ``given``."""
        return "rows" if given == "rows" else self.steps[step].form


def sink_plan(converter: Converter[Any], steps: Sequence[tuple[str, Transform[Config]]], sink: type[Sink[Any]]) -> Plan:
    """The plan of a sink's task for one side; ``steps`` are its transforms under their aliases."""
    takes = sink.takes_maps if converter.gives_maps() else sink.columnar
    last = Part(f"put by {sink.__name__}", None if takes else f"{sink.__name__} takes rows")
    return Plan(
        _planned(_decoded(converter, [*_transforms(steps, converter.gives_maps()), last])), converter.fewest_for_columns
    )


def source_plan(
    converter: Converter[Any], steps: Sequence[tuple[str, Transform[Config]]], source: type[Source[Any]]
) -> Plan:
    """The plan of a source's task for one side."""
    first = Part(f"poll by {source.__name__}", None if source.columnar else f"{source.__name__} gives rows")
    last = Part(f"encode by {type(converter).__name__}", converter.rows_reason())
    return Plan(_planned([first, *_transforms(steps, maps=False), last]))


def open_plan(converter: Converter[Any], steps: Sequence[tuple[str, Transform[Config]]] = ()) -> Plan:
    """The plan of a chain without a connector: what the last step gives is handed out in its form."""
    return Plan(
        _planned(_decoded(converter, list(_transforms(steps, converter.gives_maps())))), converter.fewest_for_columns
    )


def _decoded(converter: Converter[Any], following: Sequence[Part]) -> Sequence[Part]:
    """The decoding and what follows. Maps are made from rows, so they would cost more if rows are wanted."""
    reason = converter.rows_reason()
    if reason is None and converter.gives_maps():
        wanting = next((part.reason for part in following if part.reason), None)
        reason = wanting and f"without a schema columns are worth it only if every step takes them: {wanting}"
    return [Part(f"decode by {type(converter).__name__}", reason), *following]


def _transforms(steps: Sequence[tuple[str, Transform[Config]]], maps: bool) -> Iterator[Part]:
    for alias, transform in steps:
        name = type(transform).__name__
        reason = transform.rows_reason()
        if reason is None and maps and not transform.takes_maps:
            reason = f"{name} takes columns with a schema only"
        yield Part(f"transform {alias} by {name}", reason)


def _planned(parts: Sequence[Part]) -> tuple[Planned, ...]:
    planned: list[Planned] = []
    for part in parts:
        before = planned[-1] if planned else None
        if before is not None and before.form == "rows":
            planned.append(Planned(part.name, "rows", f"{before.name} gives rows"))
        else:
            planned.append(Planned(part.name, "rows" if part.reason else "columns", part.reason or ""))
    return tuple(planned)


@lru_cache(maxsize=1000)
def _by_rows(plan: Plan, reason: str) -> Plan:
    first, *others = plan.steps
    parts = [Part(first.name, reason), *(Part(each.name, each.reason or None) for each in others)]
    return Plan(_planned(parts), plan.fewest)
