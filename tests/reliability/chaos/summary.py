"""Says at the end of a run which seed chaos was drawn from, whether or not all was well, and what befell the group."""

import pytest

_CHAOS = "chaos"
_told: list[str] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--chaos-seconds", type=int, help="How long the chaos of a group of workers lasts, at least.")
    parser.addoption("--chaos-seed", type=int, help="Draw the chaos of an earlier run again.")


def tell(request: pytest.FixtureRequest, what: str) -> None:
    """Has it said at the end of the run."""
    request.node.user_properties.append((_CHAOS, what))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call":
        _told.extend(str(what) for name, what in report.user_properties if name == _CHAOS)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in _told:
        terminalreporter.write_line(f"chaos: {line}")
