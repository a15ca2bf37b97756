"""The databases that the SQL sink's tests run on: the same tests on each."""

import pytest

DATABASES = ("postgresql", "mariadb", "sqlite")


def url_of(database: str, request: pytest.FixtureRequest) -> str:
    """The URL of an empty database of the test's own."""
    if database == "sqlite":
        return f"jdbc:sqlite:{request.getfixturevalue('tmp_path')}/warehouse.db"
    return str(request.getfixturevalue("mariadb" if database == "mariadb" else "postgres"))
