"""The readers of source offsets: shared by all who ask alike, apart for others, replaced when they die, and ended when
nobody needs them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest

from ferryman.offset_reader.spec import ReaderSpec
from ferryman.worker.processes import offset_readers
from ferryman.worker.processes.offset_readers import Asker, OffsetReaders
from tests.worker.played_processes import PlayedForks, PlayedProcess, true

CLIENT = {"bootstrap.servers": "b", "client.id": "c", "check.crcs": True}


class Play:
    """Readers in played processes, and what those who ask have heard."""

    def __init__(self) -> None:
        self.forks = PlayedForks()
        forks: Any = self.forks
        self.readers = OffsetReaders(forks, {"ferryman": "DEBUG"})
        self.heard: list[tuple[str, dict[str, Any]]] = []

    def asker(self, connector: str) -> Asker:
        return Asker(connector, {"group.id": "g"}, [], lambda message: self.heard.append((connector, dict(message))))

    def ask(self, asker: Asker, number: int = 1, topic: str = "offsets", **client: str) -> None:
        mine = {**CLIENT, "client.id": asker.connector, **client}
        self.readers.ask(asker, {"event": "offsets", "number": number, "topic": topic, "client": mine})

    async def told(self, number: int, count: int) -> list[dict[str, Any]]:
        """What the process of that number was asked, once it is so much."""
        process = await self.forks.started(number)
        await true(lambda: len(process.heard()) >= count)
        return list(process.heard())

    def spec(self, process: PlayedProcess) -> ReaderSpec:
        return ReaderSpec(**orjson.loads(process.first))


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ferryman.retry.backoff.delay", lambda attempt, longest: 0.0)
    monkeypatch.setattr("ferryman.retry.breaker.LONGEST_WAIT", 0.0)
    monkeypatch.setattr(offset_readers, "LINGER_SECONDS", 0.0)


def play(story: Callable[[Play], Awaitable[None]]) -> Play:
    async def played() -> Play:
        made = Play()
        await asyncio.wait_for(story(made), 60)
        for process in made.forks.processes:
            process.dies()
        return made

    return asyncio.run(played())


def test_all_who_ask_alike_share_one_and_get_what_is_theirs() -> None:
    async def story(play: Play) -> None:
        c, d = play.asker("c"), play.asker("d")
        play.ask(c)
        play.ask(d)
        assert await play.told(1, 2) == [{"ask": 0, "connector": "c"}, {"ask": 1, "connector": "d"}]
        (process,) = play.forks.processes
        spec = play.spec(process)
        assert (spec.topic, spec.levels, spec.worker) == ("offsets", {"ferryman": "DEBUG"}, {"group.id": "g"})
        assert spec.config == {"bootstrap.servers": "b", "client.id": "connector-offsets", "check.crcs": "true"}
        process.says("entries", ask=1, part=0, more=False, entries=[["k", "v"]])
        process.says("waits", ask=0, silence=1.5, reason="why")
        await true(lambda: len(play.heard) == 2)
        assert play.heard == [
            ("d", {"offsets": "entries", "number": 1, "part": 0, "more": False, "entries": [["k", "v"]]}),
            ("c", {"offsets": "waits", "number": 1, "silence": 1.5, "reason": "why"}),
        ]

    play(story)


@pytest.mark.parametrize("other", [{"topic": "own"}, {"sasl.password": "another"}, {"bootstrap.servers": "b:2"}])
def test_who_asks_another_topic_or_as_somebody_else_has_one_apart(other: dict[str, str]) -> None:
    async def story(play: Play) -> None:
        play.ask(play.asker("c"))
        play.ask(play.asker("d"), 1, other.pop("topic", "offsets"), **other)
        assert len(await play.told(1, 1)) == len(await play.told(2, 1)) == 1

    play(story)


def test_the_next_part_is_asked_of_the_reader_that_has_it() -> None:
    async def story(play: Play) -> None:
        asker = play.asker("c")
        play.ask(asker, 4)
        await play.told(1, 1)
        play.forks.processes[0].says("entries", ask=0, part=0, more=True, entries=[])
        await true(lambda: play.heard)
        play.readers.ask(asker, {"event": "offsets", "number": 4, "next": 1})
        assert (await play.told(1, 2))[-1] == {"ask": 0, "next": 1}

    play(story)


def test_the_questions_of_one_that_has_died_are_put_to_the_next() -> None:
    async def story(play: Play) -> None:
        play.ask(play.asker("answered"))
        play.ask(play.asker("c"), 7)
        await play.told(1, 2)
        play.forks.processes[0].says("entries", ask=0, part=0, more=False, entries=[])
        await true(lambda: play.heard)
        play.forks.processes[0].dies(-11)
        assert await play.told(2, 1) == [{"ask": 1, "connector": "c"}]
        play.forks.processes[1].says("failed", ask=1, reason="no", key="")
        await true(lambda: len(play.heard) == 2)
        assert play.heard[1] == ("c", {"offsets": "failed", "number": 7, "reason": "no", "key": ""})

    play(story)


def test_where_readers_die_again_and_again_who_waits_is_told() -> None:
    async def story(play: Play) -> None:
        play.ask(play.asker("c"))
        number = 0
        while not play.heard:
            number += 1
            (await play.forks.started(number)).dies(-11)
            await true(lambda: play.heard or len(play.forks.processes) > number)  # noqa: B023
        assert play.heard[0][1]["offsets"] == "failed"
        assert "it has died" in play.heard[0][1]["reason"]

    play(story)


def test_one_that_nobody_uses_any_more_ends_and_the_next_question_makes_another() -> None:
    async def story(play: Play) -> None:
        one, other = play.asker("c"), play.asker("d")
        play.ask(one)
        play.ask(other)
        await play.told(1, 2)
        (process,) = play.forks.processes
        play.readers.release(one)
        assert (await play.told(1, 3))[-1] == {"ask": 0}, "nobody waits for that answer"
        await asyncio.sleep(0.05)
        assert not process.ended.done()
        play.readers.release(other)
        await true(process.ended.done)
        play.ask(one)
        assert await play.told(2, 1) == [{"ask": 2, "connector": "c"}]

    play(story)
