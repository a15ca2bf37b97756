"""What the SQL sink would do with records: DDL and statements, by its own code.

The database is looked at, if it answers; where it does not, tables are taken for new ones.
"""

from collections.abc import Iterator, Sequence

from ferryman.api import BadRecords, SinkContext
from ferryman.chain.narrowing import without_records
from ferryman.connectors.sql.config.sink_config import SqlSinkConfig
from ferryman.connectors.sql.config.version_rules import write_mode
from ferryman.connectors.sql.database.loads import Part, in_pieces, loads_by_shape
from ferryman.connectors.sql.database.offsets_table import session_and_offsets
from ferryman.connectors.sql.database.rows import RowMaker
from ferryman.connectors.sql.database.session import Session
from ferryman.connectors.sql.database.structure import InDatabase, OnPaper
from ferryman.connectors.sql.database.tables import Tables
from ferryman.connectors.sql.dialects.dialect import Load, Writer
from ferryman.connectors.sql.records.values import Zones
from ferryman.effects import Effect
from ferryman.errors import FerrymanError
from ferryman.record import Batch

_NO_FILE = "there is no such file"


def effects(config: SqlSinkConfig, context: SinkContext, batches: Sequence[Batch]) -> Iterator[Effect]:
    """What would be made of the tables, and written to them. Raises what a put would, but for single records."""
    session, offsets = session_and_offsets(config, context, context.connector)
    try:
        problem = _problem(session)
        yield _about(session, problem)
        paper = OnPaper(session, None if problem else InDatabase(session))
        yield from _data(config, context, batches, session, paper)
        creation, move = offsets.statements_for_people(session, asks=problem is None)
        name = str(offsets.table)
        if creation is not None:
            yield Effect("ddl", name, creation, {"ddl": creation})
        yield Effect("offsets", name, move, {"statement": move})
    finally:
        session.close()


def _problem(session: Session) -> str | None:
    """Why the database cannot be asked."""
    if not session.is_there:
        return _NO_FILE
    try:
        with session.transaction("look at the database"):
            return None
    except FerrymanError as error:
        return str(error)


def _about(session: Session, problem: str | None) -> Effect:
    if problem is None:
        return Effect("note", session.name, "is looked at: the DDL is what its tables lack")
    return Effect("note", session.name, f"cannot be asked, so all tables are taken for new ones: {problem}")


def _data(
    config: SqlSinkConfig, context: SinkContext, batches: Sequence[Batch], session: Session, paper: OnPaper
) -> Iterator[Effect]:
    zones = Zones(config.db_timezone, config.date_zone)
    # A table that cannot be read may exist, whoever creates it.
    assumed = config if config.creates or not paper.is_blind else config.model_copy(update={"auto_create": True})
    rows = RowMaker(config, context, session, Tables(assumed, session, zones, paper))
    parts: list[Part] = []
    yield from _parts(rows, batches, parts)
    for change in paper.changes:
        kind = "ddl" if assumed is config else "note"
        text = change.ddl if assumed is config else f"auto.create=false; taken for a table like this: {change.ddl}"
        yield Effect(kind, str(change.table), text, {"ddl": change.ddl})
    writer = session.dialect.writer(session, write_mode(config, context.raw), zones)
    together = len(list(in_pieces(loads_by_shape(parts, config.mode), config.batch_size)))
    # Part by part: of a poll the last word of each key may leave nothing of a kind of statement that others have.
    each = [load for part in parts for load in loads_by_shape([part], config.mode)]
    yield from _statements(each, together, writer, session, paper)


def _parts(rows: RowMaker, batches: Sequence[Batch], parts: list[Part]) -> Iterator[Effect]:
    """Adds the rows to ``parts``; what is said against those that cannot be any."""
    while True:
        try:
            parts += rows.parts(batches)
            return
        except BadRecords as error:
            for batch, index, problem in error.found:
                yield Effect("refused", f"{batch.source}@{batch.offsets[index]}", str(problem))
            batches = without_records(batches, [(batch, index) for batch, index, _ in error.found])


def _statements(
    loads: Sequence[Load], together: int, writer: Writer, session: Session, paper: OnPaper
) -> Iterator[Effect]:
    """Each statement once, with how many rows go by it."""
    found: dict[tuple[str, tuple[str, ...]], int] = {}
    for load in loads:
        shape = str(load.table), tuple(_statements_for(load, together, writer, session, paper))
        found[shape] = found.get(shape, 0) + load.frame.height
    for (table, texts), rows in found.items():
        for text in texts:
            yield Effect("statement", table, text, {"statement": text, "rows": rows})
        if not texts:
            yield Effect("note", table, "nothing is written: the records have nothing but their keys")


def _statements_for(load: Load, together: int, writer: Writer, session: Session, paper: OnPaper) -> Sequence[str]:
    if paper.is_blind or load.table in paper.created:
        return writer.statements_for(None, load, together)
    with session.transaction(f"look at the table {load.table}") as connection:
        return writer.statements_for(connection, load, together)
