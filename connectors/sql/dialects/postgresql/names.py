"""Names in PostgreSQL's statements."""

from ferryman.connectors.sql.dialects.names import TableName


def literal(table: TableName) -> str:
    """A table's full name, quoted."""
    return ".".join(identifier(part) for part in (table.schema, table.name) if part is not None)


def identifier(name: str) -> str:
    """An identifier, for a statement that is executed without parameters."""
    return '"' + name.replace('"', '""') + '"'


def quoted(name: str) -> str:
    """An identifier for a statement that is executed with parameters."""
    return identifier(name).replace("%", "%%")


def qualified(table: TableName) -> str:
    """A table's full name for such a statement."""
    return quoted(table.name) if table.schema is None else f"{quoted(table.schema)}.{quoted(table.name)}"
