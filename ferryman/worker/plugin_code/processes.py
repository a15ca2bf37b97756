"""The processes of one worker that plugins' code runs in where no task or connector runs.

They wait a while for the next question, since to fork one costs more than to ask it. Ferryman's own plugins share
them. Others' have processes of their own, one set for each set of modules: whoever stands still or dies there holds up
nobody else's, and what it has imported is still there when it is asked again.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from ferryman.errors import RequestError
from ferryman.java.instants import utc_text
from ferryman.plugin_process import answer
from ferryman.plugin_process.answer import PluginError
from ferryman.plugin_process.spec import PluginSpec
from ferryman.plugins import catalog, named
from ferryman.settings.modes import DISTRIBUTED
from ferryman.settings.settings import Settings
from ferryman.telemetry import logs
from ferryman.worker.forks.forked import Forks
from ferryman.worker.plugin_code.process import Died, PluginProcess
from ferryman.worker.pool import DEADLINE_SECONDS
from ferryman.worker.processes.patient_semaphore import PatientSemaphore

OURS, STRANGERS = (2, 72), (2, 16)
"""How many of a set are asked at a time, besides those that take long, and how many questions may be unanswered: of a
plugin that stands still there are soon as many processes."""
LINGER_SECONDS = 10.0
"""Seconds without a question after which a process ends."""
MAX_QUESTIONS = 100
"""Questions after which a process ends: what plugins leave behind in it does not add up."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and who is to answer it."""

    question: Mapping[str, Any] = field(repr=False)
    rows: Sequence[named.Row]
    """The plugins whose code answers it."""
    stage: str
    """What the worker does meanwhile, in Kafka Connect's form."""
    once: bool = False
    """Whether it is answered by a process that has answered nothing before, and will answer nothing else: the code
    does something instead of only looking."""

    @property
    def strangers(self) -> frozenset[str]:
        """The modules of plugins that are not ours."""
        return frozenset(module for _, _, module, _ in self.rows) - {*named.modules(self.rows)}

    @property
    def blamed(self) -> str:
        """Whose code it is, as configs call it: that of others if there is any, since it is hardly ours."""
        strangers = [name for _, name, module, _ in self.rows if module in self.strangers]
        return ", ".join(dict.fromkeys(strangers or [name for _, name, _, _ in self.rows])) or "Ferryman's own plugins"


class Ask(Protocol):
    """Somebody who answers."""

    async def __call__(self, asked: Asked, within: float = DEADLINE_SECONDS) -> Any:
        """What plugins' code says. Raises what ``plugin_process.answer.unpack`` raises, and RequestError 500 for code
        that does not come back ``within`` seconds or has ended its process, 503 where too many wait."""


@dataclass(eq=False)
class _Set:
    """The processes for plugins of the same modules."""

    turns: PatientSemaphore
    most: int
    """Questions that may be unanswered."""
    unanswered: int = 0
    free: list[PluginProcess] = field(default_factory=list)

    def take(self, modules: Sequence[str]) -> PluginProcess | None:
        """One that is free, lives, and need not import any of these."""
        for process in [each for each in self.free if not each.lives]:
            self.free.remove(process)
            process.end()
        fitting = next((each for each in reversed(self.free) if each.modules.issuperset(modules)), None)
        if fitting is not None:
            self.free.remove(fitting)
        return fitting

    def leave(self, process: PluginProcess) -> None:
        """It waits for the next question, but not for ever; of several the one that was asked last is asked next."""
        self.free.append(process)
        asyncio.get_running_loop().call_later(LINGER_SECONDS, self._dismiss, process, process.asked)

    def _dismiss(self, process: PluginProcess, asked: int) -> None:
        if process in self.free and process.asked == asked:
            self.free.remove(process)
            process.end()


class PluginProcesses:
    """The processes of one worker; an ``Ask``."""

    def __init__(self, forks: Forks, settings: Settings, levels: Mapping[str, str]) -> None:
        self._forks, self._settings, self._levels = forks, settings, levels
        self._sets: dict[frozenset[str], _Set] = {}
        self._modules: dict[str, None] = {}
        """Ours that the server has been asked to import, in order."""

    async def __call__(self, asked: Asked, within: float = DEADLINE_SECONDS) -> Any:
        """See ``Ask``."""
        began = utc_text(datetime.now(UTC))
        kept = self._set(asked.strangers)
        if kept.unanswered >= kept.most:
            raise RequestError(503, f"Cannot complete request momentarily: too many others wait for {asked.stage}")
        kept.unanswered += 1
        try:
            async with asyncio.timeout(within):
                async with kept.turns.turn():
                    return await self._answer(kept, asked)
        except TimeoutError:
            text = f"Request timed out. The worker is currently {asked.stage}, which began at {began}."
            raise RequestError(500, f"{text} It runs the code of {asked.blamed}.") from None
        except (Died, OSError) as error:
            raise _died(asked, str(error)) from None
        except PluginError as error:
            raise _died(asked, f"has ended: {error}") from None
        finally:
            kept.unanswered -= 1

    def _set(self, strangers: frozenset[str]) -> _Set:
        if strangers not in self._sets:
            at_once, most = STRANGERS if strangers else OURS
            self._sets[strangers] = _Set(PatientSemaphore(at_once), most)
        return self._sets[strangers]

    async def _answer(self, kept: _Set, asked: Asked) -> Any:
        modules = named.modules(asked.rows)
        process = (None if asked.once else kept.take(modules)) or await self._forked(asked.stage, modules)
        text, whole = None, True
        try:
            text = await process.ask(json.dumps(asked.question), logs.levels_for("", self._levels))
            return answer.unpack(text)
        except PluginError:
            whole = False
            raise
        finally:
            if text is None or not whole or asked.once or process.asked >= MAX_QUESTIONS:
                process.end()
            else:
                kept.leave(process)

    async def _forked(self, stage: str, modules: Sequence[str]) -> PluginProcess:
        self._modules |= dict.fromkeys(modules)
        spec = PluginSpec(
            self._settings.values,
            self._settings.mode is DISTRIBUTED,
            self._settings.references.rows(),
            catalog.third_party().dump(),
            logs.levels_for("", self._levels),
        )
        return await PluginProcess.forked(self._forks, stage, spec, list(self._modules))


def _died(asked: Asked, how: str) -> RequestError:
    return RequestError(500, f"The worker was {asked.stage}, and the process that ran the code of {asked.blamed} {how}")
