"""`ferryman stack`, as a user types it."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import until

FERRYMAN = [sys.executable, "-c", "from ferryman.commands import main; main()", "stack"]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A user of whom no stack is known."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    yield
    ferryman("down")


def ferryman(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*FERRYMAN, *arguments], capture_output=True, text=True, timeout=600, check=False)


def in_a_narrow_terminal(*arguments: str) -> str:
    """What it says where a line has forty letters."""
    ours, its = os.openpty()
    os.environ["COLUMNS"] = "40"
    try:
        subprocess.run([*FERRYMAN, *arguments], stdout=its, timeout=600, check=False)
    finally:
        del os.environ["COLUMNS"]
        os.close(its)
    said = os.read(ours, 1 << 16).decode()
    os.close(ours)
    return said


def foreground(*arguments: str) -> tuple[subprocess.Popen[str], dict[str, object]]:
    """`up --json` once everything answers, with what it printed."""
    command = [*FERRYMAN, "up", "--json", "--free-ports", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout
    return process, json.loads(process.stdout.readline())


def running() -> dict[str, dict[str, dict[str, object]]]:
    report: dict[str, dict[str, dict[str, object]]] = json.loads(ferryman("status", "--json").stdout)
    return report


def test_a_detached_stack_is_there_until_it_is_taken_down() -> None:
    up = ferryman("up", "payments", "--detach", "--free-ports", "--json")
    assert up.returncode == 0, up.stderr
    assert len(up.stdout.splitlines()) == 1
    address = json.loads(up.stdout)["addresses"]["payments"]
    status = ferryman("status")
    assert status.returncode == 0
    assert address in status.stdout
    assert running()["components"] == {"payments": {"address": address, "answers": True}}
    assert "…" not in in_a_narrow_terminal("status")
    assert ferryman("down").stdout == "ended\n"
    assert ferryman("status").returncode == 1
    assert not Path(json.loads(up.stdout)["directory"]).exists()


def test_a_second_stack_is_refused_while_one_runs() -> None:
    ferryman("up", "payments", "--detach", "--free-ports")
    for arguments in (("up", "payments"), ("up", "postgres", "--detach")):
        again = ferryman(*arguments)
        assert again.returncode == 1
        assert "the stack is already running" in again.stderr


def test_a_killed_owner_is_not_taken_for_a_running_one() -> None:
    owner, _ = foreground("payments")
    owner.kill()
    owner.communicate()
    assert ferryman("status", "--json").stdout == '{"state": "stopped"}\n'
    assert ferryman("down").stdout == "not running\n"
    assert ferryman("up", "payments", "--detach", "--free-ports").returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_foreground_in_order(number: signal.Signals) -> None:
    owner, said = foreground("payments")
    owner.send_signal(number)
    _, complaints = owner.communicate(timeout=600)
    assert owner.returncode == 0
    assert "Traceback" not in complaints
    assert not Path(str(said["directory"])).exists()


def test_a_signal_during_the_start_ends_it_at_once() -> None:
    command = [*FERRYMAN, "up", "kafka", "payments", "--free-ports"]
    owner = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert owner.stderr
    assert owner.stderr.readline().startswith("payments answers after")
    owner.send_signal(signal.SIGTERM)
    said, complaints = owner.communicate(timeout=600)
    assert (owner.returncode, said, complaints) == (143, "", "")


def test_nothing_stays_of_a_detached_start_that_is_given_up(tmp_path: Path) -> None:
    world = tmp_path / "world"
    command = [*FERRYMAN, "up", "kafka", "--detach", "--free-ports", "--directory", str(world)]
    owner = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until(lambda: ferryman("status").stdout.startswith("starting"), what="a start")
    owner.send_signal(signal.SIGTERM)
    assert (owner.communicate(timeout=600), owner.returncode) == (("", ""), 143)
    assert ferryman("status").stdout == "not running\n"


def test_a_dying_component_ends_everything_and_says_so(tmp_path: Path) -> None:
    directory = tmp_path / "world"
    owner, _ = foreground("payments", "postgres", "--directory", str(directory))
    postmaster = int((directory / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGKILL)
    _, complaints = owner.communicate(timeout=600)
    assert owner.returncode == 1
    assert "postgres was ended by signal 9" in complaints
    assert "database system is ready to accept connections" in complaints
    assert "postgres was ended by signal 9" in ferryman("status").stdout


def test_a_taken_port_is_named() -> None:
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):  # then somebody else has it, which is as good
            squatter.bind(("127.0.0.1", 8420))
            squatter.listen()
        for option in ([], ["--detach"]):
            up = ferryman("up", "payments", *option)
            assert up.returncode == 1
            assert "payments needs port 8420, which is taken" in up.stderr


def test_without_a_stack_down_has_nothing_to_do() -> None:
    assert ferryman("down").stdout == "not running\n"
    assert ferryman("status").stdout == "not running\n"


def test_down_ends_the_stack_of_a_directory_and_no_other(tmp_path: Path) -> None:
    mine, other = tmp_path / "world", tmp_path / "other"
    owner, _ = foreground("payments", "--directory", str(mine))
    refused = ferryman("down", "--directory", str(other))
    assert refused.returncode == 1
    assert f"keeps its data in {mine}, not in {other}" in refused.stderr
    assert running()["components"]
    assert ferryman("down", "--directory", f"{other}/../world").stdout == "ended\n"
    owner.communicate(timeout=120)
    assert ferryman("down", "--directory", str(mine)).stdout == "not running\n"


def test_an_unknown_component_is_refused() -> None:
    up = ferryman("up", "mysql")
    assert up.returncode == 2
    assert "'mysql'" in up.stderr


def test_a_secure_detached_cluster_shows_each_broker_and_where_its_property_files_are_and_leaves_none_of_them() -> None:
    up = ferryman("up", "kafka", "registry", "--brokers", "3", "--secure", "--detach", "--free-ports", "--json")
    assert up.returncode == 0, up.stderr
    said = json.loads(up.stdout)
    report = json.loads(ferryman("status", "--json").stdout)
    assert report["components"].keys() == {"kafka-1", "kafka-2", "kafka-3", "registry"}
    assert all(each["answers"] for each in report["components"].values())
    brokers = [report["components"][f"kafka-{number}"]["address"] for number in (1, 2, 3)]
    assert f"bootstrap.servers={','.join(brokers)}\n" in Path(said["clients"], "distributed.properties").read_text()
    os.kill(said["pid"], signal.SIGKILL)
    until(lambda: not Path(said["directory"]).exists(), 60, "the directory to go")


def test_a_cluster_of_two_is_refused() -> None:
    up = ferryman("up", "kafka", "--brokers", "2")
    assert up.returncode == 2
    assert "'2' is not one of '1', '3'" in up.stderr
