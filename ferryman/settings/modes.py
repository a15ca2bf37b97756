"""The two modes of running a worker: which keys each has, and which of the other's do nothing in it."""

from collections.abc import Mapping
from dataclasses import dataclass

from ferryman.settings.distributed_keys import DistributedConfig
from ferryman.settings.worker_keys import WorkerConfig

_BOTH: Mapping[str, str] = {
    "plugin.path": "plugins are Python packages, found by their entry points",
    "plugin.discovery": "plugins are Python packages, found by their entry points",
    "metric.reporters": "metrics are served under /metrics",
    "auto.include.jmx.reporter": "metrics are served under /metrics",
    "metrics.context.": "metrics are served under /metrics, with only the labels that they need",
    "metrics.recording.level": "all metrics are recorded",
    "internal.": "internal data is always JSON without schemas",
    "key.converter.plugin.version": "a plugin has the version that is installed",
    "value.converter.plugin.version": "a plugin has the version that is installed",
    "header.converter.plugin.version": "a plugin has the version that is installed",
    "offset.storage.cleanup.policy": "the offsets topic is always compacted",
    "log4j.": "logging is set by --log-level and PUT /admin/loggers",
    "cub.kafka.timeout": "the worker waits for its broker without end",
}
_NO_GROUP = "a standalone worker joins no group"
_STANDALONE: Mapping[str, str] = {
    "config.storage.": "a standalone worker keeps no configs in Kafka",
    "status.storage.": "a standalone worker keeps no statuses in Kafka",
    "session.timeout.ms": f"{_NO_GROUP}; for sinks write consumer.session.timeout.ms",
    "heartbeat.interval.ms": f"{_NO_GROUP}; for sinks write consumer.heartbeat.interval.ms",
    "rebalance.timeout.ms": _NO_GROUP,
    "connect.protocol": _NO_GROUP,
    "scheduled.rebalance.max.delay.ms": _NO_GROUP,
    "worker.sync.timeout.ms": _NO_GROUP,
    "worker.unsync.backoff.ms": _NO_GROUP,
    "inter.worker.": "a standalone worker talks to no other worker",
}
_DISTRIBUTED: Mapping[str, str] = {
    "offset.storage.file.filename": "a distributed worker keeps the offsets of sources in offset.storage.topic",
    "config.storage.partitions": "the config topic has one partition",
    "config.storage.cleanup.policy": "the config topic is always compacted",
    "status.storage.cleanup.policy": "the status topic is always compacted",
}


@dataclass(frozen=True, slots=True)
class Mode:
    """A way of running workers."""

    config_class: type[WorkerConfig]
    own_no_effect: Mapping[str, str]
    """Keys (or prefixes ending in a dot) that do nothing in this mode alone, and why."""
    topics: tuple[str, ...]
    """Prefixes of keys for its internal topics, some of which are settings of the topic."""

    @property
    def no_effect(self) -> Mapping[str, str]:
        """Keys (or prefixes ending in a dot) that others know, and why they do nothing. Each one given is warned
        about."""
        return {**_BOTH, **self.own_no_effect}

    def spelled_out(self, values: Mapping[str, str]) -> Mapping[str, str]:
        """These settings with the defaults that are this mode's own, for whoever reads them as those of any worker."""
        shared = {each.name: each.default_value for each in WorkerConfig.definitions()}
        own = {each.name: each.default_value for each in self.config_class.definitions() if each.name in shared}
        return {**{name: value for name, value in own.items() if value and value != shared[name]}, **values}


STANDALONE = Mode(WorkerConfig, _STANDALONE, ("offset.storage.",))
DISTRIBUTED = Mode(DistributedConfig, _DISTRIBUTED, ("offset.storage.", "config.storage.", "status.storage."))
NO_EFFECT = _BOTH
"""What does nothing in either mode."""
