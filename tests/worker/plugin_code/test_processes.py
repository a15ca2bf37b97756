"""Real processes in which plugins' code is asked: each stands still, dies and takes memory without the others."""

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ferryman.errors import ConfigError, RequestError
from ferryman.plugins import catalog, others
from ferryman.plugins.others import Others, Point
from ferryman.settings import settings
from ferryman.telemetry.owners import Owner
from ferryman.telemetry.redaction import redact
from ferryman.worker.forks.forked import Forks
from ferryman.worker.forks.server import ForkServer
from ferryman.worker.plugin_code import plugins, process, processes
from ferryman.worker.plugin_code.plugins import Plugins
from ferryman.worker.plugin_code.processes import PluginProcesses
from tests.plugin_folder import installed as install
from tests.running import alive, until

PLUGIN = """
import ctypes, os, sys, time
from pathlib import Path
from ferryman.api import Sink
from ferryman.config import Password, Str, key
from ferryman.connector import SinkConfig

class OddConfig(SinkConfig):
    habit: Str = key("none")
    sign: Str = key("")
    access_code: Password | None = key(None)

    def problems(self):
        if self.sign:
            with open(self.sign, "a") as sign:
                sign.write(f"{os.getpid()}\\n")
        match self.habit:
            case "hang":
                time.sleep(3600)
            case "spin":
                while True: pass
            case "exit":
                os._exit(3)
            case "leave":
                sys.exit("enough")
            case "crash":
                ctypes.string_at(0)
            case "leak":
                kept = []
                while True: kept.append(b"x" * (1 << 22))
            case "raise":
                raise LookupError("it does not know")
        return super().problems()

class OddSink(Sink[OddConfig]):
    config_class = OddConfig

    def put(self, records): pass
"""
FILE = {"name": "f", "connector.class": "FileStreamSink", "topics": "t", "file": "/tmp/anything"}


class Worker:
    """What a worker has of plugins, with real processes."""

    def __init__(self) -> None:
        self.server = ForkServer()
        values = {"key.converter": "StringConverter", "value.converter": "StringConverter"}
        self.settings = settings.parse(values)
        self.forks = Forks(self.server)
        self.begins_anew()

    def begins_anew(self) -> None:
        """Forgets all processes."""
        self.plugins = Plugins(self.settings, PluginProcesses(self.forks, self.settings, {}))
        self.plugins.are_known(catalog.third_party())

    async def odd(self, habit: str, sign: Path | None = None) -> Any:
        config = {"name": "o", "connector.class": "OddSink", "topics": "t", "habit": habit}
        return await self.plugins.validated(config | ({"sign": str(sign)} if sign else {}))

    async def refusal(self, habit: str, sign: Path | None = None) -> str:
        with pytest.raises(RequestError) as raised:
            await self.odd(habit, sign)
        assert raised.value.status == 500
        return str(raised.value)


Story = Callable[[Worker], Awaitable[None]]
Tell = Callable[[Story], None]


@pytest.fixture(scope="module")
def tell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tell]:
    """Plays stories with a worker where others have installed an odd sink."""
    points = [Point("ferryman.connectors", "OddSink", "odd:OddSink", "odd", "1.0")]
    with pytest.MonkeyPatch.context() as patches, asyncio.Runner() as runner:
        patches.setenv("PYTHONPATH", str(install(tmp_path_factory.mktemp("odd"), "odd", PLUGIN, "OddSink")))
        patches.setattr(others, "points", lambda *groups: points)
        catalog.set_third_party(Others())

        async def made() -> Worker:
            worker = Worker()
            await worker.plugins.look()
            return worker

        worker = runner.run(made())
        yield lambda story: runner.run(asyncio.wait_for(story(worker), 300))
        worker.server.close()
    catalog.forget()


def pids(sign: Path) -> list[int]:
    """The processes that the odd sink was asked in."""
    return [int(line) for line in sign.read_text().split()] if sign.exists() else []


def test_what_others_have_installed_is_known_and_not_imported_here(tell: Tell) -> None:
    async def story(worker: Worker) -> None:
        entry = catalog.connector_entry("OddSink")
        assert entry is not None
        assert (entry.kind, entry.module, catalog.version(entry)) == ("sink", "odd", "1.0")
        assert "OddSink" in [each.name for each in await worker.plugins.listed(connectors_only=True)]
        keys = await worker.plugins.keys("OddSink", "latest")
        assert keys is not None
        assert keys[0]["name"] == "habit"
        assert await worker.plugins.keys("EvenSink", "latest") is None
        found = await worker.odd("none")
        assert found.problems == []
        assert "access.code" in found.secrets

    tell(story)


def test_a_process_answers_again_and_code_of_others_shares_none_with_ours(tell: Tell, tmp_path: Path) -> None:
    async def story(worker: Worker) -> None:
        for _ in range(3):
            await worker.odd("none", tmp_path / "sign")
            await worker.plugins.validated(FILE)
        assert len(set(pids(tmp_path / "sign"))) == 1
        assert "odd" not in sys.modules

    tell(story)


