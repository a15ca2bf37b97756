"""Nothing is imported from the current folder, where a file sink, or anybody, may have left a module."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ferryman.stack.runtime.ports import free_port
from tests.house.test_rings import path, trees
from tests.reliability.flows import file_sink
from tests.running import FERRYMAN, Worker, settings, until

PLANTED = ("signal", "polars", "queue", "socket", "orjson", "blocking_io", "ferryman/__init__", "ferryman/commands")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A current folder full of modules that tell when they are run."""
    found = tmp_path / "current"
    for name in PLANTED:
        file = found / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"import os\nos.mkdir({str(tmp_path / 'run')!r} + str(os.getpid()))\nraise SystemExit(7)\n")
    return found


@pytest.mark.parametrize("command", [(FERRYMAN,), (sys.executable, "-P", "-m", "ferryman")], ids=["script", "module"])
def test_a_worker_and_its_children_run_no_module_of_the_current_folder(
    tmp_path: Path, folder: Path, command: tuple[str, ...]
) -> None:
    chosen = settings(f"127.0.0.1:{free_port()}", "alone", task_shutdown_graceful_timeout_ms="0")
    running = Worker(tmp_path, chosen, folder=folder, command=command).start()
    try:
        running.create(file_sink("one", tmp_path / "out.txt"))
        until(lambda: "plan: put by" in running.said, 60, "the task to run")
    finally:
        running.stop()
    assert list(tmp_path.glob("run*")) == []


def test_python_dash_m_leaves_the_current_folder_out(tmp_path: Path, folder: Path) -> None:
    """But for a package ``ferryman`` and what our ``__init__`` imports, which Python finds before any line of ours."""
    for name in ("ferryman/__init__", "ferryman/commands", "signal", "socket"):
        (folder / f"{name}.py").unlink()
    (folder / "ferryman").rmdir()
    chosen = settings(f"127.0.0.1:{free_port()}", "alone")
    running = Worker(tmp_path, chosen, folder=folder, command=(sys.executable, "-m", "ferryman")).start()
    running.stop()
    assert list(tmp_path.glob("run*")) == []


def children() -> Iterator[tuple[str, list[str]]]:
    """Where a Python is started, and its first argument."""
    for name, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.List | ast.Tuple) and node.elts and "sys.executable" in ast.unparse(node.elts[0]):
                yield f"{path(name)}:{node.lineno}", [ast.unparse(each) for each in node.elts[1:2]]


def test_every_python_that_is_started_has_a_safe_path() -> None:
    found = dict(children())
    assert len(found) >= 5
    assert {place: options for place, options in found.items() if options not in (["'-P'"], ["'-I'"])} == {}
