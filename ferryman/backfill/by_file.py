"""A run of the command line: its live connector is a file, and its ranges are kept in Kafka. Blocks."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from confluent_kafka import KafkaException

from ferryman.backfill import kept, sample
from ferryman.backfill.making import Making, Run
from ferryman.backfill.request import Request
from ferryman.backfill.terminal import Report
from ferryman.errors import ConfigError
from ferryman.kafka.admin import Admin
from ferryman.kafka.clients import Clients
from ferryman.kafka.subscription import Subscription
from ferryman.plugins import catalog
from ferryman.record import TopicPartition
from ferryman.runs.words import duration
from ferryman.settings.settings import Settings
from ferryman.telemetry import redaction
from ferryman.telemetry.redaction import redact


@dataclass(frozen=True, slots=True)
class ByFile:
    """Makes a run of one file. Raises ConfigError for all that stands in the way."""

    settings: Settings
    live: Mapping[str, str] = field(repr=False)

    def run(self, request: Request) -> Run:
        """The run: with the ranges that it was begun with, if it was."""
        name = request.run_name(self.live["name"])
        with _answered():
            ranges = kept.read(self._clients(name), self._partitions(), request)
            return Making(self.live, self.settings.values, self._resolved).run(request, ranges)

    def keep(self, run: Run, request: Request) -> None:
        """Keeps the ranges for the next call."""
        with _answered():
            kept.keep(self._clients(run.name), run.ranges, request)

    def explain(self, run: Run, report: Report) -> None:
        """What there is to say beside the ranges: bytes, time, where it goes."""
        with _answered():
            size = sample.bytes_of(self._clients(run.name), run.ranges)
        report.line(f"about {size / 1e6:,.1f} MB of keys and values, by a sample")
        rate = run.config.get("ferryman.run.rate")
        if rate:
            report.line(f"at {float(rate):g} records a second: {duration(run.ranges.size / float(rate))}")
        report.line("nothing was started")

    def _clients(self, name: str) -> Clients:
        return Clients(name, 0, self.settings.values, self._resolved(self.live), "backfill")

    def _partitions(self) -> list[TopicPartition]:
        raw = self._resolved(self.live)
        plugin = catalog.connector(raw.get("connector.class", ""))
        if plugin is None or not catalog.is_sink(plugin):
            name = raw.get("connector.class", "")
            raise ConfigError.for_key("connector.class", f"only sinks can be run again, and {name} is none")
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
        text = f"Kafka does not give what is asked: {redact(error.args[0].str())}"
        raise ConfigError.for_key("bootstrap.servers", text) from None
