"""How a source has its say in transactions."""

from typing import Protocol

from ferryman.record import Record


class TransactionContext(Protocol):
    """How a source ends transactions itself (KIP-618). A transaction goes on over polls until it is ended here; what is
    open when the task ends is aborted. Asked for both at once, the task fails."""

    def commit(self) -> None:
        """Commits the transaction at the end of this poll."""

    def commit_after(self, record: Record) -> None:
        """Commits it behind a record that this poll or a later one returns, also if a transform drops it."""

    def abort(self) -> None:
        """Takes back what the transaction holds at the end of this poll. Its offsets are committed nevertheless: the
        records do not come again."""

    def abort_after(self, record: Record) -> None:
        """The same behind a record."""
