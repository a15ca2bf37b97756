"""The pools that work which waits is done in."""

import asyncio
import threading

import pytest

from ferryman.errors import RequestError
from ferryman.worker.pool import Pool


def test_what_the_work_returns_or_raises_is_what_the_caller_gets() -> None:
    async def ask() -> None:
        pool = Pool("test", 1, 1)
        assert await pool.run("counting", lambda: 42) == 42
        with pytest.raises(TimeoutError, match="its own"):
            await pool.run("failing", lambda: (_ for _ in ()).throw(TimeoutError("its own")))

    asyncio.run(ask())


def test_work_that_does_not_end_is_answered_for_in_kafkas_words_and_keeps_nobody_from_ending() -> None:
    async def ask() -> None:
        with pytest.raises(RequestError, match="The worker is currently stopping connector c, which began at "):
            await Pool("test", 1, 1).run("stopping connector c", threading.Event().wait, within=0.01)

    asyncio.run(ask())
    assert all(thread.daemon for thread in threading.enumerate() if thread.name.startswith("test-"))


def test_a_full_pool_refuses_and_what_nobody_waits_for_any_more_is_not_done() -> None:
    async def ask() -> None:
        pool, gate, done = Pool("test", 1, 1), threading.Event(), list[str]()
        first = asyncio.create_task(pool.run("waiting", gate.wait))
        second = asyncio.create_task(pool.run("waiting", lambda: done.append("second")))
        await asyncio.sleep(0)
        with pytest.raises(RequestError, match="momentarily") as refused:
            await pool.run("coming too late", lambda: None)
        assert refused.value.status == 503
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        gate.set()
        await first
        await pool.run("coming afterwards", lambda: done.append("third"))
        assert done == ["third"]

    asyncio.run(ask())
