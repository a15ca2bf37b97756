"""A run of the command line: its live connector is a file, and its ranges are kept in Kafka. Blocks."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from confluent_kafka import KafkaException

from ferryman.backfill import kept
from ferryman.backfill.making import Making, Run
from ferryman.backfill.request import Request
from ferryman.backfill.terminal import Report
from ferryman.connector import own_offsets_topic
from ferryman.errors import ConfigError
from ferryman.kafka.admin import Admin
from ferryman.kafka.clients import Clients
from ferryman.kafka.subscription import Subscription
from ferryman.plugins import catalog
from ferryman.record import TopicPartition
from ferryman.settings.settings import Settings
from ferryman.telemetry import redaction
from ferryman.telemetry.redaction import redact


@dataclass(frozen=True, slots=True)
class ByFile:
    """Makes a run of one file. Raises ConfigError for everything that is in the way."""

    settings: Settings
    live: Mapping[str, str] = field(repr=False)

    def run(self, request: Request) -> Run:
        """The run: with the bounds that it was begun with, if it was."""
        name = request.run_name(self.live["name"])
        making = Making(self.live, self.settings.values, self._resolved)
        with _answered():
            if catalog.is_sink(making.plugin()):
                return making.run(request, kept.read(self._clients(name), self._partitions(request), request))
            return making.run(request, kept.read_part(self._clients(name), self._offsets_topic, request))

    def keep(self, run: Run, request: Request) -> None:
        """Keeps the bounds for the next call."""
        with _answered():
            kept.keep(self._clients(run.name), self.settings.config.offset_storage_topic, run, request)

    @property
    def _offsets_topic(self) -> str:
        return own_offsets_topic(self._resolved(self.live)) or self.settings.config.offset_storage_topic

    def explain(self, run: Run, report: Report) -> None:
        """What there is to say beside the ranges: bytes, time, how much is in the period."""
        with _answered():
            report.sized(run.sized(self._clients(run.name)))

    def _clients(self, name: str) -> Clients:
        return Clients(name, 0, self.settings.values, self._resolved(self.live), "backfill")

    def _partitions(self, request: Request) -> list[TopicPartition]:
        """The partitions that the run may have, whose topics may be others than the live connector's."""
        raw = self._resolved(request.merged(self.live))
        plugin = Making(self.live, self.settings.values, self._resolved).plugin()
        admin = Admin(self._clients(self.live["name"]).admin())
        config = plugin.config_class.parse(raw)
        return [TopicPartition(*each) for each in Subscription(admin, config, self.settings.values).partitions()]

    def _resolved(self, raw: Mapping[str, str]) -> Mapping[str, str]:
        found = self.settings.providers.resolve(raw)
        problems = (*found.problems, *found.missing)
        if problems:
            raise ConfigError(*problems)
        redaction.protect_config(found.values)
        return found.values


@contextmanager
def _answered() -> Iterator[None]:
    """Has a cluster that does not answer be a problem of its address."""
    try:
        yield
    except KafkaException as error:
        text = f"Kafka does not answer a question about its topics: {redact(error.args[0].str())}"
        raise ConfigError.for_key("bootstrap.servers", text) from None
