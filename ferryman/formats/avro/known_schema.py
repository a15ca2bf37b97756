"""A schema of the registry, ready for reading: bodies become columns where they decode together, rows elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ferryman.conversion import Forms
from ferryman.errors import DataError
from ferryman.formats.avro import columns_reader, rows_reader
from ferryman.formats.avro.schemas.schema_reader import Reading
from ferryman.formats.collected import Collected, others
from ferryman.record import Rows
from ferryman.schema import Schema


@dataclass(frozen=True, slots=True)
class Known:
    """One schema, as both ways of reading take it."""

    reading: Reading
    parsed: Any
    """The same schema, as fastavro takes it."""
    anything: bool
    """Whether its values have no schema to Connect."""
    raw: bool
    """Whether a message is the value's bytes without their length, as Confluent writes them if they are all of it."""

    def decode(self, positions: Sequence[int], bodies: Sequence[bytes], found: Collected, forms: Forms) -> None:
        """Bodies of messages, to be told by their positions. ``forms`` says whether they are to become columns, and is
        told of those that do not."""
        if not forms.columns(len(bodies), "no schema" if self.anything else self.reading.reason):
            self._by_rows(positions, bodies, range(len(bodies)), found)
            return
        columns, odd = columns_reader.decode(self.reading, bodies)
        rows = Collected()
        self._by_rows(positions, bodies, odd, rows)
        bad = {position for position, _ in rows.failures}
        if 0 < len(bad) < len(odd):
            # The good ones were odd only for their neighbours, unless they hold what only rows can have.
            good = [at for at, position in enumerate(positions) if position not in bad]
            whole = columns_reader.together(self.reading, [bodies[at] for at in good])
            if whole is not None:
                columns, odd = whole, [at for at, position in enumerate(positions) if position in bad]
                failures, rows = rows.failures, Collected()
                rows.failures = failures
        if columns is not None:
            found.add(others(positions, odd), columns)
        found.merge(rows)
        if odd:
            forms.gave_up(len(odd), "a message did not decode with the others")

    def _by_rows(
        self, positions: Sequence[int], bodies: Sequence[bytes], places: Sequence[int], found: Collected
    ) -> None:
        try:
            found.add([positions[at] for at in places], self._rows([bodies[at] for at in places]))
        except DataError:
            for at in places:
                found.attempt(positions[at], self._row, bodies[at])

    def _rows(self, bodies: Sequence[bytes]) -> Rows:
        if self.anything:
            return rows_reader.decode_anything(bodies)
        return rows_reader.decode(self.reading, self.parsed, bodies)

    def _row(self, body: bytes) -> tuple[Schema | None, Any]:
        rows = self._rows([body])
        return rows.schema, rows.values[0]
