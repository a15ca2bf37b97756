"""The server that forks tasks, a real one: what it shares with them, and how each end of a process becomes known."""

import asyncio
import gc
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ferryman.task.setup.spec import TaskSpec
from ferryman.telemetry import recent
from ferryman.worker.forks import server_process
from ferryman.worker.forks.forked import GONE, Forked, Forks
from ferryman.worker.forks.server import ForkServer, Role
from tests.running import alive, until

UNKNOWN = TaskSpec("c", 0, "w", {"name": "c", "connector.class": "NobodysSink", "topics": "t"}, {}).dump() + b"\n"
"""The message of a task that fails as soon as it knows what it is."""


class Fork:
    """A forked process, and the worker's end of its connection."""

    def __init__(self, forked: Forked, connection: socket.socket) -> None:
        self.forked, self.connection = forked, connection

    @property
    def pid(self) -> int:
        return self.forked.pid

    async def told(self, spec: bytes = UNKNOWN) -> str:
        """All that it says before it ends, when it has been told what it is."""
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self.connection, spec)
        found = b""
        while piece := await loop.sock_recv(self.connection, 65536):
            found += piece
        return found.decode()


class Worker:
    """What a worker is to its processes."""

    def __init__(self) -> None:
        self.server = ForkServer()
        self.forks = Forks(self.server)

    async def fork(self, *modules: str, role: Role = "task") -> Fork:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            return Fork(await self.forks.fork(role, "starting a task", theirs, modules), ours)


Story = Callable[[Worker], Awaitable[None]]


def play(story: Story) -> None:
    async def played() -> None:
        worker = Worker()
        try:
            await asyncio.wait_for(story(worker), 120)
        finally:
            worker.server.close()

    asyncio.run(played())


def test_a_process_learns_what_it_is_and_its_end_is_told_with_its_code() -> None:
    async def story(worker: Worker) -> None:
        fork = await worker.fork()
        said = await fork.told()
        events = [json.loads(line)["event"] for line in said.splitlines()]
        assert [event for event in events if event != recent.EVENT] == ["failed"]
        assert "no connector is called NobodysSink" in said
        assert await fork.forked.ended == 0

    play(story)


def test_each_end_is_told_of_its_own_process() -> None:
    async def story(worker: Worker) -> None:
        first, second, third = [await worker.fork() for _ in range(3)]
        second.forked.kill()
        assert await second.forked.ended == -signal.SIGKILL
        second.forked.kill()  # whoever has its pid now is left alone
        third.connection.close()
        assert await third.forked.ended == 1
        assert alive(first.pid)
        await first.told()
        assert await first.forked.ended == 0

    play(story)


def test_a_module_that_cannot_be_imported_holds_nobody_up() -> None:
    async def story(worker: Worker) -> None:
        fork = await worker.fork("ferryman.connectors.none", "ferryman.converters.string")
        assert '"failed"' in await fork.told()

    play(story)


def test_a_server_that_has_died_takes_its_processes_with_it_and_is_followed_by_another() -> None:
    async def story(worker: Worker) -> None:
        fork = await worker.fork()
        server = Path(f"/proc/{fork.pid}/stat").read_text().rpartition(")")[2].split()[1]
        os.kill(int(server), signal.SIGKILL)
        assert await fork.forked.ended == -signal.SIGKILL
        until(lambda: not alive(fork.pid), 10)
        assert '"failed"' in await (await worker.fork()).told()

    play(story)


