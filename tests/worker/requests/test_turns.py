"""Turns of requests that change a connector."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from ferryman.errors import RequestError
from ferryman.worker import askers
from ferryman.worker.requests.turns import Turns


async def nothing() -> None:
    """All has been read."""


async def changes(turns: Turns, client: dict[str, bool], done: list[str]) -> None:
    async def has_gone() -> bool:
        return client["gone"]

    with askers.on_behalf_of(has_gone):
        async with turns.of("c"):
            done.append("changed")


@pytest.mark.parametrize("gone", [False, True])
def test_who_has_gone_before_their_turn_changes_nothing(gone: bool) -> None:
    plane: Any = SimpleNamespace(journal=SimpleNamespace(read=nothing), closing=False)

    async def two() -> list[str]:
        turns, client, done = Turns(plane), {"gone": False}, list[str]()
        async with turns.of("c"):
            second = asyncio.ensure_future(changes(turns, client, done))
            await asyncio.sleep(0)
            client["gone"] = gone
        await asyncio.gather(second, return_exceptions=True)
        if gone:
            assert isinstance(second.exception(), RequestError)
        return done

    assert asyncio.run(two()) == ([] if gone else ["changed"])


def test_who_has_gone_but_need_not_wait_is_obeyed() -> None:
    plane: Any = SimpleNamespace(journal=SimpleNamespace(read=nothing), closing=False)
    done = list[str]()
    asyncio.run(changes(Turns(plane), {"gone": True}, done))
    assert done == ["changed"]


def test_what_a_request_has_set_off_goes_on_when_its_client_has_gone() -> None:
    async def has_gone() -> bool:
        return True

    async def later(answered: asyncio.Event) -> None:
        await answered.wait()
        await askers.look()

    async def sets_off() -> None:
        answered = asyncio.Event()
        with askers.on_behalf_of(has_gone):
            going_on = asyncio.ensure_future(later(answered))
        answered.set()
        await going_on

    asyncio.run(sets_off())
