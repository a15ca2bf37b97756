"""Collects the trials of each test for the scoreboard and prints it, with the seconds of each folder, at a run's end.

A test names its row by ``@pytest.mark.scoreboard("R1")``, asks the fixture ``trials`` how many it owes, and tells how
many held. What it tells travels in the test's report, so that a run of pytest-xdist has it all in one place.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

import pytest

from tests.reliability.scoreboard.rows import ROWS, Scoreboard

_ROW, _TRIALS = "scoreboard row", "scoreboard trials"


@dataclass(frozen=True)
class Trials:
    """What one test owes its row."""

    row: str
    required: int
    """The row's number in this run, over all its tests."""
    request: pytest.FixtureRequest

    def share(self, tests: int) -> int:
        """This test's part of it, one of so many tests; at least one."""
        return -(-self.required // tests)

    def held(self, count: int = 1, row: str = "") -> None:
        """So many more trials have been made, and what must hold has held; of another row, if the test has several."""
        self.request.node.user_properties.append((_TRIALS, (row or self.row, count)))


@pytest.fixture
def trials(request: pytest.FixtureRequest, long: bool) -> Trials:
    """The trials of the row that the test's mark names."""
    mark = request.node.get_closest_marker("scoreboard")
    assert mark is not None, "the test names no row of the scoreboard"
    return Trials(mark.args[0], ROWS[mark.args[0]].required(long), request)


class Collector:
    """Hears of every report: in the only process of a run, or in the one that hands out the tests."""

    def __init__(self, long: bool) -> None:
        self.board = Scoreboard(long)
        self.seconds: dict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[str(PurePosixPath(report.nodeid.partition("::")[0]).parent)] += report.duration
        told = dict.fromkeys(row for name, row in report.user_properties if name == _ROW)
        if report.failed:
            self.board.failed.update(map(str, told))
        if report.when == "call" and report.passed:
            for name, found in report.user_properties:
                if name == _TRIALS and isinstance(found, list | tuple):
                    self.board.reached[found[0]] += found[1]

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A whole run that passed, but owes trials, has failed."""
        whole = session.config.args_source is pytest.Config.ArgsSource.TESTPATHS
        narrowed = session.config.getoption("keyword") or session.config.getoption("markexpr")
        collects_only = session.config.getoption("collectonly")
        if whole and not narrowed and not collects_only and session.exitstatus == 0 and self.board.short():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section("seconds by folder")
        for folder, seconds in sorted(self.seconds.items(), key=lambda found: -found[1]):
            terminalreporter.write_line(f"{seconds:8.1f}  {folder}")
        lines = list(self.board.lines())
        if lines:
            terminalreporter.section("scoreboard")
        for line in lines:
            terminalreporter.write_line(line)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "scoreboard(row): the test makes trials for this row of the scoreboard")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Collector(bool(config.getoption("--long"))), "scoreboard collector")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in _marked(items):
        item.user_properties += [(_ROW, mark.args[0]) for mark in item.iter_markers("scoreboard")]


def _marked(items: list[pytest.Item]) -> Iterator[pytest.Item]:
    for item in items:
        for mark in item.iter_markers("scoreboard"):
            assert mark.args[0] in ROWS, f"{item.nodeid} names {mark.args[0]}, which is no row of the scoreboard"
            yield item