def test_whoever_waits_for_a_start_when_the_server_dies_is_told() -> None:
    async def story(worker: Worker) -> None:
        fork = await worker.fork()
        server = int(Path(f"/proc/{fork.pid}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(server, signal.SIGSTOP)
        waiting = asyncio.ensure_future(worker.fork())
        done, _ = await asyncio.wait([waiting], timeout=0.2)
        assert not done
        os.kill(server, signal.SIGKILL)
        with pytest.raises(OSError, match=GONE):
            await waiting
        assert '"failed"' in await (await worker.fork()).told()

    play(story)


def test_sigterm_and_ctrl_c_are_nothing_to_the_server() -> None:
    async def story(worker: Worker) -> None:
        fork = await worker.fork()
        server = Path(f"/proc/{fork.pid}/stat").read_text().rpartition(")")[2].split()[1]
        for number in (signal.SIGTERM, signal.SIGINT):
            os.kill(int(server), number)
        assert '"failed"' in await (await worker.fork()).told()
        assert '"failed"' in await fork.told()

    play(story)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted in /proc")
def test_a_lock_of_another_thread_is_never_forked_as_there_is_none_but_one_that_waits() -> None:
    async def story(worker: Worker) -> None:
        fork = await worker.fork("ferryman.converters.json", "ferryman.connectors.s3.sink")
        server = Path(f"/proc/{fork.pid}/stat").read_text().rpartition(")")[2].split()[1]
        until(lambda: others(server) == ["polars-ooc-clea"], what="the ends of the other threads")

    play(story)


def others(server: str) -> list[str]:
    """The names of a process's threads, but for its first."""
    threads = Path(f"/proc/{server}/task").iterdir()
    return [(each / "comm").read_text().strip() for each in threads if each.name != server]


MODULE = """
ready = []

def before_forks():
    ready.append("once")
"""


def test_what_is_shared_is_loaded_once_and_what_fails_is_left_to_tasks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_process, "freeze", lambda: None)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "petrel.py").write_text(MODULE)
    (tmp_path / "skua.py").write_text("def before_forks():\n    raise OSError('no eggs')\n")
    for _ in range(2):
        server_process.share(["skua", "petrel", "nowhere"])
    assert sys.modules["petrel"].ready == ["once"]
    for module in ("petrel", "skua"):
        monkeypatch.delitem(sys.modules, module)


def test_processes_do_not_get_the_passwords_for_databases_that_lie_around(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tern.py").write_text("import os\nraise OSError(f\"{os.environ.get('PGPASSWORD')} lies around\")\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PGPASSWORD", "canary")
    config = {"name": "c", "connector.class": "Tern", "topics": "t"}
    spec = TaskSpec("c", 0, "w", config, {}, plugins=[("sink", "Tern", "tern", "Tern")])

    async def story(worker: Worker) -> None:
        assert "None lies around" in await (await worker.fork()).told(spec.dump() + b"\n")

    play(story)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="there a name is not counted")
def test_names_of_attributes_that_were_looked_up_are_let_go_before_a_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("disable", "collect", "freeze"):
        monkeypatch.setattr(gc, name, lambda: None)
    name = f"guillemot-{os.getpid()}"
    bird = type("Bird", (), {name: 1})
    before = sys.getrefcount(name)
    assert getattr(bird(), name) == 1
    assert sys.getrefcount(name) == before + 1
    server_process.freeze()
    assert sys.getrefcount(name) == before


def test_who_asks_first_does_not_wait_for_what_others_may_need() -> None:
    """What most tasks need takes a quarter of the server's start, and is imported while nobody waits."""

    def has_frames(pid: int) -> bool:
        return "_polars_runtime" in Path(f"/proc/{pid}/maps").read_text()

    async def story(worker: Worker) -> None:
        fork = await worker.fork()
        assert not has_frames(fork.pid)
        idle = ForkServer()
        try:
            await asyncio.to_thread(until, lambda: has_frames(idle._process.pid), 60, "what most tasks need")
        finally:
            idle.close()

    play(story)


LIBRARIES = {
    "EmailSink": {"aiosmtplib", "jinja2"},
    "S3Sink": {"boto3"},
    "JdbcSink": {"psycopg", "pymysql", "sqlalchemy"},
    "StripeSource": {"httpx"},
    "FileStreamSink": set[str](),
    "FileStreamSource": set[str](),
}
IMPORTS = """
import json, os, sys
from ferryman.connector_process import process
from ferryman.task import process
from ferryman.plugins import named
from ferryman.worker.forks import server_process
from ferryman.worker.standalone import worker

def imported(name):
    rows = named.named({"connector.class": name}, {"key.converter": "String", "value.converter": "Json"})
    server_process.share(named.modules(rows))
    return {module.partition(".")[0] for module in sys.modules} & {*sys.argv[1:]}

for name in sys.stdin.read().split():
    if os.fork() == 0:
        print(json.dumps([name, sorted(imported(name))]), flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def libraries() -> dict[str, set[str]]:
    """For each connector what is imported, of all libraries that only some connectors need, by tasks that name it."""
    wanted = sorted(set().union(*LIBRARIES.values()))
    command = [sys.executable, "-P", "-c", IMPORTS, *wanted]
    found = subprocess.run(command, input="\n".join(LIBRARIES), capture_output=True, text=True, check=True)
    return {name: set(modules) for name, modules in map(json.loads, found.stdout.splitlines())}


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_connector_brings_its_own_libraries_and_no_others(libraries: dict[str, set[str]], name: str) -> None:
    assert libraries[name] == LIBRARIES[name]
