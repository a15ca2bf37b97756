"""The two ways in which the rows of a poll get into their tables: in bulk, or row by row without those that are
refused."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import Connection

from ferryman.connectors.sql.config.sink_config import SqlSinkConfig
from ferryman.connectors.sql.database.loads import Part, in_pieces, loads_by_shape, loads_in_poll_order, stretches
from ferryman.connectors.sql.database.retried_rows import retried
from ferryman.connectors.sql.database.session import Session
from ferryman.connectors.sql.dialects.dialect import Apply, Load, Refused, Writer
from ferryman.errors import DataError

STRETCH_ROWS = 64
"""Rows that are tried together row by row."""


@dataclass(slots=True)
class InBulk:
    """In as few statements as can be: what the database has against one row, it has against all."""

    writer: Writer
    config: SqlSinkConfig
    staged: Sequence[Load] = ()
    """What was brought to the database last."""
    _steps: Sequence[Apply] = ()

    def loads(self, parts: Sequence[Part]) -> list[Load]:
        """What goes in together."""
        return list(in_pieces(loads_by_shape(parts, self.config.mode), self.config.batch_size))

    def prepare(self, loads: Sequence[Load]) -> None:
        """See ``Writer``."""
        self.writer.prepare(loads, row_by_row=False)

    def stage(self, connection: Connection, loads: Sequence[Load]) -> None:
        """Brings the rows to the database."""
        self.staged, self._steps = loads, self.writer.stage(connection, loads)

    def write(self, connection: Connection) -> None:
        """Puts all of them into their tables."""
        self.writer.write(connection, self.staged, self._steps)


@dataclass(slots=True)
class RowByRow:
    """In the order of the poll, and without the rows that the database refuses."""

    writer: Writer
    config: SqlSinkConfig
    session: Session
    check_constraints_now: bool = False
    """Whether the database is to check with each statement what it would check at the commit."""
    staged: Sequence[Load] = ()
    """What was brought to the database last."""
    _steps: Sequence[Apply] = ()
    _places: Sequence[int] = ()
    """The place of each ``seq`` in the poll."""
    _refused: list[Refused] = field(default_factory=list)

    def loads(self, parts: Sequence[Part]) -> list[Load]:
        """What goes in together."""
        loads, self._places = loads_in_poll_order(parts)
        return list(in_pieces(loads, None))

    def prepare(self, loads: Sequence[Load]) -> None:
        """See ``Writer``."""
        self.writer.prepare(loads, row_by_row=True)

    def stage(self, connection: Connection, loads: Sequence[Load]) -> None:
        """Brings the rows to the database, without those whose values it cannot read."""
        self._steps, unfit = self.writer.sift(connection, loads)
        self.staged, self._refused = loads, list(unfit)

    def write(self, connection: Connection) -> None:
        """Puts those into their tables that are not refused for another reason."""
        if self.check_constraints_now:
            self.session.check_deferred_constraints(connection)
        most = STRETCH_ROWS if self.config.batch_size is None else min(STRETCH_ROWS, max(1, self.config.batch_size))
        refused = self.writer.write_each(connection, stretches(self.staged, self._steps, most))
        if self.check_constraints_now:
            write_each = partial(self.writer.write_each, connection)
            refused = retried(self.staged, self._steps, self.config.mode, refused, write_each)
        self._refused += refused

    def refused(self) -> list[tuple[int, DataError]]:
        """The places in the poll of the rows that were left out, and why, in their order."""
        return [(self._places[each.seq], each.error) for each in sorted(self._refused, key=lambda each: each.seq)]
