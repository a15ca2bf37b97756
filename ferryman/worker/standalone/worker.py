"""Runs a standalone worker: the REST server, the herder, the connectors given on the command line."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import uvicorn

from ferryman import __version__
from ferryman.errors import ConfigError, FerrymanError
from ferryman.files import allowed_folders
from ferryman.offsets import jvm_offset_file
from ferryman.rest import app
from ferryman.rest.connections import KEEP_ALIVE, LimitedConnection
from ferryman.settings.settings import Settings
from ferryman.settings.worker_keys import Listener
from ferryman.telemetry import background
from ferryman.telemetry.redaction import redact
from ferryman.worker.cluster import Cluster
from ferryman.worker.connector_file import ConnectorFile
from ferryman.worker.control.commands import Commands
from ferryman.worker.control.launch import Launch
from ferryman.worker.control.plane import Plane
from ferryman.worker.forks import Forks
from ferryman.worker.forkserver import ForkServer
from ferryman.worker.leases import Leases, own_life
from ferryman.worker.pool import Pool
from ferryman.worker.standalone.memory import Alone, Board, Journal

log = logging.getLogger(__name__)
Outcome = TypeVar("Outcome")

OVERDUE = 1.7
"""Seconds after the tasks' grace by which the worker has ended, one way or the other."""
FAILED_TO_START = 3
"""The exit code of Kafka's scripts when a connector of the command line cannot be created."""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # the worker ends the server itself, after the tasks


async def run(settings: Settings, files: Sequence[ConnectorFile], forkserver: ForkServer) -> int:
    """Until a signal or a failed start; returns the exit code. ``forkserver`` forks the task processes."""
    stopping = _signalled(settings)
    try:
        seeds = await Pool("start", 1, 1).run("initializing", lambda: _seeds(settings))
        sockets = [_bound(listener) for listener in settings.config.addresses]
    except (FerrymanError, OSError) as error:
        log.error("%s", redact(str(error)))
        return 2
    _open_folders(settings.config.connector_allowed_paths)
    port = sockets[0].getsockname()[1]
    worker_id = settings.config.advertised.removesuffix(":0") + (
        f":{port}" if settings.config.advertised.endswith(":0") else ""
    )
    cluster = Cluster(settings)
    cluster.look()
    launch = Launch(settings, Forks(forkserver), seeds, worker_id, lease=own_life)
    plane = Plane(launch, Journal(), Alone(), Board())
    leases = Leases(plane.reconciler.renew)
    leases.start()
    herder = Commands(plane, cluster)
    server = _Server(_http(herder, settings))
    serving = asyncio.create_task(server.serve(sockets=sockets))
    addresses = ", ".join("http://{}:{}".format(*each.getsockname()[:2]) for each in sockets)
    log.info("Ferryman %s answers on %s", __version__, addresses)
    code = await _first(_create(herder, files), stopping.wait())
    herder.ready = code == 0
    if code == 0:
        await _first(serving, stopping.wait())
    await herder.close()
    await leases.stop()
    server.should_exit = True
    await serving
    return code or 0


def _http(herder: Commands, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app.app(herder, settings),
        http=LimitedConnection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=1,
    )


async def _first(*waited: Coroutine[Any, Any, Outcome] | asyncio.Task[Outcome]) -> Outcome:
    """The outcome of what is done first; the others go on."""
    tasks = [asyncio.ensure_future(one) for one in waited]
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    return next(task for task in tasks if task in done).result()


def _open_folders(folders: Sequence[str]) -> None:
    allowed_folders.bound(folders)
    if not folders:
        log.warning("%s is not set: connectors may read and write all files that the worker may", allowed_folders.KEY)


async def _create(herder: Commands, files: Sequence[ConnectorFile]) -> int:
    for file in files:
        try:
            await herder.create(file.name, file.config, file.target)
        except FerrymanError as error:
            messages = [each.named for each in error.problems] if isinstance(error, ConfigError) else [str(error)]
            for message in dict.fromkeys(messages):
                log.error("connector %s: %s", file.name, redact(message))
            log.error("connector %s cannot be created; the worker stops", file.name)
            return FAILED_TO_START
        log.info("Created connector %s", file.name)
    return 0


def _bound(listener: Listener) -> socket.socket:
    family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((listener.host, listener.port))
    except OSError as error:
        raise OSError(f"cannot listen on {listener.host or '*'}:{listener.port}: {error.strerror}") from None
    bound.listen(128)
    bound.setblocking(False)
    return bound


def _signalled(settings: Settings) -> asyncio.Event:
    event = asyncio.Event()
    grace = settings.config.task_shutdown_graceful_timeout_ms / 1000

    def end() -> None:
        if not event.is_set():
            event.set()
            # Whatever stands still, somebody who waits for the end (docker stop: ten seconds) does not wait in vain.
            # Tasks that are left die with the process.
            overdue = threading.Timer(grace + OVERDUE, _leave_at_once)
            overdue.daemon = True
            overdue.start()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end)
    return event


def _leave_at_once() -> None:
    log.error("the worker did not end in time and leaves as it is")
    background.farewell()
    os._exit(1)


def _seeds(settings: Settings) -> dict[str, str]:
    file = settings.config.offset_storage_file_filename
    if file is None or not Path(file).exists():
        return {}
    try:
        entries = jvm_offset_file.parse(Path(file).read_bytes())
    except FerrymanError as error:
        raise ConfigError.for_key("offset.storage.file.filename", f"{file}: {error}") from None
    log.info("%d source offsets of %s stand in where %s has none", len(entries), file, "the offsets topic")
    return {key.decode(): value.decode() for key, value in entries.items() if value is not None}