@pytest.mark.parametrize(
    ("habit", "how"),
    [
        ("exit", "ended without an error, with exit code 3"),
        ("crash", "was killed by SIGSEGV"),
        ("leave", "has ended: SystemExit: enough"),
    ],
)
def test_code_that_ends_its_process_is_named_and_the_next_question_is_answered(
    tell: Tell, tmp_path: Path, habit: str, how: str
) -> None:
    async def story(worker: Worker) -> None:
        sign = tmp_path / "sign"
        await worker.odd("none", sign)
        text = await worker.refusal(habit, sign)
        assert text == f"The worker was {plugins.VALIDATING}, and the process that ran the code of OddSink {how}"
        assert (await worker.odd("none", sign)).problems == []
        assert len(set(pids(sign))) == 2
        await asyncio.to_thread(until, lambda: not alive(pids(sign)[0]))

    tell(story)


def test_what_a_plugin_raises_is_told_in_its_own_words_and_harms_no_process(tell: Tell, tmp_path: Path) -> None:
    async def story(worker: Worker) -> None:
        sign = tmp_path / "sign"
        with pytest.raises(Exception, match=r"^it does not know$"):
            await worker.odd("raise", sign)
        await worker.odd("none", sign)
        assert len(set(pids(sign))) == 1

    tell(story)


@pytest.mark.parametrize("habit", ["hang", "spin"])
def test_code_that_does_not_come_back_is_ended_and_named_in_kafkas_words(
    tell: Tell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, habit: str
) -> None:
    async def story(worker: Worker) -> None:
        sign = tmp_path / "sign"
        await worker.odd("none", sign)
        stuck = asyncio.create_task(worker.refusal(habit, sign))
        await asyncio.to_thread(until, lambda: len(pids(sign)) == 2)
        assert (await worker.plugins.validated(FILE)).problems == []
        assert (await worker.odd("none", sign)).problems == []
        assert not stuck.done()
        assert re.fullmatch(
            rf"Request timed out\. The worker is currently {plugins.VALIDATING}, which began at [-0-9T:.]+Z\. It runs "
            r"the code of OddSink\.",
            await stuck,
        )
        await asyncio.to_thread(until, lambda: not alive(pids(sign)[1]))

    monkeypatch.setattr(plugins, "DEADLINE_SECONDS", 15.0)
    tell(story)


def test_code_that_takes_memory_without_end_is_ended_and_named(
    tell: Tell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(worker: Worker) -> None:
        text = await worker.refusal("leak", tmp_path / "sign")
        assert re.search(r"the code of OddSink took [0-9,]+ bytes of memory and was ended$", text)
        await asyncio.to_thread(until, lambda: not alive(pids(tmp_path / "sign")[0]))

    monkeypatch.setattr(process, "MOST_MEMORY", 300 << 20)
    tell(story)


def test_of_code_that_stands_still_there_are_not_ever_more_processes(tell: Tell, tmp_path: Path) -> None:
    async def story(worker: Worker) -> None:
        worker.begins_anew()
        stuck = [asyncio.create_task(worker.odd("hang", tmp_path / "sign")) for _ in range(3)]
        await asyncio.to_thread(until, lambda: len(pids(tmp_path / "sign")) == 2)
        with pytest.raises(RequestError, match=r"too many others wait for") as raised:
            await worker.odd("none")
        assert raised.value.status == 503
        assert (await worker.plugins.validated(FILE)).problems == []
        for each in stuck:
            each.cancel()
        await asyncio.wait(stuck)
        await asyncio.to_thread(until, lambda: not any(map(alive, pids(tmp_path / "sign"))))
        assert (await worker.odd("none")).problems == []

    async def afterwards(worker: Worker) -> None:
        worker.begins_anew()

    with pytest.MonkeyPatch.context() as limits:
        limits.setattr(processes, "STRANGERS", (2, 3))
        tell(story)
    tell(afterwards)


def test_a_process_ends_that_nobody_asks_any_more(tell: Tell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(worker: Worker) -> None:
        await worker.odd("none", tmp_path / "sign")
        await asyncio.to_thread(until, lambda: not alive(pids(tmp_path / "sign")[0]))
        assert (await worker.odd("none", tmp_path / "sign")).problems == []

    monkeypatch.setattr(processes, "LINGER_SECONDS", 0.2)
    tell(story)


def test_a_process_ends_that_was_asked_often_enough(
    tell: Tell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(worker: Worker) -> None:
        worker.begins_anew()
        for _ in range(3):
            await worker.odd("none", tmp_path / "sign")
        first, again, other = pids(tmp_path / "sign")
        assert first == again != other

    monkeypatch.setattr(processes, "MAX_QUESTIONS", 2)
    tell(story)


def test_a_secret_that_only_the_plugin_knows_to_be_one_is_hidden_from_then_on(tell: Tell) -> None:
    async def story(worker: Worker) -> None:
        config = {"name": "o", "connector.class": "OddSink", "topics": "t", "access.code": "Heron-canary/9"}
        owner = Owner("o")
        await worker.plugins.checked(config, owner)
        assert redact("it is Heron-canary/9") == "it is [hidden]"
        with pytest.raises(ConfigError):
            await worker.plugins.checked(config | {"topics": ""}, owner)
        owner.release()

    tell(story)
