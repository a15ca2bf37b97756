"""The pools that work which waits is done in."""

import asyncio
import threading
from functools import partial

import pytest

from ferryman.errors import RequestError
from ferryman.worker import pool
from ferryman.worker.pool import Pool


def test_what_the_work_returns_or_raises_is_what_the_caller_gets() -> None:
    async def ask() -> None:
        one = Pool("test", 1, 1)
        assert await one.run("counting", lambda: 42) == 42
        with pytest.raises(TimeoutError, match="its own"):
            await one.run("failing", lambda: (_ for _ in ()).throw(TimeoutError("its own")))

    asyncio.run(ask())


def test_work_that_does_not_end_is_answered_for_in_kafkas_words_and_keeps_nobody_from_ending() -> None:
    async def ask() -> None:
        with pytest.raises(RequestError, match="The worker is currently stopping connector c, which began at "):
            await Pool("test", 1, 1).run("stopping connector c", threading.Event().wait, within=0.01)

    asyncio.run(ask())
    assert all(thread.daemon for thread in threading.enumerate() if thread.name.startswith("test-"))


def test_a_full_pool_refuses_and_what_nobody_waits_for_any_more_is_not_done() -> None:
    async def ask() -> None:
        one, gate, done = Pool("test", 1, 1), threading.Event(), list[str]()
        first = asyncio.create_task(one.run("waiting", gate.wait))
        second = asyncio.create_task(one.run("waiting", lambda: done.append("second")))
        await asyncio.sleep(0)
        with pytest.raises(RequestError, match="momentarily") as refused:
            await one.run("coming too late", lambda: None)
        assert refused.value.status == 503
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        gate.set()
        await first
        await one.run("coming afterwards", lambda: done.append("third"))
        assert done == ["third"]

    asyncio.run(ask())


def test_threads_that_stand_still_in_a_job_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "SLOW_JOB_SECONDS", 0.01)

    async def ask() -> None:
        many, gate = Pool("test", 2, 100), threading.Event()
        stuck = [asyncio.create_task(many.run("standing still", gate.wait, within=None)) for _ in range(5)]
        for number in range(10):
            assert await many.run("counting", partial(int, number)) == number
        assert not any(each.done() for each in stuck)
        gate.set()
        assert await asyncio.gather(*stuck) == [True] * 5
        assert many._threads <= 2 + 5 + 1

    asyncio.run(ask())
