"""Runs one session of a task after the other, with back-off between them, until the task is to stop."""

import logging
import time
from collections.abc import Callable
from typing import Any, Protocol

from confluent_kafka import KafkaException

from ferryman.chain import builder
from ferryman.errors import ConfigError, RetriableError
from ferryman.files import allowed_folders
from ferryman.kafka.clients import Clients
from ferryman.plugins import catalog
from ferryman.retry import backoff
from ferryman.settings import settings
from ferryman.task.setup import garbage_collection
from ferryman.task.setup.control import Control
from ferryman.task.setup.setup import Setup
from ferryman.task.setup.spec import TaskSpec
from ferryman.task.sink.sessions import SinkSessions
from ferryman.task.source.loop import classified
from ferryman.task.source.sessions import SourceSessions
from ferryman.telemetry import redaction
from ferryman.telemetry.references import References

log = logging.getLogger(__name__)

WENT_WELL = 10.0
"""Seconds after which a session counts as one that worked, so that back-off begins anew."""


class Sessions(Protocol):
    """Makes and runs the sessions of one task."""

    def run_one(self, started: Callable[[], None]) -> None:
        """One session to its end; calls ``started`` when it is under way. Raises what ended it early."""


def run(spec: TaskSpec, control: Control) -> None:
    """Until the task is to stop; raises what fails it."""
    with References.parse(spec.references).in_errors():
        setup = _setup(spec, control)
    sessions: Sessions = SinkSessions(setup) if catalog.is_sink(setup.plugin) else SourceSessions(setup)
    attempt = 0
    garbage_collection.hold_back()
    while not control.stopping:
        began = time.monotonic()
        try:
            _run_one(sessions, lambda: control.tell("running", {}))
        except RetriableError as error:
            attempt = 1 if time.monotonic() - began > WENT_WELL else attempt + 1
            wait = error.after if error.after is not None else backoff.delay(attempt, setup.longest_wait)
            log.warning("%s (session ended, the next begins in %.1f s)", error, wait)
            control.wait(wait)


def _run_one(sessions: Sessions, started: Callable[[], None]) -> None:
    try:
        sessions.run_one(started)
    except KafkaException as error:
        raise classified(error) from error


def _setup(spec: TaskSpec, control: Control) -> Setup:
    plugin: type[Any] | None = catalog.connector(spec.config["connector.class"])
    if plugin is None:
        raise ConfigError.of("connector.class", f"no connector is called {spec.config['connector.class']}")
    redaction.protect_config(spec.config, plugin.config_class.secrets())  # not all have names that sound secret
    worker = settings.of(dict(spec.worker))
    allowed_folders.bound(worker.config.connector_allowed_paths)
    return Setup(
        spec=spec,
        control=control,
        settings=worker,
        plugin=plugin,
        config=plugin.config_class.parse(spec.config),
        clients=Clients(spec.connector, spec.task, spec.worker, spec.config, spec.worker_id),
        chain=builder.chain(spec.config, spec.worker, plugin),
    )
