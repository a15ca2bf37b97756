"""The staging tables of a connection: made when they are needed first, and kept for the transactions after that."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from sqlalchemy import Connection

from ferryman.connectors.sql.dialects.dialect import Load, TableColumn, Transactions
from ferryman.connectors.sql.dialects.names import TableName, temporary

KEPT_STAGES = 64
"""Staging tables that are kept for the next transaction; one transaction may need more."""
EXAMPLE = "ferryman_stage_1"
"""Stands for any staging table's name."""
_NAME = temporary("ferryman_stage")

Shape = tuple[TableName, tuple[TableColumn, ...]]
StageT = TypeVar("StageT")
"""What a dialect knows of a staging table."""


def shape(load: Load) -> Shape:
    """What loads of one staging table have in common."""
    return load.table, load.columns


@dataclass(slots=True)
class KeptStages(Generic[StageT]):
    """The staging tables that a writer has."""

    session: Transactions
    create: Callable[[Connection, str, Shape], StageT]
    """Makes a staging table of that name."""
    empty: Callable[[Connection, StageT], None]
    """Removes what an earlier transaction left in one."""
    drop: Callable[[Connection, StageT], None]
    """Takes one away."""
    _stages: dict[Shape, StageT] = field(default_factory=dict)
    _connection_number: int = 0
    _created: int = 0

    def of(self, load: Load) -> StageT:
        """The staging table of a load, for which ``prepare`` was called."""
        return self._stages[shape(load)]

    def prepare(self, loads: Iterable[Load]) -> None:
        """Makes those that are missing, each once per connection, and empties the others; drops the oldest if they get
        many."""
        wanted = list(dict.fromkeys(map(shape, loads)))
        if not wanted:
            return
        tables = ", ".join(sorted({str(table) for table, _ in wanted}))
        with self.session.transaction(f"stage rows for {tables}") as connection:
            # Asked here: the transaction may have opened a new connection, which has no staging tables.
            number = self.session.number
            kept = dict(self._stages) if number == self._connection_number else {}
            for each in wanted:
                if each in kept:
                    self.empty(connection, kept[each])
            created = {each: self._create(connection, each) for each in wanted if each not in kept}
            # Last: not every database takes it back if something else fails.
            for surplus in self._surplus(kept, wanted):
                self.drop(connection, kept.pop(surplus))
        self._stages, self._connection_number = {**kept, **created}, number

    @staticmethod
    def _surplus(kept: dict[Shape, StageT], wanted: list[Shape]) -> list[Shape]:
        idle = [each for each in kept if each not in wanted]
        missing = sum(each not in kept for each in wanted)
        return idle[: max(0, len(kept) + missing - KEPT_STAGES)]

    def _create(self, connection: Connection, wanted: Shape) -> StageT:
        self._created += 1
        return self.create(connection, f"{_NAME}_{self._created}", wanted)
