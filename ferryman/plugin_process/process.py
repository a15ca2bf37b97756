"""A process for code of plugins that are not running: it answers one question after the other.

What it has in common with a task's, and how it is reached, is in ``ferryman.forked``. Its worker ends it when an answer
takes too long, or it takes too much memory.
"""

import json
import signal
import socket
from collections.abc import Mapping
from queue import SimpleQueue
from typing import Any, NoReturn

from ferryman.files import allowed_folders
from ferryman.forked import beginning
from ferryman.forked.line import Line
from ferryman.plugin_process import (
    answer,
    checks,
    converters,
    described,
    ending,
    installed,
    letters,
    moves,
    replays,
    resending,
    runs,
)
from ferryman.plugin_process.spec import PluginSpec
from ferryman.plugins import catalog
from ferryman.plugins.others import Others
from ferryman.settings.settings import Settings
from ferryman.telemetry import logs, owners
from ferryman.telemetry.subject import WORKER, about


def main(connection: socket.socket, parent: int) -> NoReturn:
    """The entry point of such a process, a child of ``parent``; the first message says who its worker is."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    line = beginning.tied(connection, parent)
    spec = PluginSpec.parse(line.first())
    beginning.knows(spec, WORKER, line)
    catalog.tell(Others.load(spec.others))
    settings = Settings.of_worker(spec.worker, spec.references)
    allowed_folders.bound(settings.config.connector_allowed_paths)
    _serve(line, settings)


def _serve(line: Line, settings: Settings) -> NoReturn:
    questions: SimpleQueue[dict[str, Any]] = SimpleQueue()
    line.listen(questions.put)
    while True:
        message = questions.get()
        for logger, level in message["levels"].items():
            logs.set_level(logger, level)
        line.tell("answer", {"answer": answered(message["question"], settings)})


def answered(question: str, settings: Settings) -> str:
    """The answer to a question of one of the modules of this folder, as ``answer`` makes it. What the question brings
    is protected for as long as it takes."""
    asked = json.loads(question)
    with owners.passing(), about(asked.get("connector") or ""):
        return answer.of(lambda: _answer(asked, settings))


def _answer(asked: Mapping[str, Any], settings: Settings) -> object:
    match asked["ask"]:
        case "check":
            return checks.answer(asked, settings)
        case "keys":
            return described.answer(asked)
        case "move sink" | "move source":
            return moves.answer(asked)
        case ending.ASK:
            return ending.answer(asked)
        case "run":
            return runs.answer(asked, settings.values)
        case "replay":
            return replays.answer(asked)
        case "look":
            return installed.answer(asked)
        case converters.ASK:
            return converters.answer(settings)
        case letters.ASK:
            return letters.answer(asked, settings)
        case resending.ASK:
            return resending.answer(asked, settings)
        case _:
            raise AssertionError(f"nobody answers {asked['ask']}")
