"""Says at the end of a run how long groups were simulated, and what befell them."""

from typing import Any

import pytest

simulated: list[tuple[int, dict[str, Any]]] = []
"""By seed."""


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of pytest-xdist tells the process that collects."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["simulated"] = simulated


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    simulated.extend(getattr(node, "workeroutput", {}).get("simulated", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for seed, told in simulated:
        hours, turns = told["hours"], told["steps"]
        terminalreporter.write_line(f"{hours:.1f} hours of groups simulated in {turns:,} turns, seed {seed}:")
        terminalreporter.write_line(", ".join(f"{times} {what}" for what, times in told["count"].items()))
