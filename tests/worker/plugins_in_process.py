"""The plugins of a worker that a test plays: their code is asked in the test's own process."""

import json
from typing import Any

from ferryman.plugin_process import answer, process
from ferryman.plugins.others import Others
from ferryman.settings.settings import Settings
from ferryman.worker.plugin_code.plugins import Plugins
from ferryman.worker.plugin_code.processes import Asked
from ferryman.worker.pool import DEADLINE_SECONDS


def plugins(settings: Settings, pool: Any = None) -> Plugins:
    """The plugins of a worker where nobody else has installed any."""

    async def ask(asked: Asked, within: float = DEADLINE_SECONDS) -> Any:
        told = Settings.of_worker(settings.values, settings.references.rows(), settings.mode)
        return answer.unpack(process.answer_to(json.dumps(asked.question), told))

    made = Plugins(settings, ask, pool)
    made.are_known(Others())
    return made
