"""The loop of simulated time: as late as the next timer, and never waiting."""

import asyncio
import socket
import threading
import time

import pytest

from tests.worker.simulated_time import Stuck, simulated


def test_a_day_is_over_at_once() -> None:
    async def story() -> float:
        began = asyncio.get_running_loop().time()
        await asyncio.sleep(86_400)
        return asyncio.get_running_loop().time() - began

    before = time.thread_time()
    assert simulated(story()) == pytest.approx(86_400)
    assert time.thread_time() - before < 60


def test_timers_go_off_in_their_order_and_what_arrives_comes_before_time_passes() -> None:
    async def story() -> list[str]:
        loop, happened = asyncio.get_running_loop(), list[str]()
        loop.call_later(2, happened.append, "two")
        loop.call_later(1, happened.append, "one")
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=ours)
        theirs.send(b"x\n")
        happened.append((await reader.readline()).decode().strip())
        await asyncio.sleep(3)
        writer.close()
        theirs.close()
        return happened

    assert simulated(story()) == ["x", "one", "two"]


def test_a_deadline_is_met_in_simulated_time() -> None:
    async def story() -> float:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 30)
        return asyncio.get_running_loop().time()

    assert simulated(story()) == pytest.approx(30)


def test_whoever_waits_for_what_cannot_come_is_told() -> None:
    async def story() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Stuck):
        simulated(story())


def test_what_is_raised_where_nobody_waits_fails_the_story() -> None:
    async def story() -> None:
        asyncio.get_running_loop().call_soon(lambda: 1 / 0)
        await asyncio.sleep(1)

    with pytest.raises(AssertionError, match="division"):
        simulated(story())


def test_no_thread_takes_part() -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        held = threading.Event()
        thread = threading.Thread(target=lambda: (held.wait(), loop.call_soon_threadsafe(done.set_result, None)))
        thread.start()
        try:
            await done
        finally:
            held.set()
            thread.join()

    with pytest.raises(Stuck):
        simulated(story())
