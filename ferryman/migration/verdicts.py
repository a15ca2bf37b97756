"""Which connectors of another cluster run here, key by key, by the checks that a worker makes when one is created."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ferryman.errors import KeyProblem, RequestError
from ferryman.migration.old_cluster import OldConnector
from ferryman.settings.settings import Settings
from ferryman.telemetry.redaction import redact
from ferryman.validation import connector_config

CLASS = "connector.class"


class Verdict(StrEnum):
    """The verdict on a key, or on a connector: that of its worst key."""

    RUNS = "runs"
    """It has the effect that it has in Kafka Connect."""
    WARNS = "warns"
    """It is taken, and the worker says by name what is different or without effect."""
    REFUSED = "refused"
    """A worker does not take the config with it, or without it."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A connector, or a worker's file."""

    name: str
    plugin: str = ""
    """The connector's class as the config names it."""
    runs: tuple[str, ...] = ()
    """Keys about which there is nothing to say."""
    warns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What the worker would say, by key."""
    refused: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What is wrong, by key; also keys that are missing."""

    @property
    def verdict(self) -> Verdict:
        """The worst of its keys."""
        return Verdict.REFUSED if self.refused else Verdict.WARNS if self.warns else Verdict.RUNS


def check(connector: OldConnector, settings: Settings) -> Checked:
    """The verdict of a worker with these settings on a connector. Starts nothing."""
    config = {"name": connector.name, **connector.config}
    plugin = config.get(CLASS) or ""
    try:
        found = connector_config.validate(config, settings)
    except RequestError as error:
        return _checked(connector.name, plugin, config, [], [(CLASS, redact(str(error)))])
    problems = [(each.key, redact(each.message)) for each in found.infos.problems]
    return _checked(connector.name, plugin, config, found.warnings, problems)


def of_worker(
    name: str, keys: Iterable[str], warnings: Iterable[str] = (), problems: Iterable[KeyProblem] = ()
) -> Checked:
    """A worker's file with these keys, and what was found when it was read."""
    return _checked(name, "", keys, warnings, [(each.key, redact(each.message)) for each in problems])


def _checked(
    name: str, plugin: str, keys: Iterable[str], warnings: Iterable[str], problems: Iterable[tuple[str, str]]
) -> Checked:
    warns = _by_key((text.partition(" ")[0], redact(text)) for text in warnings)
    refused = _by_key(problems)
    runs = tuple(sorted(key for key in keys if key not in warns and key not in refused))
    return Checked(name, plugin, runs, warns, refused)


def _by_key(said: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for key, text in said:
        if text not in found.get(key, ()):
            found[key] = (*found.get(key, ()), text)
    return found
