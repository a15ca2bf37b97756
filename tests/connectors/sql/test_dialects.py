"""The seam between the SQL sink and its databases: one is named by its own folder and by the table that picks alone."""

import re

import pytest

from ferryman.connectors.sql.config.databases import DIALECTS
from ferryman.connectors.sql.dialects.dialect import Dialect
from ferryman.connectors.sql.dialects.names import TableName, table_name
from tests.places import DOCS, ROOT

SQL = ROOT / "connectors" / "sql"
TABLE = SQL / "config" / "databases.py"
NOTES = SQL / "latest_only" / "notes.py"
"""It keeps notes of its own in such a file, and writes no records there."""
NAMES = re.compile(
    r"postgres|psycopg|libpq|sqlite|mysql|mariadb|innodb|oracle|sqlserver|mssql|starrocks", re.IGNORECASE
)


def test_no_database_is_named_outside_its_folder_but_in_the_table_that_picks() -> None:
    files = [file for file in sorted(SQL.rglob("*.py")) if file not in (TABLE, NOTES)]
    outside = [file for file in files if SQL / "dialects" not in file.parent.parents]
    assert len(outside) > 10
    found = [
        f"{file.relative_to(ROOT)}:{number} {line.strip()}"
        for file in outside
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if NAMES.search(line)
    ]
    assert found == []


def test_no_dialect_knows_of_another() -> None:
    for folder in (SQL / "dialects").iterdir():
        others = [other.name for other in (SQL / "dialects").iterdir() if other.is_dir() and other != folder]
        for file in folder.glob("*.py") if folder.is_dir() else ():
            text = file.read_text(encoding="utf-8")
            assert [other for other in others if f"dialects.{other}" in text and other != "__pycache__"] == []


def test_every_dialect_answers_to_urls_of_its_own() -> None:
    for claimed in (
        [name for dialect in DIALECTS for name in dialect.urls.jdbc],
        [name for dialect in DIALECTS for name in dialect.urls.sqlalchemy],
        [name for dialect in DIALECTS for name in dialect.sink_dialects],
    ):
        assert len(claimed) == len(set(claimed))


def test_the_page_about_dialects_names_every_member_of_the_protocol() -> None:
    text = (SQL / "dialects" / "dialect.py").read_text(encoding="utf-8")
    _, _, protocol = text.partition("class Dialect(Protocol)")
    body = protocol.partition("\ndef ")[0]
    members = re.findall(r"^    (?:def )?(\w+)[:(]", body, re.MULTILINE)
    page = (DOCS / "writing-a-dialect.md").read_text(encoding="utf-8")
    assert len(members) > 10
    assert [member for member in members if f"`{member}`" not in page] == []


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_a_part_of_a_tables_name_stands_in_the_quotes_of_its_database(dialect: Dialect) -> None:
    for quote in dialect.naming.quotes:
        found = table_name(f"{quote}my shop{quote}.{quote}a.b{quote}{quote}c{quote}", dialect.naming, quoted=True)
        assert found == TableName("my shop", f"a.b{quote}c")
