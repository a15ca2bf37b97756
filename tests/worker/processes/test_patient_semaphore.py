"""Who comes through a turnstile, in which order, and what one that stands still inside does to the others."""

import asyncio

from ferryman.worker.processes.patient_semaphore import SLOW_SECONDS, PatientSemaphore
from tests.worker.simulated_time import simulated


def test_so_many_are_inside_at_a_time_in_the_order_in_which_they_came() -> None:
    inside, entered, most = set[int](), list[int](), list[int]()

    async def one(turnstile: PatientSemaphore, number: int) -> None:
        async with turnstile.turn():
            inside.add(number)
            entered.append(number)
            most.append(len(inside))
            await asyncio.sleep(1.0)
            inside.discard(number)

    async def story() -> None:
        turnstile = PatientSemaphore(3)
        await asyncio.gather(*(one(turnstile, number) for number in range(10)))

    simulated(story())
    assert (entered, max(most)) == (list(range(10)), 3)


def test_who_stands_still_or_is_given_up_keeps_nobody_out_for_long() -> None:
    async def stands(turnstile: PatientSemaphore) -> None:
        async with turnstile.turn():
            await asyncio.sleep(1000)

    async def story() -> None:
        turnstile, loop = PatientSemaphore(2), asyncio.get_running_loop()
        still = [asyncio.create_task(stands(turnstile)) for _ in range(2)]
        await asyncio.sleep(0)
        for _ in range(5):
            async with turnstile.turn():
                assert loop.time() == SLOW_SECONDS
        still[0].cancel()
        await asyncio.wait(still[:1])
        third = [asyncio.create_task(stands(turnstile)) for _ in range(2)]
        await asyncio.sleep(0)
        third[1].cancel()  # it was inside in place of the first one, which had no place to give back
        async with turnstile.turn():
            assert loop.time() == SLOW_SECONDS
        for each in (*still, *third):
            each.cancel()

    simulated(story())
