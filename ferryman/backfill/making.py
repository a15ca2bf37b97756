"""Makes the config of a run: looks what is there, refuses what would do harm. Blocks, and starts nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ferryman.api import Part, Sink, TaskContext
from ferryman.backfill import of_source
from ferryman.backfill.history import History
from ferryman.backfill.request import Request
from ferryman.backfill.sample import Size, size_of
from ferryman.connector import SinkConfig
from ferryman.errors import ConfigError, UnsafeRun
from ferryman.java.instants import utc_text
from ferryman.kafka.clients import Clients
from ferryman.plugins import catalog
from ferryman.runs import harm
from ferryman.runs.harm import RunIntoLive, Target, Verdict
from ferryman.runs.keys import PREFIX, instant
from ferryman.runs.ranges import Ranges

Resolve = Callable[[Mapping[str, str]], Mapping[str, str]]
MEANT: Mapping[Verdict, str] = {
    "elsewhere": "it writes elsewhere than the live connector",
    "same": "it writes where the live connector does, and what is already there does not change",
    "fold": "it writes where the live connector does, and leaves out what later records have replaced",
    "newer": "it writes where the live connector does, and changes a row only where the record's version is newer",
    "newer_in_place": "it writes where the live connector does, and changes a row only where the record's version is "
    "newer; it adds and deletes none, since what is missing may have been deleted",
    "allowed": "it writes where the live connector does, and what is already there will be there twice",
}

INTO_LIVE: frozenset[Verdict] = frozenset({"fold", "newer", "newer_in_place"})
"""What needs more of the live target than that it is written to."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run that may be started."""

    name: str
    config: Mapping[str, str] = field(repr=False)
    """References unresolved."""
    ranges: Ranges | None
    """What a sink is to read."""
    verdict: Verdict
    part: Part | None = None
    """What a source is to hand over."""
    begun: bool = False
    """Whether an earlier call of the command has begun it; it goes on with the bounds that it had then."""
    done: int = 0
    """How many records an earlier run of the same name has done; this one continues after them."""
    size: Size | None = None
    """How much it has to do, of a dry run."""

    @property
    def records(self) -> int | None:
        """How many records the run has; None if that is unknown."""
        if self.part is not None:
            return self.part.span.records
        return None if self.ranges is None else self.ranges.size

    def sized(self, clients: Clients) -> Size:
        """How much it has to do. Raises KafkaException when the cluster does not answer."""
        rate, to = (self.config.get(f"{PREFIX}{name}", "") for name in ("rate", "to"))
        ends = instant(to) if to else None
        return size_of(clients, self.ranges, self.records, float(rate or 0), ends)


@dataclass(frozen=True, slots=True)
class Making:
    """Makes runs of one live connector."""

    live: Mapping[str, str] = field(repr=False)
    """Its config as it was posted, with its name."""
    worker: Mapping[str, str] = field(repr=False)
    """The worker's settings as text, references resolved."""
    resolve: Resolve
    """Resolves references; raises ConfigError."""

    def run(self, request: Request, fixed: Ranges | Part | None = None) -> Run:
        """The run that was asked for; ``fixed`` is what was fixed for it before. Raises ConfigError for what cannot be
        or would do harm, KafkaException when the cluster does not answer."""
        if any(key.startswith(PREFIX) for key in self.live):
            raise ConfigError.for_key("name", f"{self.live['name']} is a run itself; name the live connector")
        plugin = self.plugin()
        if not catalog.is_sink(plugin):
            kept = fixed if isinstance(fixed, Part) else None
            config, part, verdict = of_source.run_config(plugin, self.live, request, self.resolve, kept)
            return Run(config["name"], config, None, verdict, part, begun=kept is not None)
        if request.positions is not None:
            raise ConfigError.for_key("positions", "only sources have positions; a sink has offsets")
        return self._of_sink(plugin, request, fixed if isinstance(fixed, Ranges) else None)

    def _of_sink(self, plugin: type[Sink[Any]], request: Request, ranges: Ranges | None) -> Run:
        begun = ranges is not None
        live = self.resolve(self.live)
        merged = self.resolve(request.merged(self.live))
        config: SinkConfig = plugin.config_class.parse(merged)
        if ranges is None:
            ranges = self.history(live, config).ranges(
                instant(request.begins) if request.begins else None, request.offsets
            )
        topics = sorted(ranges.ids)
        run = plugin.target(config, merged, topics)
        before = plugin.target(plugin.config_class.parse(live), live, topics)
        verdict = _verdict(plugin, config, merged, request, (before, run))
        if verdict in INTO_LIVE:
            partitions = {source: ranges.ids[source.topic] for source in ranges.of}
            into_live = RunIntoLive(self.live["name"], partitions, request.version_field)
            self._check(plugin, config, merged, into_live)
        created = utc_text(datetime.now(UTC), "seconds")
        made = request.config(self.live, ranges, verdict == "fold", created)
        return Run(made["name"], made, ranges, verdict, begun=begun)

    def _check(
        self, plugin: type[Sink[Any]], config: SinkConfig, resolved: Mapping[str, str], run: RunIntoLive
    ) -> None:
        context = TaskContext(self.live["name"], 0, self.history(resolved, config).cluster_id(), resolved)
        try:
            plugin.check_run(config, context, run)
        except UnsafeRun as error:
            raise ConfigError.for_key("", str(error)) from None

    def history(self, resolved: Mapping[str, str], config: SinkConfig) -> History:
        """What Kafka has of the connector's topics."""
        return History(Clients(self.live["name"], 0, self.worker, resolved, "backfill"), config)

    def plugin(self) -> type[Any]:
        """The live connector's class. Raises ConfigError if there is none."""
        name = self.live.get("connector.class", "")
        found = catalog.connector(name)
        if found is None:
            raise ConfigError.for_key("connector.class", catalog.absence(("sink", "source"), name))
        return found


def _verdict(
    plugin: type[Sink[Any]],
    config: SinkConfig,
    raw: Mapping[str, str],
    request: Request,
    targets: tuple[Target, Target],
) -> Verdict:
    """``targets`` are the live connector's and the run's."""
    meets = targets[0].meets(targets[1])
    if request.version_field is None:
        return harm.verdict(*targets, plugin.again(config, raw) if meets else "same", request.allow_duplicates)
    if not meets:
        text = (
            "This run writes elsewhere than the live connector, so there is nothing to compare: leave out version_field"
        )
        raise ConfigError.for_key("version_field", text)
    return plugin.by_version(config, raw, request.version_field)
