"""Log lines: what a text of any origin cannot do to them."""

import io
import json
import logging
import re
from collections.abc import Iterator

import psycopg  # noqa: F401  (it gives its loggers a level)
import pytest
import sqlalchemy  # noqa: F401  (as well)

from ferryman.record import Coordinates
from ferryman.telemetry import lines, logs, place, redaction, subject
from ferryman.telemetry.subject import Subject, about

LINE = re.compile(r"\[(?P<time>[^]]+)] (?P<level>[A-Z]+) \[(?P<context>[^]]*)] (?P<message>.*) \((?P<logger>[\w.]+)\)")


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What goes to standard error, with logging started in the name of a connector that would like to be another."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    logs.start("x] FORGED (y)\u2028z|task-0", {})
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_connectors_name_cannot_forge_the_fields_of_a_line(written: io.StringIO) -> None:
    logging.getLogger("a.b").warning("%s has started", "x] FORGED (\u2028\n[2026] INFO [worker] \x1b[31m\u202e")
    (line,) = written.getvalue().splitlines()
    found = LINE.fullmatch(line)
    assert found
    assert found["context"] == r"x\x5d FORGED \x28y\x29\u2028z|task-0"
    assert found["message"] == r"x\x5d FORGED \x28\u2028\n[2026] INFO [worker] \x1b\x5b31m\u202e has started"


def test_brackets_that_close_each_other_stay(written: io.StringIO) -> None:
    logging.getLogger("a").warning("topics [a, b] (%s)", "of (two)")
    assert "topics [a, b] (of (two)) (a)" in written.getvalue()


def test_what_a_client_of_kafka_sends_is_written_on_no_level(written: io.StringIO) -> None:
    logs.set_level("kafka", "ALL")
    logging.getLogger("kafka.protocol.parser").debug("Send: %r", b"\0user\0password")
    logging.getLogger("kafka.net.connection").debug("Request %s", "password")
    logging.getLogger("kafka.coordinator").debug("Joining")
    logging.getLogger("kafka").setLevel(logging.NOTSET)
    assert "Joining" in written.getvalue()
    assert "password" not in written.getvalue()


@pytest.fixture
def as_before() -> Iterator[None]:
    """In the end logging is what it was."""
    root, names = logging.getLogger(), (None, "kafka", "httpx", "httpcore", "uvicorn", "sqlalchemy", "psycopg")
    handlers, levels = root.handlers[:], {name: logging.getLogger(name).level for name in names}
    for library in ("sqlalchemy", "psycopg"):
        logging.getLogger(library).setLevel(logging.WARNING)  # as it does itself, in a process that has just begun
    yield
    root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def started_with(level: str) -> dict[str, str]:
    """The levels that a worker's loggers have when it is started with one."""
    logs.start("worker", {"root": level})
    names = ("ferryman.worker", "kafka.coordinator", "kafka.net.manager", "httpx", "sqlalchemy.engine", "psycopg.pool")
    return {name: logging.getLevelName(logging.getLogger(name).getEffectiveLevel()) for name in names}


@pytest.mark.parametrize(
    ("given", "ours", "theirs"),
    [
        ("INFO", "INFO", "WARNING"),
        ("warn", "WARNING", "WARNING"),
        ("ERROR", "ERROR", "ERROR"),
        ("DEBUG", "DEBUG", "DEBUG"),
    ],
)
def test_libraries_tell_less_than_the_worker_unless_it_is_to_tell_more_than_usual(
    as_before: None, given: str, ours: str, theirs: str
) -> None:
    found = started_with(given)
    assert found.pop("ferryman.worker") == ours
    assert found == dict.fromkeys(found, theirs)


