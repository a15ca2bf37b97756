"""Steps to what is wanted: one at a time, the latest wish next, and none for what is there already."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from ferryman.telemetry.subject import Stamped, Subject
from ferryman.worker.control.follower import Follower
from tests.worker.simulated_time import simulated


class Steps:
    """Steps that take so many seconds each."""

    def __init__(self, seconds: float = 1.0) -> None:
        self.seconds = seconds
        self.begun: list[str | None] = []
        self.at_once = 0
        self.error: Exception | None = None
        self.follower: Follower[str] = Follower("thing", self.step)

    async def step(self, wanted: str | None) -> None:
        self.begun.append(wanted)
        self.at_once += 1
        assert self.at_once == 1
        await asyncio.sleep(self.seconds)
        self.at_once -= 1
        if self.error is not None:
            raise self.error


def told(story: Callable[[Steps], Awaitable[None]]) -> Steps:
    async def whole() -> Steps:
        steps = Steps()
        await story(steps)
        return steps

    return simulated(whole())


def test_what_is_wanted_is_reached() -> None:
    async def story(steps: Steps) -> None:
        steps.follower.want("a")
        assert not steps.follower.settled
        await steps.follower.settle()
        assert steps.follower.settled

    assert told(story).begun == ["a"]


def test_what_is_there_already_needs_no_step() -> None:
    async def story(steps: Steps) -> None:
        for _ in range(3):
            steps.follower.want("a")
            await steps.follower.settle()
        steps.follower.want(None)
        await steps.follower.settle()

    assert told(story).begun == ["a", None]


def test_nothing_to_begin_with_is_no_step() -> None:
    async def story(steps: Steps) -> None:
        steps.follower.want(None)
        assert steps.follower.settled

    assert told(story).begun == []


def test_of_the_wishes_during_a_step_only_the_latest_is_followed() -> None:
    async def story(steps: Steps) -> None:
        steps.follower.want("a")
        await asyncio.sleep(0.5)
        for wish in ("b", None, "c"):
            steps.follower.want(wish)
        await steps.follower.settle()

    assert told(story).begun == ["a", "c"]


def test_who_settles_waits_for_what_was_wanted_meanwhile() -> None:
    async def story(steps: Steps) -> None:
        steps.follower.want("a")
        asyncio.get_running_loop().call_later(0.9, steps.follower.want, "b")
        await steps.follower.settle()

    assert told(story).begun == ["a", "b"]


def test_who_no_longer_waits_does_not_end_the_way() -> None:
    async def story(steps: Steps) -> None:
        steps.follower.want("a")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(steps.follower.settle(), 0.5)
        steps.follower.want("b")
        await steps.follower.settle()

    assert told(story).begun == ["a", "b"]


def test_a_step_that_breaks_is_logged_and_the_next_wish_followed(caplog: pytest.LogCaptureFixture) -> None:
    async def story(steps: Steps) -> None:
        steps.error = RuntimeError("it broke")
        steps.follower.want("a")
        await steps.follower.settle()
        steps.follower.want("b")
        await steps.follower.settle()

    assert told(story).begun == ["a", "b"]
    assert caplog.messages == ["thing: it broke"] * 2


def test_another_look_comes_after_its_time_and_once() -> None:
    async def story(steps: Steps) -> None:
        steps.follower.want("a")
        await steps.follower.settle()
        steps.follower.look_again(10)
        assert steps.follower.settled
        await asyncio.sleep(9.9)
        assert steps.begun == ["a"]
        await asyncio.sleep(100)

    assert told(story).begun == ["a", "a"]


def test_another_wish_comes_in_place_of_another_look() -> None:
    async def story(steps: Steps) -> None:
        steps.follower.want("a")
        await steps.follower.settle()
        steps.follower.look_again(10)
        steps.follower.want("b")
        await asyncio.sleep(100)

    assert told(story).begun == ["a", "b"]


def test_work_is_given_up_when_something_else_is_wanted_and_done_again_when_it_is_wanted_after_all() -> None:
    async def story(steps: Steps) -> None:
        done = list[str | None]()

        async def step(wanted: str | None) -> None:
            steps.begun.append(wanted)
            await steps.follower.while_wanted(asyncio.sleep(100))
            done.append(wanted)

        steps.follower._step = step
        loop = asyncio.get_running_loop()
        steps.follower.want("a")
        await asyncio.sleep(1)
        steps.follower.want("a")
        await asyncio.sleep(1)
        steps.follower.want("b")
        steps.follower.want("a")
        await asyncio.sleep(1)
        steps.follower.want("c")
        await steps.follower.settle()
        assert loop.time() == pytest.approx(103)
        assert done == ["c"]

    assert told(story).begun == ["a", "a", "c"]


def test_another_look_that_is_given_up_for_a_wish_that_does_not_last_is_made_after_all() -> None:
    async def story(steps: Steps) -> None:
        done = list[str | None]()

        async def step(wanted: str | None) -> None:
            await steps.follower.while_wanted(asyncio.sleep(10))
            done.append(wanted)

        steps.follower._step = step
        steps.follower.want("a")
        await steps.follower.settle()
        steps.follower.look_again(1)
        await asyncio.sleep(5)
        steps.follower.want("b")
        steps.follower.want("a")
        await steps.follower.settle()
        assert done == ["a", "a"]

    told(story)


def test_another_look_during_a_step_follows_it() -> None:
    async def story(steps: Steps) -> None:
        steps.follower.want("a")
        steps.follower.look_again(0.5)
        await asyncio.sleep(0.1)
        steps.follower.look_again(0.2)
        await steps.follower.settle()

    assert told(story).begun == ["a", "a"]


def test_the_log_of_a_step_says_whom_it_is_about() -> None:
    found: list[object] = []

    async def step(wanted: str | None) -> None:
        found.append(Stamped("a", logging.INFO, "", 0, "", (), None).subject)

    async def story() -> None:
        follower = Follower[str]("thing", step, Subject("c", 3))
        follower.want("one")
        await follower.settle()

    simulated(story())
    assert found == [Subject("c", 3)]
