"""Rows written and taken back, to learn which of them the database does not take.

What converters, transforms and the types of columns say is known before; a constraint, a trigger or a type of the
database's own speaks only when it is asked. All rows are tried together, and where that fails each by itself. What is
deferred to the commit, of which there is none, is asked for before the end.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from ferryman.connectors.sql.database.loads import Part, loads_by_shape, loads_in_poll_order, stretches
from ferryman.connectors.sql.database.session import Session
from ferryman.connectors.sql.dialects.dialect import Apply, Load, Mode, Refused, Writer
from ferryman.connectors.sql.dialects.faults import Undone
from ferryman.connectors.sql.latest_only.lock_pauses import LockPauses
from ferryman.errors import DataError

STRETCH_ROWS = 64
"""Rows that are tried together where not all of them can be."""


class _TakenBack(BaseException):
    """Ends the transaction, whose changes must not stay. It is not an error, and no error handler is to see it."""


@dataclass
class TrialWrites:
    """The trials of one task."""

    session: Session
    writer: Writer
    """One on that session."""
    mode: Mode
    pauses: LockPauses

    def refused(
        self, parts: Sequence[Part], lock: Callable[[Connection], object], within: Connection | None = None
    ) -> Mapping[int, DataError]:
        """Why the database does not take rows, by their places in the poll; each is tried after those before it.

        ``lock`` is called in the transaction before anything is written to a table. ``within``: an open transaction to
        do it in, where the database lets nobody write beside that one; then it raises Undone for rows that undo all of
        it.
        """
        try:
            self._try(loads_by_shape(parts, self.mode), False, lock, within)
        except DataError:
            loads, places = loads_in_poll_order(parts)
            try:
                found = self._try(loads, True, lock, within)
            except Undone:
                if within is not None:
                    raise
                return dict(self._alone(parts, lock))
            return {places[refused.seq]: refused.error for refused in found}
        return {}

    def _alone(self, parts: Sequence[Part], lock: Callable[[Connection], object]) -> Iterator[tuple[int, DataError]]:
        """The same for rows whose errors undo all of a transaction: one in each."""
        for part in parts:
            for row, place in enumerate(part.places()):
                try:
                    self._try(loads_by_shape([part.only([row])], self.mode), False, lock, None)
                except DataError as error:
                    yield place, error

    def _try(
        self,
        loads: Sequence[Load],
        row_by_row: bool,
        lock: Callable[[Connection], object],
        within: Connection | None,
    ) -> Sequence[Refused]:
        self.writer.prepare(loads, row_by_row)
        found = list[Refused]()
        with contextlib.suppress(_TakenBack), self._place(loads, within) as connection:
            # What takes long comes first: from the lock on live waits.
            steps, unfit = (
                self.writer.sift(connection, loads) if row_by_row else (self.writer.stage(connection, loads), ())
            )
            lock(connection)
            found += [*unfit, *self._written(connection, loads, steps, row_by_row)]
            raise _TakenBack
        return found

    @contextlib.contextmanager
    def _place(self, loads: Sequence[Load], within: Connection | None) -> Iterator[Connection]:
        if within is None:
            tables = ", ".join(sorted({str(load.table) for load in loads}))
            self.pauses.rest()
            with self.pauses.locking(), self.session.transaction(f"try rows of {tables}") as connection:
                yield connection
        else:
            with self.session.savepoint(within):
                yield within

    def _written(
        self, connection: Connection, loads: Sequence[Load], steps: Sequence[Apply], row_by_row: bool
    ) -> Sequence[Refused]:
        if row_by_row:
            self.session.check_deferred_constraints(connection)
            return self.writer.write_each(connection, stretches(loads, steps, STRETCH_ROWS))
        self.writer.write(connection, loads, steps)
        self.session.check_deferred_constraints(connection)
        return ()
