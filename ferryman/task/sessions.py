"""Runs one session of a task after the other, with back-off between them, until the task is to stop.

How a session ends decides what comes next::

    it returns                            the task is to stop, and the process ends
    RetriableError, or Indeterminate      another system is away or has refused, or a commit has no answer: wait as
                                          ``Outages`` says, which may fail the task instead, then a new session; if
                                          it is to pause meanwhile it is paused, and tries nothing
    KafkaException                        the client's word for one of the others, see ``classified``
    StillBusy                             the sink is in a call that does not end: the process ends without a word, and
                                          the worker starts the next one
    the lease is over                     a sink leaves its group, and its process ends in the same way
    anything else                         the task has failed; the process reports why and ends

The consumer or producer and the connector's instance are new in each session, and read from Kafka and the other system
where to go on. Configs, chain and outages outlive a session (``Setup``).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar, Protocol

from confluent_kafka import KafkaException

from ferryman.chain import builder
from ferryman.errors import RefusedError, RetriableError
from ferryman.files import allowed_folders
from ferryman.kafka.clients import Clients
from ferryman.kafka.permissions import Heard
from ferryman.plugins import catalog, named
from ferryman.retry.outage import Outage
from ferryman.runs.keys import RunKeys, SourceRunKeys
from ferryman.settings.worker_keys import WorkerConfig
from ferryman.task.meters.meters import BACKGROUND
from ferryman.task.meters.publisher import Publisher
from ferryman.task.outages import Outages
from ferryman.task.setup import garbage_collection, metering
from ferryman.task.setup.control import Control
from ferryman.task.setup.setup import Setup, patience
from ferryman.task.setup.spec import TaskSpec
from ferryman.task.sink.sessions import SinkSessions
from ferryman.task.source.loop import classified
from ferryman.task.source.sessions import SourceSessions
from ferryman.telemetry import redaction
from ferryman.telemetry.references import References

PAUSE_SECONDS = 1.0
"""Seconds of a wait of a paused task, which its next wish ends."""


class Sessions(Protocol):
    """Makes and runs the sessions of one task."""

    side: ClassVar[str]
    """The client that most of its errors are about: consumer or producer."""

    def run_one(self, started: Callable[[], None]) -> None:
        """One session to its end; calls ``started`` when it is under way. Raises what ended it early."""


def run(spec: TaskSpec, control: Control) -> None:
    """Until the task is to stop; raises what fails it."""
    with References.parse(spec.references).in_errors():
        setup = prepared(spec, control)
    sessions: Sessions = SinkSessions(setup) if catalog.is_sink(setup.plugin) else SourceSessions(setup)
    garbage_collection.hold_back()
    with _published(setup):
        _run(setup, sessions)


@contextmanager
def _published(setup: Setup) -> Iterator[None]:
    """While this lasts, and once more at its end, the task's metrics are sent to the worker."""
    meters, control = setup.meters, setup.control
    if not setup.worker.ferryman_metrics_enable:
        yield
        return
    publisher = Publisher(meters.samples, control.offer, BACKGROUND)
    tell = control.tell

    def told(event: str, facts: dict[str, Any]) -> None:
        meters.task.state.told(event)
        tell(event, facts)

    control.tell = told
    meters.collector.watch()
    publisher.start()
    try:
        yield
    finally:
        publisher.last_words()


def _run(setup: Setup, sessions: Sessions) -> None:
    control = setup.control
    # Without a lease no session begins: it would take the identity away from the task's successor.
    while control.may_act() and not control.stopping:
        try:
            _run_one(sessions, setup.clients.heard, lambda: control.tell("running", {}))
        except RetriableError as error:
            wait = setup.outages.met(error)
        else:
            continue
        garbage_collection.collect()
        control.wait(wait)
        _stand_still(setup)


def _stand_still(setup: Setup) -> None:
    """A task that is to pause while it has no session begins none until it is to go on."""
    control = setup.control
    if not control.pausing:
        return
    setup.outages.set_aside()
    control.tell("paused", {})
    while control.pausing and not control.stopping:
        control.wait(PAUSE_SECONDS)
    control.tell("running", {})


def _run_one(sessions: Sessions, heard: Heard, started: Callable[[], None]) -> None:
    heard.refusals.clear()
    heard.cut_off.clear()
    try:
        sessions.run_one(started)
    except KafkaException as error:
        raise heard.refusal() or classified(error, sessions.side) from error
    except RefusedError:
        raise
    except RetriableError as error:
        # A client that cannot log in only says that it got no answer; the reason came by error_cb.
        refused = heard.refusal()
        if refused is None:
            raise
        raise refused from error


def prepared(spec: TaskSpec, control: Control) -> Setup:
    """The configs of a task, taken apart, and its chain. Raises ConfigError."""
    plugin = named.connector_class(spec.config)
    redaction.protect_config(spec.config, plugin.config_class.secrets())  # not all have names that sound secret
    worker = WorkerConfig.parse(spec.worker)
    allowed_folders.bound(worker.connector_allowed_paths)
    config = plugin.config_class.parse(spec.config)
    run = RunKeys.of(spec.config) if catalog.is_sink(plugin) else None
    chain = builder.chain(spec.config, spec.worker, plugin)
    chain = builder.editing(chain, "" if run is None else run.ferryman_run_edit, spec.config, spec.worker)
    outages = Outages(Outage(patience(config, spec.failed), spec.succeeded), control.tell)
    meters = metering.task_meters(spec, worker, plugin, chain)
    meters.outage, meters.retries = lambda: outages.outage, lambda: outages.waits
    meters.parked = lambda: control.parked
    clients = Clients(
        connector=spec.connector,
        task=spec.task,
        worker=spec.worker,
        raw=spec.config,
        identity=spec.identity,
        fetch_min_bytes=plugin.fetch_min_bytes if catalog.is_sink(plugin) else 1,
    )
    if worker.ferryman_metrics_enable:
        clients = replace(clients, watched=meters.clients.settings)
    return Setup(
        spec=spec,
        control=control,
        worker=worker,
        plugin=plugin,
        config=config,
        clients=clients,
        chain=chain,
        outages=outages,
        meters=meters,
        run=run,
        source_run=None if catalog.is_sink(plugin) else SourceRunKeys.of(spec.config),
    )
