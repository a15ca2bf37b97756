"""How a forked process begins: tied to its worker, silent about secrets."""

import signal
import socket
from collections.abc import Mapping, Sequence
from typing import Protocol

from ferryman.forked import die_with_parent, frozen, oom_score
from ferryman.forked.line import Line
from ferryman.plugins import named
from ferryman.settings.worker_keys import log_format
from ferryman.telemetry import logs, owners, subject
from ferryman.telemetry.recent import Teller
from ferryman.telemetry.references import References
from ferryman.telemetry.subject import Subject


class Told(Protocol):
    """What every such process is sent first. Configs hold secrets."""

    @property
    def connector(self) -> str:
        """The name of the connector that it works for."""

    @property
    def config(self) -> Mapping[str, str]:
        """The config of the task or connector, references resolved."""

    @property
    def worker(self) -> Mapping[str, str]:
        """The worker's settings as text, references resolved."""

    @property
    def worker_id(self) -> str:
        """The worker's name."""

    @property
    def levels(self) -> Mapping[str, str]:
        """Loggers and their levels."""

    @property
    def references(self) -> Sequence[Sequence[str]]:
        """The rows of what the references in ``config`` and ``worker`` resolved to."""

    @property
    def plugins(self) -> Sequence[named.Row]:
        """What names of plugins in the configs mean."""


def tied(connection: socket.socket, parent: int) -> Line:
    """The line to the worker of a process that ends with its ``parent``, the server that has forked it, or when nothing
    can run in it."""
    die_with_parent.die_with(parent)
    oom_score.offer_itself()
    frozen.watch()
    return Line(connection)


def knows(told: Told, whose: Subject, line: Line) -> None:
    """The process has been told what it is; its lines of the log say ``whose`` they are, and the worker hears those
    about a connector."""
    named.take_over(told.plugins)
    subject.is_worker(told.worker_id)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C reaches everybody; the worker decides for us
    owners.FOREVER.is_called(told.connector)
    References.parse(told.references).protect()
    form, kept = log_format(told.worker), Teller(line.mention, whose) if whose.connector else None
    logs.start(str(whose), told.levels, told.config, told.worker, whose=whose, form=form, kept=kept)
