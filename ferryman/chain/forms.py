"""Counts, by records, the forms that batches really had, and the reasons why planned columns were given up."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from ferryman.chain.plan import Form, Plan, Planned
from ferryman.record import Data, Rows

log = logging.getLogger(__name__)


Asked = Sequence[tuple[Planned, int]]
"""Steps in a form, and for how many records."""


@dataclass
class Forms:
    """What one side (key or value) of a task's records went through. Converters ask it; the chain tells it.

    A reason is logged when it is met first: with many schemas, or data of many kinds, it would else fill the log.
    """

    plan: Plan
    counts: Counter[Planned] = field(default_factory=Counter)
    """Records by step, the form they had there, and why."""
    _asked: list[tuple[Planned, int]] = field(default_factory=list)
    """What was asked in the present attempt: records that fail together are tried again in halves, and count once."""

    def columns(self, count: int, reason: str | None) -> bool:
        """Whether ``count`` records of one schema are to become columns; ``reason`` says why the schema has none."""
        first = self.plan.for_piece(count, reason).steps[0]
        self._asked.append((first, count))
        return first.form == "columns"

    def gave_up(self, count: int, reason: str) -> None:
        """So many of the piece asked about last were to become columns, and were read by rows after all."""
        planned, asked = self._asked[-1]
        self._asked[-1] = (planned, asked - count)
        self._asked.append((Planned(planned.name, "rows", reason), count))

    def encoded_by_rows(self, count: int, reason: str) -> None:
        """Columns that were to be encoded as they are were encoded by rows after all."""
        planned = self.plan.steps[-1]
        self._asked += [(planned, -count), (Planned(planned.name, "rows", reason), count)]

    def attempt(self) -> None:
        """Records are about to be decoded or encoded; what the last attempt asked does not count if it was not kept."""
        self._asked = []

    @property
    def asked(self) -> Asked:
        """What was asked since ``attempt``."""
        return self._asked

    def keep(self, asked: Asked) -> None:
        """Counts what was asked in an attempt whose result is used."""
        for had, count in asked:
            if count:
                self._count(had, count)

    def stepped(self, step: int, given: Form, result: Data) -> None:
        """A step after the first worked on a batch: it got it in the form ``given`` and gave the result."""
        planned = self.plan.steps[step]
        if given == "columns" and not isinstance(result, Rows):
            self._count(planned, len(result))
        elif given == "columns":
            self._count(Planned(planned.name, "rows", "it returned rows for columns"), len(result))
        else:
            self._count(Planned(planned.name, "rows", planned.reason or "it was given rows"), len(result))

    def _count(self, had: Planned, count: int) -> None:
        if (
            had.form == "rows" and had not in self.counts and had not in self.plan.steps
        ):  # those are logged at the start
            log.info("plan: %s", had)
        self.counts[had] += count


def form_of(data: Data) -> Form:
    """Whether data is columns or rows."""
    return "rows" if isinstance(data, Rows) else "columns"


def in_form(data: Data, form: Form) -> Data:
    """The data in that form; rows are never made columns again."""
    return data.rows() if form == "rows" else data