@pytest.mark.parametrize("name", ["root", "kafka"])
def test_libraries_tell_as_much_as_somebody_asks_them_to(
    as_before: None, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    started_with("INFO")
    logs.set_level(name, "INFO")
    logging.getLogger("kafka.coordinator").info("Joining")
    assert "Joining" in capsys.readouterr().err


def test_a_busy_machine_is_no_fault_that_operators_hear_of(as_before: None, capsys: pytest.CaptureFixture[str]) -> None:
    started_with("INFO")
    selector = logging.getLogger("kafka.net.selector")
    selector.warning("Task Task(x) ran for 0.2s (>0.1s threshold). It is blocking the event loop -- likely a loop")
    selector.warning("Wakeup socket returned empty. Rebuilding.")
    (line,) = capsys.readouterr().err.splitlines()
    assert "Rebuilding" in line


def test_no_line_of_a_trace_looks_like_a_line_of_the_log(written: io.StringIO) -> None:
    try:
        raise ValueError("first\n[2026-01-01T00:00:00.000Z] INFO [worker] all is well (a)")
    except ValueError:
        logging.getLogger("a").exception("failed")
    first, *others = written.getvalue().splitlines()
    assert LINE.match(first)
    assert "  ValueError: first" in others
    assert all(line.startswith("  ") for line in others)


def test_a_line_has_a_longest_length_and_says_how_much_is_missing(written: io.StringIO) -> None:
    logging.getLogger("a").warning("start %s end", "a" * 1_000_000)
    (line,) = written.getvalue().splitlines()
    assert len(line) < lines.MAX_LINE_CHARACTERS + 100
    assert "WARNING" in line
    assert line.endswith("aa end (a)")
    assert re.search(r"a … 968,\d\d\d characters left out … a", line)


def test_the_end_of_a_trace_is_never_cut(written: io.StringIO) -> None:
    try:
        raise ValueError("a" * 1_000_000 + " the reason")
    except ValueError:
        logging.getLogger("a").exception("failed")
    assert written.getvalue().endswith("the reason\n")


def test_a_secret_with_brackets_and_line_ends_is_hidden_before_it_is_escaped(written: io.StringIO) -> None:
    redaction.protect("canary]13\nline(two")
    try:
        raise ValueError("canary]13\nline(two")
    except ValueError:
        logging.getLogger("a").exception("%s: %r", "canary]13\nline(two", "canary]13\nline(two")
    assert "canary" not in written.getvalue()
    assert "two" not in written.getvalue()


# Whom a line is about.


def context(line: str) -> str:
    found = LINE.fullmatch(line)
    assert found
    return found["context"]


def test_a_line_of_the_worker_says_which_connector_or_task_it_is_about(written: io.StringIO) -> None:
    log = logging.getLogger("a")
    with about("c"):
        log.warning("one")
        with about("c]", 3):
            log.warning("two")
        log.warning("three")
    log.warning("four")
    found = [context(line) for line in written.getvalue().splitlines()]
    assert found == ["c|worker", r"c\x5d|task-3", "c|worker", r"x\x5d FORGED \x28y\x29\u2028z|task-0"]


# JSON.


@pytest.fixture
def as_json(written: io.StringIO) -> io.StringIO:
    logs.start("", {}, whose=Subject("c|worker", 3), form="json")
    return written


def objects(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_in_json_a_line_is_an_object_that_says_whom_it_is_about(as_json: io.StringIO) -> None:
    log = logging.getLogger("a.b")
    log.warning("it is %s", "late\n\u2028\u202e")
    with about("d"):
        log.error("done")
    first, second = objects(as_json)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", str(first.pop("time")))
    assert first == {
        "level": "WARNING",
        "logger": "a.b",
        "connector": "c|worker",
        "task": 3,
        "message": "it is late\n\u2028\u202e",
    }
    assert (second["connector"], "task" in second) == ("d", False)
    assert as_json.getvalue().isascii()


def test_a_line_says_which_worker_wrote_it_once_that_has_a_name(as_json: io.StringIO) -> None:
    logging.getLogger("a").error("too early")
    subject.is_worker("here:8083")
    try:
        logging.getLogger("a").error("now")
    finally:
        subject.is_worker("")
    assert [each.get("worker") for each in objects(as_json)] == [None, "here:8083"]


def test_in_text_what_is_about_a_record_says_so_in_words(written: io.StringIO) -> None:
    redaction.protect("Tweet-canary/8+x")
    log, lies = logging.getLogger("a"), Coordinates("t", 3, 7)
    log.error("bad", extra=place.at(lies, b"7", stage="TASK_PUT"))
    log.error("%s is bad", lies, extra=place.at(lies))
    log.error("bad]", extra=place.of_topic("t Tweet-canary/8+x", letter="dlq-0@1"))
    found = [re.sub(r"^.*?] ERROR \[[^]]*] ", "", line) for line in written.getvalue().splitlines()]
    assert found == [
        "bad (record t-3@7, key 7902699be42c8a8e) (a)",
        "t-3@7 is bad (a)",
        r"bad\x5d (record t [hidden], letter dlq-0@1) (a)",
    ]


def test_what_is_about_a_record_tells_where_it_lies(as_json: io.StringIO) -> None:
    place = {"topic": "t", "partition": 3, "offset": 7, "stage": "VALUE_CONVERTER"}
    logging.getLogger("a").error("bad", extra={"place": place})
    (found,) = objects(as_json)
    assert place.items() <= found.items()


def test_a_trace_is_a_field_and_secrets_are_hidden_in_both(as_json: io.StringIO) -> None:
    redaction.protect("Tweet-canary/7+x")
    try:
        raise ValueError("no Tweet-canary/7+x")
    except ValueError:
        logging.getLogger("a").exception("not %s", "Tweet-canary/7+x")
    (found,) = objects(as_json)
    assert found["message"] == "not [hidden]"
    assert str(found["trace"]).startswith("Traceback")
    assert str(found["trace"]).endswith("ValueError: no [hidden]")


@pytest.mark.parametrize("letter", ["x", "\0", "\U0001f600"])
def test_an_object_is_no_longer_than_a_line_may_be(as_json: io.StringIO, letter: str) -> None:
    try:
        raise ValueError(letter * 100_000)
    except ValueError:
        logging.getLogger("a").exception(letter * 100_000)
    (found,) = objects(as_json)
    assert len(as_json.getvalue()) <= lines.MAX_LINE_CHARACTERS + 1
    assert "characters left out" in str(found["message"])
    assert "characters left out" in str(found["trace"])


# The level of one connector.


def test_a_connectors_own_level_overrides_that_of_all_but_not_a_loggers() -> None:
    levels = {"root": "WARN", "ferryman.task": "ERROR", "connector.c": "DEBUG", "connector.d": "TRACE"}
    assert logs.levels_for("c", levels) == {"root": "DEBUG", "ferryman.task": "ERROR", "ferryman": "DEBUG"}
    assert logs.levels_for("other", levels) == {"root": "WARN", "ferryman.task": "ERROR"}
