"""What a sink task will do with its values, step by step: columns or rows, and why. Pure; made when the task starts.

A step works on columns when the step before it gives columns and the step itself takes them; from the first one that
does not, all is rows. A batch whose schema has no columnar form goes by rows from the start, whatever the plan says.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ferryman.api import Sink
from ferryman.chain.chain import Chain


@dataclass(frozen=True, slots=True)
class Planned:
    """One step. ``reason`` says why rows; it is empty for columns."""

    name: str
    form: Literal["columns", "rows"]
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.form}" + (f" ({self.reason})" if self.reason else "")


def plan(chain: Chain, sink: type[Sink[Any]]) -> Sequence[Planned]:
    """The steps from decoding to put."""
    planned: list[Planned] = []
    for name, reason in _steps(chain, sink):
        before = planned[-1] if planned else None
        if before is not None and before.form == "rows":
            planned.append(Planned(name, "rows", f"{before.name} gives rows"))
        else:
            planned.append(Planned(name, "rows" if reason else "columns", reason or ""))
    return planned


def _steps(chain: Chain, sink: type[Sink[Any]]) -> Iterator[tuple[str, str | None]]:
    yield f"decode by {type(chain.value).__name__}", chain.value.rows_reason()
    for step in chain.steps:
        yield f"transform {step.alias} by {type(step.transform).__name__}", step.transform.rows_reason()
    yield f"put by {sink.__name__}", None if sink.columnar else f"{sink.__name__} takes rows"
