"""Makes the config of a run that replays letters: refuses what would do harm. Starts nothing."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ferryman.api import Sink
from ferryman.backfill.making import Resolve
from ferryman.connector import SinkConfig
from ferryman.errors import ConfigError
from ferryman.plugins import catalog
from ferryman.replay.request import GROUP, Request
from ferryman.runs import harm
from ferryman.runs.harm import Again, ReplayVerdict
from ferryman.runs.keys import PREFIX
from ferryman.runs.ranges import Ranges

MEANT: Mapping[ReplayVerdict, str] = {
    "elsewhere": "it writes elsewhere than the live connector",
    "beside": "it writes where the live connector does, beside it",
    "older": "it writes where the live connector does, though rows may go back in time",
}
IN_RUNS = {"errors.tolerance": "all", "errors.deadletterqueue.context.headers.enable": "true"}
"""One that is refused again holds none of the others up, and its new letter says how often it was tried."""
LETTERS = "errors.deadletterqueue.topic.name"


@dataclass(frozen=True, slots=True)
class Making:
    """Makes replays of one live connector."""

    live: Mapping[str, str] = field(repr=False)
    """Its config as it was posted, with its name."""
    resolve: Resolve = field(repr=False)

    @property
    def plugin(self) -> type[Sink[Any]]:
        """The connector's class. ConfigError for what is no sink."""
        name = self.live.get("connector.class", "")
        found = catalog.connector(name)
        if found is None or not catalog.is_sink(found):
            text = f"only sinks' dead letters can be replayed, and {name} is none: mend the cause, and move its offsets"
            raise ConfigError.for_key("connector.class", text)
        return found

    def verdict(self, request: Request, topics: Collection[str]) -> ReplayVerdict:
        """What the run may do with records of these topics. Raises ConfigError if it must not be made."""
        plugin, before, after = self.plugin, self.resolve(self.live), self.resolve(self._merged(request))
        config: SinkConfig = plugin.config_class.parse(after)
        live: SinkConfig = plugin.config_class.parse(before)
        return harm.replayed(
            plugin.target(live, before, topics),
            plugin.target(config, after, topics),
            _again(plugin, config, after),
            plugin.shares,
            request.allow_older,
        )

    def config(self, request: Request, name: str, ranges: Ranges, marks: str) -> dict[str, str]:
        """The run's config, references unresolved."""
        created = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        own = {"of": self.live["name"], "ranges": ranges.dump(), "letters": marks, "created": created}
        found = self._merged(request)
        if request.sets.get(GROUP) == self.live.get(GROUP, f"connect-{self.live['name']}"):
            raise ConfigError.for_key(GROUP, f"{GROUP} must not be the live connector's")
        return found | IN_RUNS | {f"{PREFIX}{key}": value for key, value in own.items()} | {"name": name}

    def _merged(self, request: Request) -> dict[str, str]:
        merged = {**self.live, **request.sets}
        if GROUP not in request.sets:
            merged.pop(GROUP, None)  # in the live connector's group the two would share its partitions
        return {key: value for key, value in merged.items() if value is not None and not key.startswith(PREFIX)}


def _again(plugin: type[Sink[Any]], config: SinkConfig, raw: Mapping[str, str]) -> Again:
    try:
        return plugin.again(config, raw)
    except ConfigError:
        return "older"  # nobody can tell which record of a row came last
