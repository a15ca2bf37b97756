"""Runs one run to its end, as a worker without REST: for the command line."""

import asyncio
from collections.abc import Callable, Mapping

from ferryman.errors import ConfigError, FencedError, FerrymanError
from ferryman.facts.states import State
from ferryman.files import allowed_folders
from ferryman.runs.progress import REFUSED, Progress
from ferryman.settings.settings import Settings
from ferryman.telemetry.redaction import redact
from ferryman.worker import lifetime
from ferryman.worker.cluster import Cluster
from ferryman.worker.control.plane import Plane
from ferryman.worker.control.worker_resources import WorkerResources
from ferryman.worker.forks.forked import Forks
from ferryman.worker.forks.server import ForkServer
from ferryman.worker.herder import ConnectorStatus
from ferryman.worker.leases import Leases, own_life
from ferryman.worker.requests.herder_on_plane import PlaneHerder
from ferryman.worker.standalone.in_memory import Alone, Board, Journal

COMPLETE, FAILED, STOPPED = 0, 1, 128
"""The exit codes, beside REFUSED: all is done; a task has failed and is not tried again; a signal came before the end,
whose number is added."""
POLL_SECONDS = 0.5
"""Seconds between two looks."""

Told = Callable[[Progress | None, str], None]


_FENCED = f"{FencedError.__module__}.{FencedError.__qualname__}"
_ELSEWHERE = "another process is running the same and continues, so that nothing is done twice"


async def run(settings: Settings, config: Mapping[str, str], forkserver: ForkServer, told: Told) -> int:
    """Until the run of this config is complete, has failed, or a signal comes; returns the exit code.

    ``told`` is called with its progress, and with what is wrong, if anything is.
    """
    stopping = lifetime.signalled(settings)
    allowed_folders.bound(settings.config.connector_allowed_paths)
    cluster = Cluster(settings)
    cluster.look()
    resources = WorkerResources(settings, Forks(forkserver), {}, "backfill", "backfill", lease=own_life)
    plane = Plane(resources, Journal(), Alone(), Board())
    leases = Leases(plane.reconciler.renew)
    leases.start()
    herder = PlaneHerder(plane, cluster)
    try:
        return await lifetime.first(_followed(herder, config, told), _stopped(stopping))
    finally:
        await herder.close()
        await leases.stop()


async def _stopped(stopping: lifetime.Signalled) -> int:
    await stopping.wait()
    return STOPPED + stopping.number


async def _followed(herder: PlaneHerder, config: Mapping[str, str], told: Told) -> int:
    name = config["name"]
    try:
        await herder.plugins.look()
        await herder.create(name, config)
    except FerrymanError as error:
        messages = [each.named for each in error.problems] if isinstance(error, ConfigError) else [str(error)]
        told(None, "; ".join(redact(message) for message in dict.fromkeys(messages)))
        return FAILED
    herder.runs.start()
    while True:
        status = await herder.status(name)
        told(status.run, trouble(status))
        if status.run is not None and status.run.complete and status.connector.state is State.STOPPED:
            return REFUSED if status.run.refused else COMPLETE
        if failed(status):
            return FAILED
        await asyncio.sleep(POLL_SECONDS)


def failed(status: ConnectorStatus) -> bool:
    """Whether something has failed that is not tried again."""
    return any(
        each.state is State.FAILED and each.restart is None for each in (status.connector, *status.tasks.values())
    )


def trouble(status: ConnectorStatus) -> str:
    """What is wrong, in a line; empty if nothing is."""
    for each in (status.connector, *status.tasks.values()):
        if each.outage is not None:
            return redact(each.outage.reason)
        if each.trace:
            lines = [line for line in each.trace.splitlines() if line.strip()]
            last = redact(lines[-1] if lines else "")
            return f"{_ELSEWHERE} ({last})" if last.startswith(f"{_FENCED}:") else last
    return ""
