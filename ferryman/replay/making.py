"""Makes the config of a run that replays letters: refuses what would do harm. Starts nothing."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ferryman.backfill.making import Resolve
from ferryman.errors import ConfigError
from ferryman.java.instants import utc_text
from ferryman.plugin_process import replays
from ferryman.plugins import catalog
from ferryman.replay.request import GROUP, IN_RUNS, Request
from ferryman.runs.harm import ReplayVerdict
from ferryman.runs.keys import PREFIX
from ferryman.runs.ranges import Ranges

MEANT: Mapping[ReplayVerdict, str] = {
    "elsewhere": "it writes elsewhere than the live connector",
    "beside": "it writes where the live connector does, beside it",
    "older": "it writes where the live connector does, although rows may go back to an older state",
}


@dataclass(frozen=True, slots=True)
class Making:
    """Makes replays of one live connector."""

    live: Mapping[str, str] = field(repr=False)
    """Its config as it was posted, with its name."""
    resolve: Resolve = field(repr=False)

    judge: Callable[[Mapping[str, Any]], ReplayVerdict] = field(repr=False)
    """Asks the connector's own code a question of ``plugin_process.replays``."""

    @property
    def is_sink(self) -> bool:
        """Whether the connector is a sink; otherwise a source. ConfigError for a class that there is not."""
        name = self.live.get("connector.class", "")
        entry = catalog.connector_entry(name)
        if entry is None:
            raise ConfigError.for_key("connector.class", catalog.absence(("sink", "source"), name))
        return entry.kind == "sink"

    def checked(self) -> None:
        """ConfigError for what has no runs of letters."""
        if not self.is_sink:
            text = (
                "dead letters of a source can only be sent to the topic that their records were for: to_topic "
                "(--to-topic)"
            )
            raise ConfigError.for_key("to_topic", text)

    def verdict(self, request: Request, topics: Collection[str]) -> ReplayVerdict:
        """What the run may do with records of these topics. Raises ConfigError if it must not be made."""
        live, run = self.resolve(self.live), self.resolve(self._merged(request))
        return self.judge(replays.question(live, run, topics, request.allow_older))

    def config(self, request: Request, name: str, ranges: Ranges, marks: str) -> dict[str, str]:
        """The run's config, references unresolved."""
        created = utc_text(datetime.now(UTC), "seconds")
        own = {"of": self.live["name"], "ranges": ranges.dump(), "letters": marks, "created": created}
        own |= {"edit": request.edit} if request.edit else {}
        found = self._merged(request)
        if request.sets.get(GROUP) == self.live.get(GROUP, f"connect-{self.live['name']}"):
            raise ConfigError.for_key(GROUP, f"{GROUP} must not be the live connector's")
        return found | IN_RUNS | {f"{PREFIX}{key}": value for key, value in own.items()} | {"name": name}

    def _merged(self, request: Request) -> dict[str, str]:
        merged = {**self.live, **request.sets}
        if GROUP not in request.sets:
            merged.pop(GROUP, None)  # in the live connector's group the two would share its partitions
        return {key: value for key, value in merged.items() if value is not None and not key.startswith(PREFIX)}
