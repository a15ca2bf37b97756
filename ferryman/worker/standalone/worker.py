"""Runs a standalone worker: the REST server, the herder, the connectors given on the command line."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Iterator, Sequence
from multiprocessing.context import ForkServerContext
from pathlib import Path

import uvicorn
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from ferryman import __version__
from ferryman.errors import ConfigError, FerrymanError
from ferryman.files import allowed_folders
from ferryman.kafka import client_config
from ferryman.kafka.clients import QUIET
from ferryman.offsets import jvm_offset_file
from ferryman.rest import app
from ferryman.settings.settings import Settings
from ferryman.settings.worker_keys import Listener
from ferryman.telemetry.redaction import redact
from ferryman.worker.connector_file import ConnectorFile
from ferryman.worker.standalone.herder import Standalone

log = logging.getLogger(__name__)

FAILED_TO_START = 3
"""The exit code of Kafka's scripts when a connector of the command line cannot be created."""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # the worker ends the server itself, after the tasks


async def run(settings: Settings, files: Sequence[ConnectorFile], context: ForkServerContext) -> int:
    """Until a signal or a failed start; returns the exit code. ``context`` starts the task processes."""
    try:
        seeds = _seeds(settings)
        sockets = [_bound(listener) for listener in settings.config.addresses]
    except (FerrymanError, OSError) as error:
        log.error("%s", redact(str(error)))
        return 2
    _open_folders(settings.config.connector_allowed_paths)
    port = sockets[0].getsockname()[1]
    worker_id = settings.config.advertised.removesuffix(":0") + (
        f":{port}" if settings.config.advertised.endswith(":0") else ""
    )
    herder = Standalone(settings, context, seeds, worker_id)
    server = _Server(uvicorn.Config(app.app(herder, settings), log_config=None, lifespan="off", access_log=False))
    serving = asyncio.create_task(server.serve(sockets=sockets))
    stopping = _signalled()
    asyncio.get_running_loop().run_in_executor(None, _look_for_kafka, settings)
    addresses = ", ".join("http://{}:{}".format(*each.getsockname()[:2]) for each in sockets)
    log.info("Ferryman %s answers on %s", __version__, addresses)
    code = await _create(herder, files)
    herder.ready = code == 0
    if code == 0:
        await asyncio.wait({serving, asyncio.create_task(stopping.wait())}, return_when=asyncio.FIRST_COMPLETED)
    await herder.close()
    server.should_exit = True
    await serving
    return code


def _open_folders(folders: Sequence[str]) -> None:
    allowed_folders.bound(folders)
    if not folders:
        log.warning("%s is not set: connectors may read and write all files that the worker may", allowed_folders.KEY)


async def _create(herder: Standalone, files: Sequence[ConnectorFile]) -> int:
    for file in files:
        try:
            await herder.create(file.name, file.config, file.target)
        except FerrymanError as error:
            messages = [each.message for each in error.problems] if isinstance(error, ConfigError) else [str(error)]
            for message in dict.fromkeys(messages):
                log.error("connector %s: %s", file.name, redact(message))
            log.error("connector %s cannot be created; the worker stops", file.name)
            return FAILED_TO_START
        log.info("Created connector %s", file.name)
    return 0


def _look_for_kafka(settings: Settings) -> None:
    # Clients wait for a broker in silence; somebody with a wrong address would look at nothing for a long time.
    servers = ",".join(settings.config.bootstrap_servers)
    try:
        AdminClient(QUIET | client_config.worker_admin(settings.values).values).list_topics(timeout=5)
    except KafkaException as error:
        log.warning("Kafka at bootstrap.servers=%s does not answer; waiting for it: %s", servers, error.args[0].str())


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


def _signalled() -> asyncio.Event:
    event = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, event.set)
    return event


def _seeds(settings: Settings) -> dict[str, str]:
    file = settings.config.offset_storage_file_filename
    if file is None or not Path(file).exists():
        return {}
    try:
        entries = jvm_offset_file.parse(Path(file).read_bytes())
    except FerrymanError as error:
        raise ConfigError.of("offset.storage.file.filename", f"{file}: {error}") from None
    log.info("%d source offsets of %s stand in where %s has none", len(entries), file, "the offsets topic")
    return {key.decode(): value.decode() for key, value in entries.items() if value is not None}
