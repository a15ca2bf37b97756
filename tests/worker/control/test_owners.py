"""Secrets have an owner from the check of a config until what ran with it is gone."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import pytest

from ferryman.telemetry.owners import Owner
from ferryman.worker.control.owners import Owners
from tests.worker.simulated_time import simulated

RAW: Mapping[str, str] = {"name": "c", "colour": "red"}


class Told:
    """Owners, and what became of them."""

    def __init__(self, patches: pytest.MonkeyPatch) -> None:
        self.released: list[Owner] = []
        self.settled = asyncio.Event()
        patches.setattr(Owner, "release", lambda owner: self.released.append(owner))
        self.owners = Owners(self.settle)

    async def settle(self, connector: str) -> None:
        await self.settled.wait()


Tell = Callable[[Callable[[Told], Awaitable[None]]], None]


@pytest.fixture
def tell(monkeypatch: pytest.MonkeyPatch) -> Tell:
    def told(story: Callable[[Told], Awaitable[None]]) -> None:
        async def whole() -> None:
            await story(Told(monkeypatch))

        simulated(whole())

    return told


def test_a_connector_has_one_owner_until_its_config_is_another(tell: Tell) -> None:
    async def story(told: Told) -> None:
        first = told.owners.of("c", RAW)
        assert told.owners.of("c", RAW) is first
        assert told.owners.of("d", RAW) is not first
        told.owners.replace("c")
        assert told.owners.of("c", RAW) is not first

    tell(story)


def test_an_owner_is_released_when_what_ran_is_gone(tell: Tell) -> None:
    async def story(told: Told) -> None:
        first = told.owners.of("c", RAW)
        told.owners.replace("c")
        told.owners.replace("c")
        await asyncio.sleep(10)
        assert told.released == []
        told.settled.set()
        await asyncio.sleep(10)
        assert told.released == [first]

    tell(story)


def test_what_was_only_looked_at_is_released_at_once(tell: Tell) -> None:
    async def story(told: Told) -> None:
        with told.owners.prepared("c", RAW) as owner:
            assert told.released == []
        assert told.released == [owner]
        with pytest.raises(LookupError), told.owners.prepared("c", RAW) as owner:
            raise LookupError
        assert told.released[1:] == [owner]
        assert told.owners.of("c", RAW) is not owner

    tell(story)


def test_who_has_looked_at_a_config_has_it_when_it_is_written(tell: Tell) -> None:
    async def story(told: Told) -> None:
        before = told.owners.of("c", RAW)
        with told.owners.prepared("c", {"name": "c"}) as owner:
            assert told.owners.of("c", RAW) is before
            told.owners.replace("c")
            assert told.owners.of("c", {"name": "c"}) is owner
        assert told.owners.of("c", {"name": "c"}) is owner
        assert told.released == []

    tell(story)


def test_of_two_configs_that_are_looked_at_each_has_its_own_owner(tell: Tell) -> None:
    async def story(told: Told) -> None:
        with told.owners.prepared("c", RAW) as first:
            with told.owners.prepared("c", {"name": "c"}) as second:
                assert told.owners.of("c", {"name": "c"}) is second
            assert told.released == []
        assert told.released == [first]

    tell(story)
