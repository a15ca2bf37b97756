"""Which way each load of a transaction goes into its table: by a staging table, as literals, or as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from ferryman.connectors.sql.dialects import kept_stages
from ferryman.connectors.sql.dialects.dialect import Load, Mode
from ferryman.connectors.sql.dialects.kept_stages import Shape, shape
from ferryman.connectors.sql.dialects.postgresql.unstaged import arrays, direct

Way = Literal["staged", "literals", "arrays"]
MADE_ANEW_ROWS = 400
"""Rows of a load that go as literals where there are so many loads that their staging tables would be made anew for
each transaction."""


@dataclass(slots=True)
class Ways:
    """The ways of the loads of one transaction."""

    loads: Sequence[Load]
    """All of it. What is written may be parts of these, of which there may be fewer."""
    mode: Mode
    row_by_row: bool
    """Whether the database may refuse rows."""
    _staged: set[Shape] = field(default_factory=set)
    _known: dict[int, tuple[Load, Load | None]] = field(default_factory=dict)
    """What was asked for, by the identity of the load that is kept beside it."""

    def __post_init__(self) -> None:
        self._staged = {shape(load) for load in self.loads if self._best(load) == "staged"}

    def of(self, load: Load) -> Way:
        """The way of one of the loads, or of a part of one."""
        best = self._best(load)
        if shape(load) in self._staged:
            return best if len(self.loads) >= direct.MANY_LOADS else "staged"
        return "literals" if best == "staged" else best

    def one_a_key(self, load: Load) -> Load:
        """The rows of a load that are written, where its way is that of arrays."""
        found = self._one_a_key(load)
        assert found is not None
        return found

    def _one_a_key(self, load: Load) -> Load | None:
        known = self._known.get(id(load))
        if known is None:
            known = self._known[id(load)] = load, arrays.one_a_key(load, self.mode)
        return known[1]

    def _best(self, load: Load) -> Way:
        if direct.is_small(load, len(self.loads), self.mode, self.row_by_row):
            return "literals"
        if self.row_by_row or len(self.loads) <= kept_stages.KEPT_STAGES:
            return "staged"
        if arrays.suits(load, self.mode):
            return "staged" if self._one_a_key(load) is None else "arrays"
        few = load.frame.height <= MADE_ANEW_ROWS and direct.can_be_literals(load, self.mode)
        return "literals" if few and (load.deletes or self._one_a_key(load) is not None) else "staged"
