"""What REST asks: who comes first, what is refused, what is answered."""

from collections.abc import Callable

from ferryman.facts.states import State
from tests.worker.control.conftest import Story
from tests.worker.control.played_worker import PlayedWorker

Tell = Callable[[Story], None]


def test_a_connector_is_created_and_runs(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        await worker.created("c", 2)
        assert len(worker.forks.processes) == 2
        print(worker.shown)
        await worker.commands.restart("c", include_tasks=False, only_failed=False)
        print(worker.shown)
        await worker.shows("c", State.RUNNING, State.RUNNING, State.RUNNING)

    tell(story)
