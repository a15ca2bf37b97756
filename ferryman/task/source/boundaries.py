"""Transactions that a source ends itself (transaction.boundary=connector, KIP-618): what it has asked for, and when.

Requests about a record hold behind it, wherever it stands among those that a poll hands over; requests without one hold
at the end of a poll. What a transform drops counts too.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from ferryman.errors import TaskError
from ferryman.record import Batch, Polled, Record
from ferryman.task.source.transactions import Transactions

log = logging.getLogger(__name__)

BOTH = "Connector requested both commit and abort of same transaction"
"""Kafka Connect's words (WorkerTransactionContext)."""


@dataclass
class Requests:
    """One kind of requests that are not met yet."""

    records: list[Record] = field(default_factory=list)
    """Behind each of these."""
    poll: bool = False
    """At the end of the poll."""

    def at(self, record: Record) -> bool:
        """Whether there is a request about this record, which is then met."""
        for index, wanted in enumerate(self.records):
            if wanted is record or wanted == record:
                del self.records[index]
                return True
        return False

    def at_end(self) -> bool:
        """Whether there is one about the poll, which is then met."""
        wanted, self.poll = self.poll, False
        return wanted


@dataclass
class Boundaries:
    """What one source asks for; it is the ``TransactionContext`` of the source. It commits nothing by itself."""

    transactions: Transactions
    _commits: Requests = field(default_factory=Requests)
    _aborts: Requests = field(default_factory=Requests)

    def commit(self) -> None:
        """See TransactionContext."""
        self._commits.poll = True

    def abort(self) -> None:
        """See TransactionContext."""
        self._aborts.poll = True

    def commit_after(self, record: Record) -> None:
        """See TransactionContext."""
        self._commits.records.append(record)

    def abort_after(self, record: Record) -> None:
        """See TransactionContext."""
        self._aborts.records.append(record)

    def cut(self, batches: Sequence[Batch]) -> Iterator[tuple[Sequence[Batch], str]]:
        """What was polled, cut where a transaction is to end; ``commit`` or ``abort``, or nothing for what is left.

        Raises TaskError when both are asked for behind one record.
        """
        for _, together in groupby(batches, lambda batch: id(batch.origin)):
            rest: list[Batch] = list(together)
            for position, what in self._ends(rest[0]):
                yield _parts(rest, 0, position + 1), what
                rest = _parts(rest, position + 1, None)
            yield rest, ""

    def _ends(self, batch: Batch) -> Iterator[tuple[int, str]]:
        assert not isinstance(batch.origin, Polled)
        for position, record in enumerate(batch.origin):
            if not self._commits.records and not self._aborts.records:
                return
            where = f"{record.topic}/{'null' if record.partition is None else record.partition}"
            both = f"Connector requested both commit and abort of same record against topic/partition {where}"
            what = _which(self._commits.at(record), self._aborts.at(record), both)
            if what:
                yield position, what

    def at_end(self) -> bool:
        """The poll is over: what was asked for then is done. True if something was committed.

        Raises TaskError when both are asked for, KafkaException as ``Transactions.commit``.
        """
        return self.end(_which(self._commits.at_end(), self._aborts.at_end(), BOTH))

    def end(self, what: str) -> bool:
        """Commits, or aborts, or does nothing. True if something was committed."""
        if what == "abort":
            log.info("aborting the transaction, as the connector asks")
            return self.transactions.take_back()
        return self.transactions.commit() if what == "commit" else False


def _which(commits: bool, aborts: bool, both: str) -> str:
    if commits and aborts:
        raise TaskError(both)
    return "commit" if commits else "abort" if aborts else ""


def _parts(batches: Sequence[Batch], start: int, stop: int | None) -> list[Batch]:
    """The records of each batch at positions from ``start`` up to ``stop``; batches that have none are left out."""
    places = [(batch, batch.before(start), len(batch) if stop is None else batch.before(stop)) for batch in batches]
    return [batch.slice(first, last) for batch, first, last in places if last > first]
