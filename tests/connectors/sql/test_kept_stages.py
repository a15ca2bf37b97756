"""Staging tables of a connection, from one transaction to the next."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import polars as pl
import pytest

from ferryman.connectors.sql.dialects import kept_stages
from ferryman.connectors.sql.dialects.dialect import Load
from ferryman.connectors.sql.dialects.faults import StaleTable
from ferryman.connectors.sql.dialects.kept_stages import KeptStages
from ferryman.connectors.sql.dialects.names import TableName


class Session:
    """A session with a database, and what is done to staging tables in it, each known by the table that it is for."""

    def __init__(self) -> None:
        self.number, self.doing, self.fails = 1, "", False
        self.done: list[tuple[str, str]] = []
        self.stages = KeptStages[str](self, self.create, self.note("empty"), self.note("drop"))  # type: ignore[arg-type]

    @contextmanager
    def transaction(self, doing: str) -> Iterator[Any]:
        yield None
        if self.fails:
            raise ConnectionError

    def create(self, connection: Any, name: str, shape: kept_stages.Shape) -> str:
        table = str(shape[0])
        if table == "stale":
            raise StaleTable("A column is gone")
        self.done.append(("create", table))
        return table

    def note(self, what: str) -> Any:
        return lambda connection, stage: self.done.append((what, stage))

    def prepare(self, *tables: str) -> list[tuple[str, str]]:
        """What is done ahead of a transaction for these tables."""
        self.done.clear()
        self.stages.prepare(load(table) for table in tables)
        return list(self.done)


def load(table: str) -> Load:
    return Load(TableName(None, table), (), pl.DataFrame())


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setattr(kept_stages, "KEPT_STAGES", 2)
    return Session()


def test_one_that_is_there_is_emptied_and_not_made_again(session: Session) -> None:
    assert session.prepare("a", "a") == [("create", "a")]
    assert session.prepare("b", "a") == [("empty", "a"), ("create", "b")]
    assert session.stages.of(load("a")) == "a"


def test_of_more_than_are_kept_the_oldest_goes_that_is_not_needed_now(session: Session) -> None:
    session.prepare("a", "b")
    assert session.prepare("a", "c") == [("empty", "a"), ("create", "c"), ("drop", "b")]
    assert session.prepare("b", "d", "e") == [
        *(("create", "b"), ("create", "d"), ("create", "e")),
        *(("drop", "a"), ("drop", "c")),
    ], "a transaction may need more"


def test_a_new_connection_has_none(session: Session) -> None:
    session.prepare("a")
    session.number = 2
    assert session.prepare("a") == [("create", "a")]


def test_what_is_made_or_dropped_in_a_transaction_that_fails_counts_for_nothing(session: Session) -> None:
    session.prepare("a", "b")
    session.fails = True
    with pytest.raises(ConnectionError):
        session.prepare("c")
    session.fails = False
    assert session.prepare("a", "b") == [("empty", "a"), ("empty", "b")]


def test_none_is_dropped_where_another_cannot_be_made(session: Session) -> None:
    session.prepare("a", "b")
    with pytest.raises(StaleTable):
        session.prepare("stale")
    assert ("drop", "a") not in session.done
