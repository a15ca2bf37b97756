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
from ferryman.connector_process.spec import ConnectorSpec
from ferryman.connector_process.voice import Voice
from ferryman.connector_process.wishes import Wishes
from ferryman.errors import ConfigError
from ferryman.files import allowed_folders
from ferryman.offsets.asking import Asking
from ferryman.plugins import catalog
from ferryman.settings.worker_keys import WorkerConfig
from ferryman.telemetry import redaction
from ferryman.telemetry.references import References

log = logging.getLogger(__name__)


@dataclass
class Life:
    """One connector's, from its process's beginning to its end."""

    spec: ConnectorSpec
    wishes: Wishes
    voice: Voice
    asking: Asking
    """Asks the worker for source offsets."""
    lives: Callable[[], None]
    """Called once, just before the connector object is created."""

    def run(self) -> None:
        """Returns when everything has been said, or the connector is to stop."""
        try:
            self._run(References.parse(self.spec.references))
        except Exception as error:
            self.voice.fails(error)

    def _run(self, references: References) -> None:
        worker = WorkerConfig.parse(self.spec.worker)
        allowed_folders.bound(worker.connector_allowed_paths)
        plugin = _plugin(self.spec.config["connector.class"])
        redaction.protect_config(self.spec.config, plugin.config_class.secrets())
        config = plugin.config_class.parse(self.spec.config)

        def told(made: object, stays: bool) -> None:
            configs = task_configs.checked(made, config)
            self.voice.made([self._stored(each, plugin, references) for each in configs], stays)

        if plugin.connector is None:
            told(plugin.task_configs(config, self.spec.raw), stays=False)
        elif self.wishes.leased():
            self.lives()
            topic = getattr(config, "offsets_storage_topic", None) or worker.offset_storage_topic
            connector = plugin.connector(config, self._context(catalog.is_sink(plugin), topic))
            self._live(connector, lambda made: told(made, stays=True))

    def _stored(self, made: Mapping[str, str], plugin: type[Any], references: References) -> dict[str, str]:
        return task_configs.stored(made, plugin, self.spec.raw, self.spec.config, references)

    def _live(self, connector: Connector[Any], tell: Callable[[object], None]) -> None:
        try:
            connector.start()
            while self.wishes.next() == "ask":
                tell(connector.task_configs())
        except Exception as error:
            self.voice.fails(error)
        finally:
            self._stop(connector)

    def _stop(self, connector: Connector[Any]) -> None:
        try:
            connector.stop()
        except Exception:
            log.exception("the connector's stop has failed; it counts as stopped")

    def _context(self, sink: bool, topic: str) -> ConnectorContext:
        wishes = self.wishes
        return ConnectorContext(
            self.spec.connector,
            self.spec.raw,
            request_task_reconfiguration=wishes.request,
            raise_error=self._raised,
            stopping=wishes.wait,
            offsets=committed.none if sink else committed.reader(self.spec, topic, self.asking, lambda: wishes.ends),
        )

    def _raised(self, error: Exception) -> None:
        # Told at once: the connector's thread may be in a call that does not come back.
        self.voice.fails(error)
        self.wishes.stop()


def _plugin(name: str) -> type[Any]:
    plugin: type[Any] | None = catalog.connector(name)
    if plugin is not None:
        return plugin
    reason = catalog.import_error(("sink", "source"), name)
    text = f"no connector is called {name}" if reason is None else f"the connector {name} cannot be loaded: {reason}"
    raise ConfigError.for_key("connector.class", text)
