"""What REST asks: who comes first, what is refused, what is answered."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from ferryman.dead_letters.choice import Choice
from ferryman.errors import ConfigError, RequestError
from ferryman.facts.config_records import ConnectorConfig, TargetStateRecord, TasksCommit
from ferryman.facts.states import State, TargetState
from ferryman.worker.control.plane import CLOSING
from ferryman.worker.herder import PartitionOffset
from ferryman.worker.requests import offsets
from ferryman.worker.requests.herder_on_plane import PlaneHerder
from tests.worker.conftest import Story
from tests.worker.lively_processes import Habits
from tests.worker.played_worker import PlayedWorker, refusal, until

Tell = Callable[[Story], None]
Request = Callable[[PlaneHerder], Coroutine[Any, Any, Any]]

NOT_FOUND: dict[str, tuple[Request, str]] = {
    "info": (lambda it: it.info("c"), "Connector c not found"),
    "status": (lambda it: it.status("c"), "No status found for connector c"),
    "tasks": (lambda it: it.tasks("c"), "Connector c not found"),
    "delete": (lambda it: it.delete("c"), "Connector c not found"),
    "patch": (lambda it: it.patch("c", {}), "Connector c not found"),
    "pause": (lambda it: it.pause("c"), "Unknown connector c"),
    "resume": (lambda it: it.resume("c"), "Unknown connector c"),
    "stop": (lambda it: it.stop("c"), "Unknown connector c"),
    "restart": (lambda it: it.restart("c", False, False), "Unknown connector: c"),
    "restart with its tasks": (lambda it: it.restart("c", True, False), "Unknown connector: c"),
    "restart of a task": (lambda it: it.restart_task("c", 0), "Unknown connector: c"),
    "offsets": (lambda it: it.offsets("c"), "Connector c not found"),
    "reset of offsets": (lambda it: it.reset_offsets("c"), "Connector c not found"),
    "change of offsets": (lambda it: it.alter_offsets("c", []), "Connector c not found"),
}


@pytest.mark.parametrize("what", NOT_FOUND)
def test_what_there_is_not_is_not_found(tell: Tell, what: str) -> None:
    request, text = NOT_FOUND[what]

    async def story(worker: PlayedWorker) -> None:
        assert await refusal(request(worker.commands)) == (404, text)
        worker.forks.habits["c"] = Habits(ends_in=3)
        await worker.created("c")
        deletion = asyncio.create_task(worker.commands.delete("c"))
        await asyncio.sleep(1)
        if what != "status":  # which is there until the tasks are gone
            assert await refusal(request(worker.commands)) == (404, text)
        await deletion
        assert await refusal(request(worker.commands)) == (404, text)

    tell(story)


@pytest.mark.parametrize("what", [name for name in NOT_FOUND if name not in ("info", "status", "tasks", "offsets")])
def test_who_waits_for_a_deletion_finds_it_gone(tell: Tell, what: str) -> None:
    request, text = NOT_FOUND[what]

    async def story(worker: PlayedWorker) -> None:
        worker.forks.habits["c"] = Habits(ends_in=3)
        await worker.created("c")
        restart = asyncio.create_task(worker.commands.restart_task("c", 0))
        await asyncio.sleep(0)
        deletion = asyncio.create_task(worker.commands.delete("c"))
        await asyncio.sleep(1)
        waiting = asyncio.create_task(request(worker.commands))
        await asyncio.gather(restart, deletion)
        assert await refusal(waiting) == (404, text)
        await asyncio.sleep(60)
        assert worker.forks.live() == []

    tell(story)


def test_a_name_is_given_once(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        creations = [
            asyncio.create_task(worker.commands.create("c", worker.config("c", colour=colour)))
            for colour in ("red", "green")
        ]
        first, second = await asyncio.gather(*creations, return_exceptions=True)
        assert isinstance(second, RequestError)
        assert (second.status, str(second)) == (409, "Connector c already exists")
        assert not isinstance(first, BaseException)
        assert first.config["colour"] == "red"
        assert (await worker.commands.info("c")).config["colour"] == "red"

    tell(story)


def test_of_two_puts_at_once_one_creates_and_the_other_replaces(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        first, second = await asyncio.gather(
            worker.commands.put("c", worker.config("c", colour="red")),
            worker.commands.put("c", worker.config("c", colour="green")),
        )
        assert (first.created, second.created) == (True, False)
        assert (await worker.commands.info("c")).config["colour"] == "green"
        await worker.runs("c")
        assert worker.forks.live("c")[0].config["colour"] == "green"

    tell(story)


def test_a_put_that_comes_after_a_deletion_creates(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        await worker.created("c")
        worker.pool.takes = lambda stage: 5.0 if "validation" in stage else 0.0
        put = asyncio.create_task(worker.commands.put("c", worker.config("c", colour="red")))
        await asyncio.sleep(1)
        await worker.commands.delete("c")
        assert (await put).created
        await worker.runs("c")

    tell(story)


def test_patches_at_once_lose_nothing_of_each_other(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        await worker.created("c")
        worker.pool.takes = lambda stage: 1.0
        infos = await asyncio.gather(
            worker.commands.patch("c", {"colour": "red"}),
            worker.commands.patch("c", {"errors.log.enable": "true", "name": "other"}),
            worker.commands.patch("c", {"tasks.max": "2"}),
        )
        expected = worker.config("c", 2, colour="red") | {"errors.log.enable": "true"}
        assert (await worker.commands.info("c")).config == expected
        assert expected in [each.config for each in infos]
        assert (await worker.commands.patch("c", {"colour": None})).config.keys() == expected.keys() - {"colour"}

    tell(story)


def test_a_patch_of_what_is_deleted_meanwhile_creates_nothing(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        await worker.created("c")
        worker.pool.takes = lambda stage: 5.0 if "validation" in stage else 0.0
        patch = asyncio.create_task(worker.commands.patch("c", {"colour": "red"}))
        await asyncio.sleep(1)
        await worker.commands.delete("c")
        assert await refusal(patch) == (404, "Connector c not found")
        assert await worker.commands.connectors() == []

    tell(story)


def test_a_config_that_is_refused_changes_nothing(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        before = await worker.created("c")
        written = len(worker.written)
        bad = worker.config("c") | {"tasks.max": "none"}
        for request in (
            worker.commands.create("d", bad),
            worker.commands.put("c", bad),
            worker.commands.patch("c", {"tasks.max": "none"}),
        ):
            with pytest.raises(ConfigError, match=r"tasks\.max"):
                await request
        assert len(worker.written) == written
        assert worker.forks.live() == before
        assert worker.plane.owners._prepared == []

    tell(story)


def test_a_connector_that_is_to_begin_paused_or_stopped_has_its_target_before_its_config(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        await worker.commands.create("c", worker.config("c"), TargetState.PAUSED)
        kinds = [type(each) for each in worker.written]
        assert kinds[:2] == [TargetStateRecord, ConnectorConfig]
        await worker.shows("c", State.PAUSED)
        await worker.commands.delete("c")
        await worker.created("c")  # whose target is nobody's heritage

    tell(story)


def test_a_stop_takes_the_tasks_configs_first(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        await worker.created("c")
        await worker.commands.stop("c")
        assert worker.written[-2:] == [TasksCommit("c", 0), TargetStateRecord("c", TargetState.STOPPED)]
        assert await worker.commands.tasks("c") == []

    tell(story)


def test_tasks_are_told_with_the_configs_they_run_with_references_unresolved(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        await worker.created("c", 2, colour=worker.provided)
        tasks = await worker.commands.tasks("c")
        assert [(each.connector, each.task) for each in tasks] == [("c", 0), ("c", 1)]
        assert {each.config["colour"] for each in tasks} == {worker.provided}
        assert {each.config["task.class"] for each in tasks} == {"MoodySink"}
        info = await worker.commands.info("c")
        assert (info.type, info.tasks, info.config["colour"]) == ("sink", range(2), worker.provided)
        assert "as-provided" not in repr(tasks) + repr(info)

    tell(story)


def test_a_restart_is_answered_with_what_restarts(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        processes = await worker.created("c", 2)
        assert await worker.commands.restart("c", include_tasks=False, only_failed=False) is None
        processes[1].fails()
        await worker.shows("c", State.RUNNING, State.RUNNING, State.FAILED)
        answer = await worker.commands.restart("c", include_tasks=True, only_failed=True)
        assert answer is not None
        assert answer.connector.state is State.RUNNING
        assert [answer.tasks[number].state for number in (0, 1)] == [State.RUNNING, State.RESTARTING]
        assert answer.tasks[1].trace == "it broke"  # what is mended by it, as with Kafka
        await worker.runs("c", 2)
        answer = await worker.commands.restart("c", include_tasks=True, only_failed=False)
        assert answer is not None
        assert {answer.connector.state, *(each.state for each in answer.tasks.values())} == {State.RESTARTING}
        await worker.runs("c", 2)
        assert len(worker.forks.processes) == 2 + 1 + 2

    tell(story)


@pytest.mark.parametrize("number", [-1, 2, 1 << 40])
def test_a_task_that_there_is_not_is_not_restarted(tell: Tell, number: int) -> None:
    async def story(worker: PlayedWorker) -> None:
        await worker.created("c", 2)
        assert await refusal(worker.commands.restart_task("c", number)) == (404, f"Unknown task: c-{number}")

    tell(story)


class PlayedOffsets:
    """Offsets that are moved in no time."""

    def __init__(self, *_: object) -> None: ...

    def read(self) -> list[object]:
        return []

    def alter(self, offsets: object) -> str:
        return "altered"

    def reset(self) -> str:
        return "reset"


def test_offsets_are_moved_of_a_stopped_connector_only_and_when_its_tasks_are_gone(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.patches.setattr(offsets, "ConnectorOffsets", PlayedOffsets)
        worker.forks.habits["c"] = Habits(ends_in=3)
        (process,) = await worker.created("c")
        entry = PartitionOffset({"kafka_topic": "t", "kafka_partition": 0}, None)
        text = (
            "Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the "
            "specified connector by issuing a 'PUT' request to the '/connectors/c/stop' endpoint"
        )
        for pause in (False, True):
            if pause:
                await worker.commands.pause("c")
            assert await refusal(worker.commands.reset_offsets("c")) == (400, text)
            assert await refusal(worker.commands.alter_offsets("c", [entry])) == (400, text)
        stop = asyncio.create_task(worker.commands.stop("c"))
        await asyncio.sleep(1)
        stop.cancel()  # whoever asked does not wait for the tasks, and the next one comes too early
        assert process.lives
        assert await worker.commands.reset_offsets("c") == "reset"
        assert not process.lives
        assert await worker.commands.alter_offsets("c", [entry]) == "altered"

    tell(story)


def test_nothing_starts_while_offsets_are_moved(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.patches.setattr(offsets, "ConnectorOffsets", PlayedOffsets)
        await worker.created("c")
        await worker.commands.stop("c")
        known = len(worker.forks.processes)
        worker.pool.takes = lambda stage: 10.0 if stage.startswith("modifying offsets") else 0.0
        reset = asyncio.create_task(worker.commands.reset_offsets("c"))
        await asyncio.sleep(1)
        requests = [
            asyncio.create_task(worker.commands.resume("c")),
            asyncio.create_task(worker.commands.restart("c", include_tasks=True, only_failed=False)),
            asyncio.create_task(worker.commands.put("c", worker.config("c", colour="red"))),
        ]
        await asyncio.sleep(8)
        assert len(worker.forks.processes) == known
        await asyncio.gather(reset, *requests)
        await worker.runs("c")

    tell(story)


def test_offsets_of_a_class_that_is_gone_cannot_be_moved(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        await worker.created("c")
        await worker.commands.stop("c")
        gone = {**worker.config("c"), "connector.class": "Gone"}
        await worker.journal.write(ConnectorConfig("c", gone))
        status, text = await refusal(worker.commands.reset_offsets("c"))
        assert (status, text) == (500, "The offsets of connector c are out of reach: its class cannot be loaded")
        assert (await worker.commands.status("c")).type == "unknown"

    tell(story)


def test_whoever_comes_when_it_ends_is_told_so(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.forks.habits["c"] = Habits(ends_in=3)
        await worker.created("c")
        worker.commands.ready = True
        assert (await worker.commands.health()).status == "healthy"
        waiting = asyncio.create_task(worker.commands.delete("c"))
        behind = asyncio.create_task(worker.commands.pause("c"))
        close = asyncio.create_task(worker.commands.close())
        await asyncio.sleep(1)
        assert (await worker.commands.health()).status == "starting"
        for request in (
            worker.commands.create("d", worker.config("d")),
            worker.commands.put("c", worker.config("c")),
        ):
            assert await refusal(request) == (503, CLOSING)
        await asyncio.gather(waiting, close)
        assert await refusal(behind) in [(503, CLOSING), (404, "Unknown connector c")]

    tell(story)


def test_one_connector_does_not_wait_for_another(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.forks.habits["slow"] = Habits(ends_in=None, dies_in=None)
        await worker.created("slow")
        deletion = asyncio.create_task(worker.commands.delete("slow"))
        behind = asyncio.create_task(worker.commands.create("slow", worker.config("slow")))
        await asyncio.sleep(0)
        before = asyncio.get_running_loop().time()
        await worker.commands.create("quick", worker.config("quick"))
        await worker.commands.stop("quick")
        await worker.commands.delete("quick")
        assert asyncio.get_running_loop().time() - before < 1
        await asyncio.sleep(3600)
        assert not deletion.done()
        assert not behind.done()
        worker.forks.live("slow")[0].dies(-9)
        await asyncio.gather(deletion, behind)
        await until(lambda: len(worker.forks.live("slow")) == 1)

    tell(story)


def test_tasks_that_were_made_of_an_older_config_come_too_late(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        async def accepted() -> None:
            """This one leads."""

        worker.plane.members.accept_task_configs = accepted  # type: ignore[method-assign]
        await worker.created("c", colour="red")
        before = worker.plane.journal.facts.of("c")
        await worker.commands.patch("c", {"colour": "blue"})
        now = worker.plane.journal.facts.of("c")
        put = worker.commands.put_task_configs
        assert (await refusal(put("c", before.tasks, before.version)))[0] == 409
        assert worker.plane.journal.facts.of("c").tasks == now.tasks != before.tasks
        await put("c", [], now.version)
        assert worker.plane.journal.facts.of("c").tasks == ()

    tell(story)


@pytest.mark.parametrize("what", ["patch", "logs", "logs of a task", "dead letters"])
def test_nothing_is_looked_for_before_the_configs_have_been_read(tell: Tell, what: str) -> None:
    requests: dict[str, Request] = {
        "patch": lambda it: it.patch("c", {"colour": "red"}),
        "logs": lambda it: it.logs.of("c"),
        "logs of a task": lambda it: it.logs.of("c", 0),
        "dead letters": lambda it: it.dead_letters.found("c", Choice(), 1, 1),
    }

    async def story(worker: PlayedWorker) -> None:
        read = asyncio.Event()
        worker.patches.setattr(worker.commands.plane.journal, "read", read.wait)
        waiting = asyncio.create_task(requests[what](worker.commands))
        await asyncio.sleep(1)
        assert not waiting.done()
        read.set()
        await worker.created("c")
        waiting.cancel()

    tell(story)


def test_a_patch_asks_who_leads_before_it_looks(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        async def lead() -> None:
            raise RequestError(409, "a rebalance is under way")

        worker.patches.setattr(worker.commands.plane.members, "lead", lead)
        assert await refusal(worker.commands.patch("c", {})) == (409, "a rebalance is under way")

    tell(story)
