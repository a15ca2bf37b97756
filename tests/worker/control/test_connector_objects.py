"""A connector that is an object: when it is there, what it asks for, and what becomes of its failures."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from ferryman.errors import RetriableError, TaskError
from ferryman.facts.config_records import Properties, TasksCommit
from ferryman.facts.states import State
from ferryman.leases.lease import Lease
from ferryman.retry.breaker import HEALTHY_SECONDS, MAX_DEATHS
from ferryman.retry.tries import LONGEST_WAIT
from tests.worker.conftest import Story
from tests.worker.lively_processes import Habits, LivelyConnector
from tests.worker.played_worker import DISLIKES, GRACE, PlayedWorker, until

Tell = Callable[[Story], None]


async def lives(worker: PlayedWorker, name: str = "c", most: int = 1) -> LivelyConnector:
    """The object of a connector that was created, and may have so many tasks."""
    worker.forks.habits[name] = Habits(stays=True)
    await worker.commands.create(name, worker.config(name, most))
    await worker.runs(name)
    (found,) = worker.forks.objects(name)
    return found


def commits(worker: PlayedWorker) -> list[int]:
    """The numbers of tasks that were written, one after the other."""
    return [each.tasks for each in worker.written if isinstance(each, TasksCommit)]


def test_it_lives_as_long_as_the_connector_runs(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        first = await lives(worker)
        await asyncio.sleep(3600)
        assert worker.forks.objects() == worker.forks.connectors == [first]
        await worker.commands.pause("c")
        assert worker.forks.objects() == []
        assert (first.wishes, first.killed) == (["stop"], False)
        await worker.commands.resume("c")
        await worker.runs("c")
        (second,) = worker.forks.objects()
        assert second.made == 1
        await worker.commands.stop("c")
        assert worker.forks.objects() == []
        await worker.commands.resume("c")
        await worker.runs("c")
        await worker.commands.delete("c")
        assert worker.forks.objects() == []
        assert len(worker.forks.connectors) == 3

    tell(story)


def test_the_old_one_is_gone_before_the_new_one_begins(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        first = await lives(worker)
        worker.forks.habits["c"].ends_in = 3.0
        worker.forks.watch_connector = lambda connector: lived.append(first.lives)
        lived: list[bool] = []
        await worker.commands.put("c", worker.config("c", colour="red"))
        await worker.runs("c")
        await worker.commands.restart("c", include_tasks=False, only_failed=False)
        await worker.runs("c")
        assert lived == [False, False]
        assert [each.config["colour"] for each in worker.forks.connectors] == ["plain", "red", "red"]

    tell(story)


def test_one_that_does_not_end_is_killed_and_holds_up_nobody_but_its_successor(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        first = await lives(worker)
        first.habits.ends_in, first.habits.dies_in = None, 30.0
        put = asyncio.create_task(worker.commands.put("c", worker.config("c", colour="red")))
        await worker.created("other")
        await until(lambda: first.killed)
        await asyncio.sleep(20)
        assert worker.forks.objects("c") == [first]
        await put
        await until(lambda: [each for each in worker.forks.objects("c") if each is not first])
        assert not first.lives

    tell(story)


def test_other_tasks_that_it_asks_for_replace_those_that_run(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.moods["c"] = 1
        connector = await lives(worker, most=3)
        (first,) = worker.forks.live("c")
        for tasks in (3, 2, 2):
            worker.moods["c"] = tasks
            connector.asks()
            await until(lambda: connector.made == len(commits(worker)) or commits(worker) == [1, 3, 2])
            await worker.runs("c", tasks)
        assert commits(worker) == [1, 3, 2]
        assert worker.forks.live("c-0") == [first]
        assert worker.forks.objects() == worker.forks.connectors == [connector]

    tell(story)


def test_what_the_leader_does_not_take_is_offered_again_and_nothing_is_asked_meanwhile(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.moods["c"] = 1
        connector = await lives(worker, most=3)
        write, offered = worker.plane.write_tasks, list[float]()
        loop = asyncio.get_running_loop()

        async def refused(name: str, configs: Sequence[Properties]) -> None:
            offered.append(loop.time())
            if len(offered) < 10:
                raise RetriableError("it has no leader now")
            await write(name, configs)

        worker.patches.setattr(worker.plane, "write_tasks", refused)
        worker.moods["c"] = 3
        connector.asks()
        await until(lambda: len(offered) == 5)
        for _ in range(20):
            connector.asks()
        await worker.runs("c", 3)
        assert connector.made == 2
        assert offered[1] - offered[0] < 1
        assert offered[7] - offered[6] > 1
        connector.asks()
        await until(lambda: connector.made == 3)

    tell(story)


def test_one_that_raises_has_failed_and_is_started_anew_ever_more_rarely(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        connector = await lives(worker)
        (task,) = worker.forks.live("c")
        for _ in range(8):
            connector.fails("it broke")
            await worker.shows("c", State.FAILED, State.RUNNING)
            assert worker.board.status("c").trace == "it broke"  # type: ignore[union-attr]
            await worker.runs("c")
            (connector,) = worker.forks.objects()
        assert worker.forks.live("c") == [task]
        loop = asyncio.get_running_loop()
        began = loop.time()
        worker.moods["c"] = ConnectionError("away")
        connector.fails()
        await asyncio.sleep(600)
        assert len(worker.forks.connectors) < 9 + 100
        del worker.moods["c"]
        await worker.runs("c")
        assert loop.time() - began > 600
        await asyncio.sleep(HEALTHY_SECONDS)
        known = len(worker.forks.connectors)
        worker.forks.objects()[0].fails()
        await asyncio.sleep(1)
        assert len(worker.forks.connectors) == known + 1, "what has run for long is started anew at once"

    tell(story)


@pytest.mark.parametrize("error", [DISLIKES, TaskError("nobody can go on")])
def test_what_waits_for_somebody_is_started_by_a_restart(tell: Tell, error: Exception) -> None:
    async def story(worker: PlayedWorker) -> None:
        connector = await lives(worker)
        worker.moods["c"] = error
        connector.asks()
        await worker.shows("c", State.FAILED, State.RUNNING)
        await asyncio.sleep(3600)
        assert worker.states("c") == [State.FAILED, State.RUNNING]
        assert worker.forks.objects() == []
        del worker.moods["c"]
        await worker.commands.restart("c", include_tasks=True, only_failed=True)
        await worker.runs("c")
        assert len(worker.forks.objects()) == 1

    tell(story)


def test_one_that_has_failed_and_lingers_is_killed(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        connector = await lives(worker)
        worker.moods["c"] = DISLIKES
        connector.says("failed", trace="it broke", may_recover=False)
        await worker.shows("c", State.FAILED, State.RUNNING)
        assert connector.lives
        await asyncio.sleep(GRACE)
        assert connector.killed

    tell(story)


def test_one_that_dies_without_a_word_is_followed_by_another_and_fails_when_it_goes_on_like_that(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        (await lives(worker)).dies(-9)
        await until(lambda: len(worker.forks.connectors) == 2)
        assert ("c", None, State.RESTARTING) in worker.shown
        await worker.runs("c")
        worker.forks.habits["c"].crashes = True
        worker.forks.objects()[0].dies(-9)
        await worker.shows("c", State.FAILED, State.RUNNING)
        assert f"it has died {MAX_DEATHS} times in a row" in (worker.board.status("c").trace or "")  # type: ignore[union-attr]
        worker.forks.habits["c"].crashes = False
        await asyncio.sleep(LONGEST_WAIT + HEALTHY_SECONDS + 1)
        assert worker.states("c") == [State.RUNNING, State.RUNNING]

    tell(story)


def test_one_that_is_to_be_asked_only_and_dies_is_asked_again(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.forks.habits["c"] = Habits(crashes=True)
        await worker.commands.create("c", worker.config("c"))
        await worker.shows("c", State.RESTARTING)
        worker.forks.habits["c"].crashes = False
        await worker.runs("c")
        assert worker.forks.objects() == []

    tell(story)


def test_while_one_hangs_in_its_start_it_does_not_count_as_running(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        await lives(worker)
        worker.forks.habits["c"].answers_in = None
        put = asyncio.create_task(worker.commands.put("c", worker.config("c", colour="red")))
        await worker.shows("c", State.UNASSIGNED, State.RUNNING)
        await put
        assert asyncio.get_running_loop().time() < 60, "a request waits for a while, and no longer"
        await worker.shows("c", State.FAILED, State.RUNNING)
        worker.forks.habits["c"].answers_in = 0.0
        await worker.commands.restart("c", include_tasks=False, only_failed=False)
        await worker.runs("c")
        assert len(worker.forks.objects()) == 1

    tell(story)


def test_what_hangs_keeps_nobody_else_from_starting(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        creates = []
        for number in range(30):
            name = f"hangs-{number}"
            worker.forks.habits[name] = Habits(answers_in=None, stays=True)
            creates.append(asyncio.create_task(worker.commands.create(name, worker.config(name))))
        await until(lambda: len(worker.forks.objects()) == 8)
        await worker.created("c")
        assert asyncio.get_running_loop().time() < 30
        await asyncio.gather(*creates)

    tell(story)


def test_the_tasks_configs_are_made_again_when_they_are_lost(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        connector = await lives(worker)
        await worker.created("asked")
        for name in ("c", "asked"):
            await worker.journal.write(TasksCommit(name, 2))
        await until(lambda: connector.made == 2)
        await until(lambda: sum(each.name == "asked" for each in worker.forks.connectors) == 2)
        assert worker.forks.objects() == [connector]

    tell(story)


def test_leases_and_levels_reach_it(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        connector = await lives(worker)
        worker.plane.reconciler.renew(Lease(5.0, 6.0))
        await worker.commands.set_level("a", "DEBUG")
        await until(lambda: connector.levels)
        assert (connector.leases, connector.levels) == ([[5.0, 6.0]], {"a": "DEBUG"})
        connector.dies(-9)
        await until(lambda: len(worker.forks.objects()) == 1)

    tell(story)


def test_at_the_end_of_the_worker_it_is_stopped_within_the_graceful_timeout(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        polite = await lives(worker, "polite")
        stubborn = await lives(worker, "stubborn")
        worker.forks.habits["stubborn"].ends_in = None
        loop = asyncio.get_running_loop()
        began = loop.time()
        await worker.commands.close()
        assert loop.time() - began <= GRACE + 2
        assert (polite.wishes, polite.killed, stubborn.killed) == (["stop"], False, True)
        assert worker.forks.objects() == []

    tell(story)
