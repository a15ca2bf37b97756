"""Says at the end of a run how many cases were compared, and with which seed."""

import pytest

from tests.differential import search


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if search.compared:
        cases = sum(search.compared.values())
        number = search.seed_of(bool(config.getoption("--long")))
        terminalreporter.write_line(f"{cases:,} cases were compared with Java, seed {number}: {search.compared}")
