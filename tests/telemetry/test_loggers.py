"""The loggers of a process, as REST shows and sets them."""

import logging
from collections.abc import Iterator

import pytest

from ferryman.errors import RequestError
from ferryman.telemetry.loggers import ROOT, Loggers


@pytest.fixture
def name() -> Iterator[str]:
    """A logger with a level of its own."""
    before = {each: found.level for each, found in logging.root.manager.loggerDict.items() if hasattr(found, "level")}
    root = logging.root.level
    logging.getLogger("ferryman.tests.loud").setLevel(logging.ERROR)
    yield "ferryman.tests.loud"
    logging.root.setLevel(root)
    for each, found in logging.root.manager.loggerDict.items():
        if isinstance(found, logging.Logger):
            found.setLevel(before.get(each, logging.NOTSET))


def test_a_level_of_the_root_logger_is_that_of_all(name: str) -> None:
    loggers = Loggers()
    loggers.set(ROOT, "info")
    assert {ROOT, name} <= set(loggers.set(ROOT, "warn"))
    shown = loggers.all()
    assert {each["level"] for each in shown.values()} == {"WARN"}
    assert shown[name]["last_modified"]


def test_what_is_no_level_and_no_name_is_refused(name: str) -> None:
    with pytest.raises(RequestError, match="invalid log level 'loud'"):
        Loggers().checked(name, "loud")
    with pytest.raises(RequestError, match="at most 250 characters"):
        Loggers().set("a" * 251, "INFO")


def test_the_answer_names_the_loggers_that_had_another_level_and_only_those_have_changed(name: str) -> None:
    loggers, above, new = Loggers(), name.rpartition(".")[0], f"{name}.new"
    assert loggers.set(new, "error") == []  # as what is above it
    assert loggers.one(new) == {"level": "ERROR", "last_modified": None}
    assert set(loggers.set(above, "error")) & {name, new} == set()
    assert {name, new} <= set(loggers.set(above, "info"))
    changed = loggers.one(new)
    assert loggers.set(above, " Info ") == []
    assert loggers.one(new) == changed
    assert loggers.set(name, "trace") == [name, new]


def test_the_answer_about_the_tasks_of_a_connector_names_it_when_their_level_was_another() -> None:
    loggers = Loggers()
    assert loggers.set("connector.c", "debug") == ["connector.c"]
    assert loggers.set("connector.c", "DEBUG") == []
    assert loggers.set("connector.c", "INFO") == ["connector.c"]
