"""How far a connector is that writes to the same database, from its rows in the table of offsets."""

from collections.abc import Mapping
from dataclasses import dataclass

from ferryman.connectors.sql.database.offsets_table import Offsets
from ferryman.connectors.sql.database.session import Session
from ferryman.record import TopicPartition


@dataclass(frozen=True, slots=True)
class LiveOffsets:
    """See ``ferryman.api.Reached``."""

    session: Session
    """One of its own."""
    stored: Offsets

    def offsets(self) -> Mapping[TopicPartition, int]:
        """What is committed there now; it waits for no lock."""
        with self.session.transaction("read how far the live connector is") as connection:
            return self.stored.all(connection)

    def close(self) -> None:
        """Closes the connection."""
        self.session.close()
