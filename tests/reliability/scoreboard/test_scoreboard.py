"""The scoreboard tells what was reached, and does not pass over a row that failed or that no test was run for."""

import ast
from collections import Counter

import pytest

from tests.places import DOCS, ROOT
from tests.reliability.scoreboard.rows import ROWS, Row, Scoreboard

pytest_plugins = ["pytester"]
CONFTEST = """
import pytest
pytest_plugins = ["tests.reliability.scoreboard.plugin"]

def pytest_addoption(parser):
    parser.addoption("--long", action="store_true")

@pytest.fixture
def long(request):
    return bool(request.config.getoption("--long"))
"""
TESTS = """
import pytest

@pytest.mark.scoreboard("R1")
@pytest.mark.parametrize("part", range(2))
def test_held(trials, part):
    trials.held(trials.share(2))

@pytest.mark.scoreboard("R3")
def test_broken(trials):
    trials.held(30)
    assert False

@pytest.mark.scoreboard("R12")
def test_short(trials):
    trials.held(1)
"""


def test_an_ordinary_run_owes_a_tenth_rounded_up_and_a_long_one_the_whole() -> None:
    assert [Row("", whole).required(long=False) for whole in (1, 5, 16, 100)] == [1, 1, 2, 10]
    assert Row("", 30, 4).required(long=False) == 4
    assert Row("", 30, 4).required(long=True) == 30


def test_a_row_with_a_failed_test_is_broken_whatever_else_it_has_reached() -> None:
    board = Scoreboard(False, Counter({"R1": 1000}), Counter({"R1": 1}))
    assert "BROKEN" in next(line for line in board.lines() if line.startswith("R1 "))


def test_a_run_without_a_trial_prints_no_scoreboard() -> None:
    assert list(Scoreboard(True).lines()) == []


@pytest.fixture
def inner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Runs that find the plugin. Each is to be a process of its own: at its end pytest gives the signals back that
    faulthandler had, and with them those that the JVM in this process has taken since."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return pytester


@pytest.mark.parametrize("how", [[], ["-n", "1"]], ids=["here", "in a worker of xdist"])
def test_a_run_prints_each_row_and_the_seconds_of_each_folder(inner: pytest.Pytester, how: list[str]) -> None:
    inner.makeconftest(CONFTEST)
    inner.makepyfile(**{"sub/test_some": TESTS})
    lines = inner.runpytest_subprocess(f"--rootdir={inner.path}", *how).outlines
    shown = {line.split("  ")[0].strip(): line.split() for line in lines if line.startswith("R")}
    assert shown["R1"][1:4] == ["10", "10", "held"]
    assert shown["R3"][1:4] == ["3", "0", "BROKEN"]
    assert shown["R12"][1:4] == ["2", "1", "short"]
    assert shown["R20"][1:5] == ["300", "0", "not", "run"]
    assert [line for line in lines if line.endswith("  sub")]


def test_a_whole_run_that_owes_trials_fails(inner: pytest.Pytester) -> None:
    inner.makeconftest(CONFTEST)
    inner.makeini("[pytest]\ntestpaths = sub")
    inner.makepyfile(**{"sub/test_some": TESTS.replace("assert False", "assert True")})
    assert inner.runpytest_subprocess().ret == pytest.ExitCode.TESTS_FAILED
    assert inner.runpytest_subprocess("sub").ret == pytest.ExitCode.OK


def test_each_row_has_a_test() -> None:
    named = {
        node.args[0].value
        for file in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.scoreboard"
        if isinstance(node.args[0], ast.Constant)
    }
    assert named == ROWS.keys()


def test_the_page_lists_the_rows_with_their_counts() -> None:
    page = (DOCS / "reliability.md").read_text()
    for name, row in ROWS.items():
        assert f"| {name} | {row.what} | {row.required(True):,} | {row.required(False):,} |" in page
