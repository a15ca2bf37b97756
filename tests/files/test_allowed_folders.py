"""A config names files in the folders that the worker opens to connectors, and no others."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ferryman.connectors.file.locked_file import LockedFile
from ferryman.connectors.file.source import FileStreamSourceConnector
from ferryman.errors import TaskError
from ferryman.files import allowed_folders
from ferryman.settings import settings
from ferryman.validation import connector_config

CONVERTERS = {"key.converter": "StringConverter", "value.converter": "StringConverter"}
JDBC = {"connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector", "topics": "t"}
MAIL = {"connector.class": "EmailSink", "topics": "t", "mail.to": "a@b.example", "mail.from": "c@d.example"}
NAMING: dict[str, dict[str, str]] = {
    "file of a sink": {"connector.class": "FileStreamSink", "topics": "t", "file": "{}"},
    "file of a source": {"connector.class": "FileStreamSource", "topic": "t", "file": "{}"},
    "SQLite by JDBC": {**JDBC, "connection.url": "jdbc:sqlite:{}"},
    "SQLite by SQLAlchemy": {**JDBC, "connection.url": "sqlite:///{}"},
    "schema of invented records": {"connector.class": "DatagenSource", "kafka.topic": "t", "schema.filename": "{}"},
    "template of a text": {**MAIL, "mail.subject": "s", "mail.text.file": "{}"},
    "template of HTML": {**MAIL, "mail.subject": "s", "mail.html.file": "{}"},
}


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """``open`` with a file and a link out of it, ``open-too`` beside it, and a file with a secret."""
    for folder in ("open", "open-too"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "here").write_text("{}")
    (tmp_path / "closed").write_text("canary")
    (tmp_path / "open" / "link").symlink_to(tmp_path / "closed")
    (tmp_path / "open" / "way").symlink_to(tmp_path)
    return tmp_path


def refusals(kind: str, path: Path | str, *folders: Path) -> list[str]:
    worker = settings.parse({**CONVERTERS, "connector.allowed.paths": ",".join(map(str, folders))})
    raw = {"name": "n", **{key: text.format(path) for key, text in NAMING[kind].items()}}
    problems = connector_config.validate(raw, worker).infos.problems
    return [problem.message for problem in problems if allowed_folders.KEY in problem.message]


@pytest.mark.parametrize("kind", NAMING)
def test_files_outside_of_the_folders_are_refused_by_the_name_of_their_key(world: Path, kind: str) -> None:
    for path in ("closed", "open/link", "open/../closed", "open/way/closed", "open-too/here", "open/way/new"):
        (refusal,) = refusals(kind, world / path, world / "open")
        assert str(world / "open") in refusal
        assert "canary" not in refusal


@pytest.mark.parametrize("kind", NAMING)
def test_files_inside_are_taken_and_without_the_setting_all_are(world: Path, kind: str) -> None:
    assert refusals(kind, world / "open" / "here", world / "elsewhere", world / "open") == []
    assert refusals(kind, world / "open" / "way" / "open" / "new", world / "open") == []
    assert refusals(kind, world / "open" / "here", Path("/")) == []
    assert refusals(kind, world / "closed") == []


def test_a_folder_that_is_a_link_itself_stands_for_where_it_leads(world: Path) -> None:
    assert refusals("file of a sink", world / "new", world / "open" / "way") == []


@pytest.fixture
def bound(world: Path) -> Iterator[Path]:
    allowed_folders.bound([str(world / "open")])
    yield world
    allowed_folders.bound([])


def test_a_link_that_is_laid_later_leads_nowhere(bound: Path) -> None:
    path = bound / "open" / "later"
    config = FileStreamSourceConnector.config_class.parse(
        {"name": "n", "connector.class": "FileStreamSource", "topic": "t", "file": str(path)}
    )
    path.symlink_to(bound / "closed")
    with pytest.raises(TaskError, match=r"connector\.allowed\.paths"):
        allowed_folders.check_again(config.file or "")


def test_the_real_file_is_meant_not_how_it_is_spelled(bound: Path) -> None:
    allowed_folders.check_again(str(bound / "open" / "x" / ".." / "here"))
    LockedFile(bound / "open" / "here").close()
