"""Runs a standalone worker: the REST server, the herder, the connectors given on the command line."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from ferryman import __version__
from ferryman.errors import ConfigError, FerrymanError
from ferryman.files import allowed_folders
from ferryman.offsets import jvm_offset_file
from ferryman.rest import server
from ferryman.rest.endpoints import KAFKA_VERSION
from ferryman.settings.settings import Settings
from ferryman.telemetry import subject
from ferryman.telemetry.redaction import redact
from ferryman.worker import lifetime
from ferryman.worker.cluster import Cluster
from ferryman.worker.connector_file import ConnectorFile
from ferryman.worker.control.plane import Plane
from ferryman.worker.control.worker_resources import WorkerResources
from ferryman.worker.forks.forked import Forks
from ferryman.worker.forks.server import ForkServer
from ferryman.worker.leases import Leases, own_life
from ferryman.worker.metrics.served import served
from ferryman.worker.plugin_code.plugins import Plugins
from ferryman.worker.pool import Pool
from ferryman.worker.requests.herder_on_plane import PlaneHerder
from ferryman.worker.standalone.in_memory import Alone, Board, Journal

log = logging.getLogger(__name__)

BAD_SETTINGS = 2
"""The exit code for settings that cannot be used."""
FAILED_TO_START = 3
"""The exit code of Kafka's scripts when a connector of the command line cannot be created."""


async def run(settings: Settings, files: Sequence[ConnectorFile], forkserver: ForkServer) -> int:
    """Until a signal or a failed start; returns the exit code. ``forkserver`` forks the task processes."""
    stopping = lifetime.signalled(settings)
    try:
        seeds = await Pool("start", 1, 1).run("initializing", lambda: _seeds(settings))
        bound = server.bind(settings.config)
    except (FerrymanError, OSError) as error:
        log.error("%s", redact(str(error)))
        return BAD_SETTINGS
    _open_folders(settings.config.connector_allowed_paths)
    worker_id = server.advertised(settings.config, bound).authority
    subject.is_worker(worker_id)
    cluster = Cluster(settings)
    cluster.look()
    resources = WorkerResources(
        settings, Forks(forkserver), seeds, worker_id, worker_id.replace(":", "_"), lease=own_life
    )
    plane = Plane(resources, Journal(), Alone(), Board())
    leases = Leases(plane.reconciler.renew)
    leases.start()
    herder = PlaneHerder(plane, cluster, served(plane, settings))
    herder.runs.start()
    rest = server.Server(herder, settings, bound)
    serving = asyncio.create_task(rest.run_until_exit())
    addresses = ", ".join(each.url for each in bound)
    log.info("Ferryman %s, for clients Kafka version %s, answers on %s", __version__, KAFKA_VERSION, addresses)
    code = await lifetime.first(_create(herder, resources.plugins, files), lifetime.told(stopping))
    herder.ready = code == 0
    if code == 0:
        await lifetime.first(serving, lifetime.told(stopping))
    await herder.close()
    await leases.stop()
    rest.should_exit = True
    await serving
    return code or 0


def _open_folders(folders: Sequence[str]) -> None:
    allowed_folders.bound(folders)
    if not folders:
        log.warning("%s is not set: connectors may read and write all files that the worker may", allowed_folders.KEY)


async def _create(herder: PlaneHerder, plugins: Plugins, files: Sequence[ConnectorFile]) -> int:
    try:
        await plugins.look()
    except FerrymanError as error:
        log.error("the worker cannot start: %s", redact(str(error)))
        return BAD_SETTINGS if isinstance(error, ConfigError) else FAILED_TO_START
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


def _seeds(settings: Settings) -> dict[str, str]:
    file = settings.config.offset_storage_file_filename
    if file is None or not Path(file).exists():
        return {}
    try:
        entries = jvm_offset_file.parse(Path(file).read_bytes())
    except FerrymanError as error:
        raise ConfigError.for_key("offset.storage.file.filename", f"{file}: {error}") from None
    log.info("%d source offsets of %s are used where %s has none", len(entries), file, "the offsets topic")
    return {key.decode(): value.decode() for key, value in entries.items() if value is not None}
