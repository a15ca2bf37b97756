"""A process for code of plugins that are not running: it answers one question after the other.

What it has in common with a task's, and how it is reached, is in ``ferryman.forked``. Its worker ends it when an answer
takes too long, or it takes too much memory.
"""

import json
import signal
import socket
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from typing import Any, NoReturn

from ferryman.files import allowed_folders
from ferryman.forked import after_fork
from ferryman.forked.line import Line
from ferryman.plugin_process import (
    alter_offsets,
    answer,
    checks,
    converters,
    ends,
    installed,
    keys,
    replays,
    resending,
    runs,
    shown_letter,
)
from ferryman.plugin_process.spec import PluginSpec
from ferryman.plugins import catalog
from ferryman.plugins.others import Others
from ferryman.settings.modes import DISTRIBUTED, STANDALONE
from ferryman.settings.settings import Settings
from ferryman.telemetry import logs, owners
from ferryman.telemetry.subject import WORKER, about

ANSWERS: Mapping[str, Callable[[Mapping[str, Any], Settings], object]] = {
    alter_offsets.ASK: alter_offsets.answer,
    checks.ASK: checks.answer,
    converters.ASK: converters.answer,
    ends.ASK: ends.answer,
    installed.ASK: installed.answer,
    keys.ASK: keys.answer,
    shown_letter.ASK: shown_letter.answer,
    replays.ASK: replays.answer,
    resending.ASK: resending.answer,
    runs.ASK: runs.answer,
}
"""Who answers which question."""


def main(connection: socket.socket, parent: int) -> NoReturn:
    """The entry point of such a process, a child of ``parent``; the first message says who its worker is."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    line = after_fork.tied(connection, parent)
    spec = PluginSpec.parse(line.first())
    after_fork.knows(spec, WORKER, line)
    catalog.set_third_party(Others.load(spec.others))
    settings = Settings.of_worker(spec.worker, spec.references, DISTRIBUTED if spec.distributed else STANDALONE)
    allowed_folders.bound(settings.config.connector_allowed_paths)
    _serve(line, settings)


def _serve(line: Line, settings: Settings) -> NoReturn:
    questions: SimpleQueue[dict[str, Any]] = SimpleQueue()
    line.listen(questions.put)
    while True:
        message = questions.get()
        logs.set_levels(message["levels"])
        line.tell("answer", {"answer": answer_to(message["question"], settings)})


def answer_to(question: str, settings: Settings) -> str:
    """The answer to a question of one of the modules of this folder, as ``answer`` makes it. What the question brings
    is protected for as long as it takes."""
    asked = json.loads(question)
    with owners.passing(), about(asked.get("connector") or ""):
        return answer.of(lambda: ANSWERS[asked["ask"]](asked, settings))
