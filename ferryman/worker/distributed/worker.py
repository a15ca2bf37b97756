"""Runs a distributed worker: the REST server, the internal topics, the membership, and all that follows from them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from confluent_kafka import KafkaError, KafkaException

from ferryman import __version__
from ferryman.errors import ConfigError, FerrymanError, RetriableError
from ferryman.files import allowed_folders
from ferryman.internal_topics import creation, of_worker
from ferryman.kafka import client_config
from ferryman.kafka.admin import Admin
from ferryman.kafka.clients import QUIET
from ferryman.membership import client_settings, group_settings
from ferryman.rest import server
from ferryman.rest.endpoints import KAFKA_VERSION
from ferryman.rest.forwarding import OtherWorkers
from ferryman.retry import backoff
from ferryman.settings.settings import Settings
from ferryman.telemetry import subject
from ferryman.telemetry.redaction import redact
from ferryman.worker import lifetime
from ferryman.worker.cluster import Cluster
from ferryman.worker.control.plane import Plane
from ferryman.worker.control.worker_resources import WorkerResources
from ferryman.worker.distributed.board import Board
from ferryman.worker.distributed.duties import Duties
from ferryman.worker.distributed.fencing import Fencing
from ferryman.worker.distributed.group import Group
from ferryman.worker.distributed.journal import Journal
from ferryman.worker.distributed.members import Members
from ferryman.worker.distributed.share import ShareOfWork
from ferryman.worker.distributed.surplus_members import SurplusMembers
from ferryman.worker.forks.forked import Forks
from ferryman.worker.forks.server import ForkServer
from ferryman.worker.metrics.served import served
from ferryman.worker.pool import Pool
from ferryman.worker.requests.herder_on_plane import PlaneHerder

log = logging.getLogger(__name__)

BAD_SETTINGS = 2
"""The exit code for settings that cannot be used."""
FAILED_TO_START = 3
"""The exit code of Kafka's scripts when a worker cannot start."""
LONGEST_WAIT = 15.0
"""Seconds between two tries to reach Kafka at the start."""
INITIALIZING = "initializing and reading to the end of internal topics"
"""What a worker does first, in Kafka Connect's words."""


async def run(settings: Settings, forkserver: ForkServer) -> int:
    """Until a signal or a failed start; returns the exit code. ``forkserver`` forks the task processes."""
    stopping = lifetime.signalled(settings)
    try:
        bound = server.bind(settings.config)
        address = server.advertised(settings.config, bound)
        subject.is_worker(address.authority)
        worker = Worker(settings, forkserver, address.url)
    except (ConfigError, KafkaException, OSError) as error:
        _log_problems(error)
        return FAILED_TO_START
    allowed_folders.bound(settings.config.connector_allowed_paths)
    rest = server.Server(worker.herder, settings, bound)
    serving = asyncio.create_task(rest.run_until_exit())
    addresses = ", ".join(each.url for each in bound)
    log.info("Ferryman %s, for clients Kafka version %s, answers on %s", __version__, KAFKA_VERSION, addresses)
    code = await lifetime.first(worker.start(), lifetime.told(stopping))
    if code == 0:
        await lifetime.first(serving, lifetime.told(stopping))
    await worker.close()
    rest.should_exit = True
    await serving
    return code or 0


def _log_problems(error: Exception) -> None:
    if isinstance(error, ConfigError):
        messages = [each.named for each in error.problems]
    else:
        messages = [error.args[0].str() if isinstance(error, KafkaException) else str(error)]
    for message in messages:
        log.error("the worker cannot start: %s", redact(message))


class Worker:
    """The parts of one worker, put together."""

    def __init__(self, settings: Settings, forkserver: ForkServer, url: str) -> None:
        self.settings = settings
        worker_id = url.partition("://")[2].rstrip("/")
        self.cluster = Cluster(settings)
        self.journal, self.share = Journal(settings), ShareOfWork()
        self.board = Board(settings, lambda: self.group.member.generation)
        client = client_settings.translated(settings.values, worker_id)
        member = group_settings.of(settings.distributed, url, client)
        self.group = Group(settings.distributed, member, self.journal, self.board, self.share)
        resources = WorkerResources(
            settings,
            Forks(forkserver),
            {},
            worker_id,
            settings.distributed.group_id,
            lease=lambda: self.group.lease,
        )
        fencing = Fencing(resources, self.journal, lambda connector: self.plane.owner(connector))
        surplus = SurplusMembers(resources, self.journal, lambda: self.group.member.tasks if self.group.leads else None)
        others = OtherWorkers(settings)
        members = Members(settings, self.group, self.journal, self.share, Duties(fencing, surplus), others)
        self.plane = Plane(resources, self.journal, members, self.board)
        self.board.when_said(self.plane.said)
        self.herder = PlaneHerder(self.plane, self.cluster, served(self.plane, settings))
        self._pool = Pool("start", 2, 8)

    async def start(self) -> int:
        """Returns when the worker has its first share of the group's work; or the exit code of a start in vain."""
        self.cluster.look()
        self.herder.begins(INITIALIZING)
        looking, reading = (asyncio.ensure_future(each) for each in (self.herder.plugins.look(), self._read()))
        try:
            await asyncio.gather(looking, reading)
        except FerrymanError as error:
            _log_problems(error)
            unusable = isinstance(error, ConfigError) and looking.done() and looking.exception() is error
            return BAD_SETTINGS if unusable else FAILED_TO_START
        finally:
            looking.cancel()
            reading.cancel()
        self.herder.begins("ensuring membership in the cluster")
        self.group.start(self.plane)
        await self.group.joined.wait()
        self.herder.runs.start()
        self.herder.ready = True
        return 0

    async def _read(self) -> None:
        await self._reach(self._create_topics)
        await self._reach(self.board.start)
        await self._reach(self.journal.start)

    async def _reach(self, what: Callable[[], Awaitable[None]]) -> None:
        """Tries until Kafka is there."""
        attempt = 0
        while True:
            try:
                await what()
            except RetriableError as error:
                attempt += 1
                log.log(logging.WARNING if attempt == 1 else logging.DEBUG, "waiting for Kafka: %s", redact(str(error)))
                await asyncio.sleep(backoff.delay(attempt, LONGEST_WAIT))
            else:
                return

    async def _create_topics(self) -> None:
        heard: list[KafkaError] = []
        client = QUIET | client_config.worker_admin(self.settings.values).values | {"error_cb": heard.append}

        def create() -> None:
            admin = Admin(client)
            try:
                for topic in of_worker.topics(self.settings):
                    creation.create(admin, topic)
            except RetriableError as error:
                admin.poll(0)  # a client that cannot log in, or finds no broker, says so only by error_cb
                raise RetriableError(": ".join([str(error), *(each.str() for each in heard[-1:])])) from error

        await self._pool.run(INITIALIZING, create, within=None)

    async def close(self) -> None:
        """Ends all tasks, leaves the group, and says so to the others."""
        await self.herder.close()
        await self._pool.run("shutting down", self._leave, within=None)

    def _leave(self) -> None:
        self.group.close()
        self.board.close()
        self.journal.close()
