"""The demo as a person runs it: clean in the end, and whatever happens to it, nothing is left behind."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from ferryman.demo.counting import TOO_FEW_EVENTS
from ferryman.demo.facts import flows
from ferryman.stack.runtime.reaper import descendants
from tests.places import CONFIGS
from tests.process_identity import Known
from tests.running import until

EVENTS = "6000"
pytestmark = pytest.mark.timeout(1800)
"""Minutes, for machines that are slow or busy."""


class Demo:
    """A running demo, and every process below it that was seen."""

    def __init__(self, state: Path, *options: str) -> None:
        self.seen: dict[int, Known] = {}
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ferryman", "demo", "--events", EVENTS, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "XDG_STATE_HOME": str(state),
                "XDG_CONFIG_HOME": str(state / "config"),
                "CONNECT_LISTENERS": "http://127.0.0.1:1",
            },
        )
        self.progress = self.process.stderr if "--json" in options else self.process.stdout

    def until(self, text: str) -> str:
        """Reads what it prints up to a line with this text."""
        assert self.progress
        for line in self.progress:
            self.lines.append(line)
            for pid in descendants(self.process.pid):
                self.seen.setdefault(pid, Known.of(pid))
            if text in line:
                return line
        raise AssertionError("".join(self.lines) + self.finished()[1])

    def finished(self) -> tuple[str, str]:
        """The rest of both outputs, when it has ended."""
        return self.process.communicate()

    def living(self) -> list[int]:
        """The seen processes that still live."""
        return [pid for pid, each in self.seen.items() if each.lives]


def answers(url: str) -> bool:
    """Whether a worker is there."""
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


def gone(demo: Demo) -> bool:
    """Waits until all its processes have ended."""
    return bool(until(lambda: not demo.living(), 120, "the demo's processes to end"))


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    started: list[Demo] = []

    def start(*options: str) -> Demo:
        started.append(Demo(tmp_path, *options))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.communicate()


def test_a_demo_at_a_steady_rate_kills_nothing_tells_how_late_rows_are_and_leaves_no_process_and_no_file(
    demo: Callable[..., Demo], tmp_path: Path
) -> None:
    run = demo("--rate", "500", "--json")
    run.until("all connectors run")
    out, errors = run.finished()
    assert run.process.returncode == 0, out + errors
    assert gone(run)
    ledger = json.loads(out)
    assert ledger["clean"]
    assert [system["lost"] + system["doubled"] for system in ledger["systems"]] == [0] * 18
    assert ledger["kills"] == []
    assert not (tmp_path / "config").exists()
    assert "restore" not in [target["name"] for target in ledger["targets"]]
    if ledger["steady"] is None:  # a slow machine needs longer to start than the events last, and the demo says so
        assert TOO_FEW_EVENTS in out + errors
        return
    assert ledger["steady"]["rate"] == 500
    assert ledger["steady"]["rows"] > 0
    assert 0 < ledger["steady"]["p50"] <= ledger["steady"]["p99"] <= ledger["steady"]["highest"]


def test_a_kept_demo_ends_with_a_clean_ledger_and_goes_on_until_the_stack_is_ended(
    demo: Callable[..., Demo], tmp_path: Path
) -> None:
    run = demo("--keep")
    run.until("SIGKILL to the worker")
    run.until("the backfill was through")
    run.until("the archive was put back")
    run.until("everything has arrived")
    try:
        out, errors = run.finished()
        assert run.process.returncode == 0, out + errors
        assert "nothing lost, nothing doubled" in out
        assert "backfill: damaged rows" in out
        assert "restored: payments" in out
        (url,) = re.findall(r"kept: worker at (\S+)", out)
        kept = httpx.get(f"{url}/connectors", params={"expand": "status"}).json()
        assert sorted(kept) == sorted((*flows.SOURCES, *flows.SINKS))
        assert {each["status"]["connector"]["state"] for each in kept.values()} == {"RUNNING"}
    finally:
        environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
        subprocess.run([sys.executable, "-m", "ferryman", "stack", "down"], env=environment, check=True)
    until(lambda: not answers(url), 120, "the worker to end")
    assert gone(run)


@pytest.mark.parametrize("options", [[], ["--secure", "--events", "20000"]], ids=["open", "secure"])
def test_a_cluster_loses_workers_and_a_broker_and_no_record(
    demo: Callable[..., Demo], options: list[str], long: bool
) -> None:
    if not long:
        pytest.skip("two minutes; the way of a cluster to where all runs is in every run, the way of a ledger too")
    run = demo("--cluster", *options, "--json")
    run.until("SIGKILL to the broker")
    run.until("everything has arrived")
    out, errors = run.finished()
    assert run.process.returncode == 0, out + errors
    assert gone(run)
    ledger = json.loads(out)
    assert ledger["clean"]
    task, first, broker, second = (kill["what"] for kill in ledger["kills"])
    assert (task, broker) == ("the task crowdfunding-events-0", "the broker kafka-2")
    assert re.fullmatch(r"worker-[123] with events-to-warehouse-0 on it", first)
    assert re.fullmatch(r"worker-[123] with events-to-archive-0 on it", second)


def test_only_a_cluster_is_secure(demo: Callable[..., Demo]) -> None:
    run = demo("--secure")
    _, errors = run.finished()
    assert run.process.returncode == 2
    assert "--secure needs --cluster" in errors


@pytest.mark.parametrize("other", [["--keep"], ["--rate", "500"]], ids=" ".join)
def test_a_cluster_is_neither_kept_nor_held_at_a_rate(demo: Callable[..., Demo], other: list[str]) -> None:
    run = demo("--cluster", *other)
    out, errors = run.finished()
    assert run.process.returncode == 2
    assert f"--cluster cannot be combined with {other[0]}" in errors
    assert "starting" not in out


@pytest.mark.parametrize(
    ("options", "line", "number"),
    [
        ([], "starting Kafka", signal.SIGINT),
        ([], "registry answers", signal.SIGTERM),
        (["--cluster"], "all connectors run", signal.SIGKILL),
    ],
)
def test_an_interrupted_demo_leaves_no_process(
    demo: Callable[..., Demo], options: list[str], line: str, number: int
) -> None:
    run = demo(*options)
    run.until(line)
    run.process.send_signal(number)
    _, errors = run.finished()
    assert run.process.returncode == (-9 if number == signal.SIGKILL else 128 + number)
    assert number == signal.SIGKILL or "ended before the ledger" in errors
    assert gone(run)


def test_a_component_that_dies_ends_the_demo_with_its_name(demo: Callable[..., Demo]) -> None:
    run = demo()
    run.until("registry answers")
    os.kill(next(pid for pid in run.seen if _runs(pid, "payments_process.py")), signal.SIGKILL)
    _, errors = run.finished()
    assert run.process.returncode == 1
    assert "payments was ended by signal 9" in errors or "payments ended with exit code" in errors
    assert gone(run)


def _runs(pid: int, program: str) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return False
    return "reaper.py" not in " ".join(words) and any(word.endswith(program) for word in words)


def test_a_worker_that_does_not_start_ends_the_demo_with_its_log(demo: Callable[..., Demo], tmp_path: Path) -> None:
    configs = tmp_path / "configs"
    source = CONFIGS
    for folder in ("connectors", "restore"):
        shutil.copytree(source / folder, configs / folder)
    text = (source / "worker.properties").read_text()
    (configs / "worker.properties").write_text(text.replace("EnvVarConfigProvider", "EnvVarsProvider"))
    run = demo("--configs", str(configs))
    run.until("registry answers")
    _, errors = run.finished()
    assert run.process.returncode == 1
    assert "the worker ended with exit code" in errors
    assert "EnvVarsProvider" in errors
    assert gone(run)


def test_a_demo_without_its_files_starts_nothing(demo: Callable[..., Demo], tmp_path: Path) -> None:
    run = demo("--configs", str(tmp_path))
    out, errors = run.finished()
    assert run.process.returncode == 1
    assert "payments-from-gateway.json" in errors
    assert "starting" not in out
