"""A log whose reader stands still."""

import logging
import threading

from ferryman.telemetry.background import MAX_LINES, Background
from tests.running import until


class Stuck(logging.Handler):
    """Writes nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()
        self.lines: list[str] = []

    def handle(self, record: logging.LogRecord) -> bool:
        self.go_on.wait()
        self.lines.append(record.getMessage())
        return True


def record(number: int) -> logging.LogRecord:
    return logging.LogRecord("x", logging.INFO, "", 0, "line %d", (number,), None)


def test_nobody_waits_for_it_and_what_is_lost_is_counted() -> None:
    stuck = Stuck()
    handler = Background(stuck)
    for number in range(MAX_LINES + 100):
        handler.handle(record(number))
    stuck.go_on.set()
    until(lambda: len(stuck.lines) > MAX_LINES, 30)
    assert stuck.lines[0] == "line 0"
    lost = next(line for line in stuck.lines if "are lost" in line)
    assert int(lost.split()[0]) in (99, 100)


def test_at_the_end_it_is_written_to_the_last_line() -> None:
    stuck = Stuck()
    stuck.go_on.set()
    handler = Background(stuck)
    for number in range(1000):
        handler.handle(record(number))
    handler.flush()
    assert stuck.lines[-1] == "line 999"
