"""The places of a worker: each goes its way, and whoever waits for one waits for no other."""

import asyncio
from collections.abc import Callable

import pytest

from ferryman.facts.states import TargetState
from ferryman.leases.lease import Lease
from ferryman.worker.control.follower import Follower
from ferryman.worker.control.wanted import Wanted, wanted
from tests.worker.conftest import Story
from tests.worker.lively_processes import Habits
from tests.worker.played_worker import PlayedWorker, until

Tell = Callable[[Story], None]


def test_a_task_that_does_not_end_holds_up_nobody_but_its_successor(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.forks.habits["c-1"] = Habits(ends_in=None, dies_in=None)
        processes = await worker.created("c", 3)
        await worker.created("d")
        puts = [
            asyncio.create_task(worker.commands.put(name, worker.config(name, tasks, colour="red")))
            for name, tasks in (("c", 3), ("d", 1))
        ]
        await until(lambda: len(worker.forks.of("c")) == 5 and len(worker.forks.of("d")) == 2)
        await puts[1]
        await asyncio.sleep(600)
        assert [each.lives for each in processes] == [False, True, False]
        assert not puts[0].done()
        processes[1].dies(-9)
        await puts[0]
        await worker.runs("c", 3)

    tell(story)


def test_tasks_start_in_their_order(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        await worker.created("c", 9)
        assert [each.name for each in worker.forks.processes] == [f"c-{number}" for number in range(9)]

    tell(story)


def test_what_happens_to_one_connector_is_no_matter_of_the_others(tell: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a worker with a thousand would do a thousand times a thousand things."""
    wishes: list[object] = []
    want = Follower.want

    def counted(self: Follower[object], wanted: object) -> None:
        wishes.append(wanted)
        want(self, wanted)

    monkeypatch.setattr(Follower, "want", counted)

    def wishes_beside(others: int) -> int:
        told: list[int] = []

        async def story(worker: PlayedWorker) -> None:
            worker.checks_nothing()
            for number in range(others):
                await worker.commands.create(f"other{number}", worker.config("other"), TargetState.STOPPED)
            wishes.clear()
            await worker.created("c", 2)
            await worker.commands.pause("c")
            await worker.commands.resume("c")
            await worker.commands.restart_task("c", 1)
            await worker.commands.restart("c", include_tasks=True, only_failed=False)
            await worker.commands.put("c", worker.config("c", 1))
            await worker.commands.delete("c")
            told.append(len(wishes))

        tell(story)
        return told[0]

    assert wishes_beside(0) == wishes_beside(40) > 0


def test_what_is_gone_is_not_waited_for_and_what_ends_is(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        reconciler = worker.plane.reconciler
        worker.forks.habits["c-0"] = Habits(ends_in=3)
        await worker.created("c", 2)
        loop = asyncio.get_running_loop()
        before = loop.time()
        await reconciler.gone([("nobody", 0), ("nobody", None), ("c", 0)])
        assert loop.time() == before
        reconciler.want(Wanted())
        await reconciler.gone([("c", 1)])
        assert loop.time() - before < 1
        assert reconciler.instances("c") == [("c", 0)]
        await reconciler.gone([("c", 0), ("c", None)])
        assert loop.time() - before >= 3
        assert reconciler.instances("c") == []

    tell(story)


def test_what_is_wanted_again_before_it_is_gone_comes_back_in_its_place(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        reconciler = worker.plane.reconciler
        worker.forks.habits["c"] = Habits(ends_in=3)
        await worker.created("c")
        for _ in range(3):
            reconciler.want(Wanted())
            await asyncio.sleep(1)
            reconciler.want(wanted(worker.journal.facts.connectors, worker.members.assigned, {}))
            assert len(worker.forks.live("c")) <= 1
        await reconciler.settle("c")
        await worker.runs("c")
        assert len(worker.forks.live("c")) == 1

    tell(story)


def test_what_is_not_here_has_no_status(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        await worker.created("c")
        reconciler = worker.plane.reconciler
        assert reconciler.status(("c", 0)) == worker.board.tasks("c")[0]
        assert reconciler.status(("c", None)) == worker.board.status("c")
        assert reconciler.status(("c", 1)) is None
        assert reconciler.status(("d", None)) is None

    tell(story)


def test_a_lease_is_renewed_for_all(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        processes = [*await worker.created("c", 2), *await worker.created("d")]
        worker.plane.reconciler.renew(Lease(12.0, 15.0))
        await until(lambda: all(each.leases == [[12.0, 15.0]] for each in processes))

    tell(story)
