"""What a person sees while the demo runs: a live picture on a terminal, a line every few seconds elsewhere."""

import time
from collections import deque
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ferryman.demo.facts import flows
from ferryman.demo.progress import Glance
from ferryman.demo.worker import Connector

_LINE_SECONDS = 3.0
_HAPPENINGS = 8
_STYLES = {"RUNNING": "green", "FAILED": "red", "PAUSED": "yellow"}


class View(Protocol):
    """Shows how far things are."""

    def happened(self, text: str) -> None:
        """Tells of an event at once."""

    def show(self, glance: Glance) -> None:
        """Shows the present state, as often as suits this view."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Lines:
    """For pipes, files and CI: what happens, and a line every few seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = self._shown = time.monotonic()

    def happened(self, text: str) -> None:
        self._print(text)

    def show(self, glance: Glance) -> None:
        if time.monotonic() - self._shown >= _LINE_SECONDS:
            self._shown = time.monotonic()
            self._print(_summary(glance))

    def _print(self, text: str) -> None:
        self._console.print(f"{time.monotonic() - self._began:6.1f} s  {text}", highlight=False, soft_wrap=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class Picture:
    """For a terminal: one picture that changes, below it what has happened lately."""

    def __init__(self, console: Console) -> None:
        self._began = time.monotonic()
        self._happenings: deque[str] = deque(maxlen=_HAPPENINGS)
        self._glance = Glance(self._began)
        self._live = Live(console=console, auto_refresh=False)

    def happened(self, text: str) -> None:
        self._happenings.append(f"{time.monotonic() - self._began:6.1f} s  {text}")
        self._draw()

    def show(self, glance: Glance) -> None:
        self._glance = glance
        self._draw()

    def _draw(self) -> None:
        glance = self._glance
        happenings = Text("\n".join(self._happenings))
        title = f"Ferryman · {time.monotonic() - self._began:.0f} s"
        picture = Group(_flow_table(glance), _connector_table(glance), happenings)
        self._live.update(Panel(picture, title=title, title_align="left"), refresh=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()


def _summary(glance: Glance) -> str:
    running = sum(connector.running for connector in glance.connectors)
    return "; ".join(
        (
            f"payments {glance.paid:,} made, {glance.payment_rows:,} rows",
            f"events {glance.in_kafka:,} in Kafka, {glance.event_rows:,} of {glance.expected_rows:,} rows",
            f"{glance.row_rate:,.0f} rows/s",
            f"{glance.archived_events:,} archived",
            f"{glance.mailed:,} e-mails",
            f"lag {sum(glance.lag.values()):,}",
            f"{glance.dead} dead letters",
            *([f"{glance.restored:,} restored"] if glance.restored else []),
            f"{running} of {len(glance.connectors)} connectors running",
        )
    )


def _flow_table(glance: Glance) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("", "sent", "rows", "to come", "archived", "per second"):
        table.add_column(column, justify="left" if not column else "right")
    waiting = max(0, glance.paid - glance.payment_rows)
    cells = (
        f"{glance.paid:,}",
        f"{glance.payment_rows:,}",
        f"{waiting:,}",
        f"{glance.archived.get(flows.PAYMENTS, 0):,}",
        f"{glance.pay_rate:,.1f}",
    )
    table.add_row("payments at the gateway", *cells)
    left = max(0, glance.expected_rows - glance.event_rows)
    cells = (
        f"{glance.in_kafka:,}",
        f"{glance.event_rows:,}",
        f"{left:,}",
        f"{glance.archived_events:,}",
        f"{glance.row_rate:,.0f}",
    )
    table.add_row("events from Datagen", *cells)
    table.add_row("e-mails", "", f"{glance.mailed:,}")
    table.add_row("dead letters", "", f"{glance.dead:,}")
    table.add_row("out of the archive", "", f"{glance.restored:,}")
    return table


def _connector_table(glance: Glance) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("connector", "state", "tasks", "lag"):
        table.add_column(column, justify="right" if column == "lag" else "left")
    for connector in glance.connectors:
        lag = glance.lag.get(connector.name)
        shown = "" if lag is None else f"{lag:,}"
        table.add_row(connector.name, _state(connector.state), _tasks(connector), shown)
    if not glance.connectors:
        table.add_row("no worker answers", "", "", "")
    return table


def _state(state: str) -> Text:
    return Text(state, style=_STYLES.get(state, "yellow"))


def _tasks(connector: Connector) -> Text:
    return Text(" ").join(_state(state) for _, state in sorted(connector.tasks.items()))
