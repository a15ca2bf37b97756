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
    assert {ROOT, name} <= set(loggers.set(ROOT, "warn"))
    shown = loggers.all()
    assert {each["level"] for each in shown.values()} == {"WARN"}
    assert shown[name]["last_modified"]


def test_what_is_no_level_and_no_name_is_refused(name: str) -> None:
    with pytest.raises(RequestError, match="invalid log level 'loud'"):
        Loggers().checked(name, "loud")
    with pytest.raises(RequestError, match="at most 250 characters"):
        Loggers().set("a" * 251, "INFO")
