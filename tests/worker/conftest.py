"""Stories of a played worker, told in simulated time."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.worker.played_worker import PlayedWorker
from tests.worker.simulated_time import simulated

Story = Callable[[PlayedWorker], Awaitable[None]]


@pytest.fixture
def tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Story], None]:
    """Tells a story from its beginning to its end."""

    def told(story: Story) -> None:
        async def whole() -> None:
            await story(PlayedWorker(tmp_path, monkeypatch))

        simulated(whole())

    return told
