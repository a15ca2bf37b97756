"""Calls the connector's code, on one thread: its class method once, or its object from start to stop.

For an object the order is start, then task_configs as often as somebody asks, then stop, whatever was raised before.
(kafka: WorkerConnector; a connector that raises has failed, and is stopped.)
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ferryman.api import Connector, ConnectorContext
from ferryman.connector_process import committed, task_configs
from ferryman.connector_process.next_step import NextStep
from ferryman.connector_process.reports import WorkerReports
from ferryman.connector_process.spec import ConnectorSpec
from ferryman.files import allowed_folders
from ferryman.offsets.asking import Asking
from ferryman.plugins import catalog, named
from ferryman.settings.worker_keys import WorkerConfig
from ferryman.telemetry import redaction
from ferryman.telemetry.references import References

log = logging.getLogger(__name__)


@dataclass
class ConnectorLifecycle:
    """One connector's, from its process's beginning to its end."""

    spec: ConnectorSpec
    next_step: NextStep
    reports: WorkerReports
    asking: Asking
    """Asks the worker for source offsets."""
    object_created: Callable[[], None]
    """Called once, just before the connector object is created."""

    def run(self) -> None:
        """Returns when everything has been said, or the connector is to stop."""
        try:
            self._run(References.parse(self.spec.references))
        except Exception as error:
            self.reports.fails(error)

    def _run(self, references: References) -> None:
        worker = WorkerConfig.parse(self.spec.worker)
        allowed_folders.bound(worker.connector_allowed_paths)
        plugin = named.connector_class(self.spec.config)
        redaction.protect_config(self.spec.config, plugin.config_class.secrets())
        config = plugin.config_class.parse(self.spec.config)

        def told(made: object, stays: bool) -> None:
            configs = task_configs.checked(made, config)
            self.reports.made([self._stored(each, plugin, references) for each in configs], stays)

        if plugin.connector is None:
            told(plugin.task_configs(config, self.spec.raw), stays=False)
        elif self.next_step.leased():
            self.object_created()
            topic = getattr(config, "offsets_storage_topic", None) or worker.offset_storage_topic
            connector = plugin.connector(config, self._context(catalog.is_sink(plugin), topic))
            self._run_object(connector, lambda made: told(made, stays=True))

    def _stored(self, made: Mapping[str, str], plugin: type[Any], references: References) -> dict[str, str]:
        return task_configs.stored(made, plugin, self.spec.raw, self.spec.config, references)

    def _run_object(self, connector: Connector[Any], tell: Callable[[object], None]) -> None:
        try:
            connector.start()
            while self.next_step.next() == "ask":
                tell(connector.task_configs())
        except Exception as error:
            self.reports.fails(error)
        finally:
            self._stop(connector)

    def _stop(self, connector: Connector[Any]) -> None:
        try:
            connector.stop()
        except Exception:
            log.exception("the connector's stop has failed; it counts as stopped")

    def _context(self, sink: bool, topic: str) -> ConnectorContext:
        next_step = self.next_step
        return ConnectorContext(
            self.spec.connector,
            self.spec.raw,
            request_task_reconfiguration=next_step.request,
            raise_error=self._raised,
            stopping=next_step.wait,
            offsets=committed.none if sink else committed.reader(self.spec, topic, self.asking, lambda: next_step.ends),
        )

    def _raised(self, error: Exception) -> None:
        # Told at once: the connector's thread may be in a call that does not come back.
        self.reports.fails(error)
        self.next_step.stop()
