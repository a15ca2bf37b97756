"""Log lines: what a text of any origin cannot do to them."""

import io
import logging
import re
from collections.abc import Iterator

import pytest

from ferryman.telemetry import lines, logs, redaction

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
    assert len(line) < lines.LONGEST + 100
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
