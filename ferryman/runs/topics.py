"""Where a source writes: topics, as places that a run may share with its live connector. Pure."""

from collections.abc import Collection, Mapping

from ferryman.config import split_list, trim
from ferryman.runs.harm import Target

KAFKAS = "org.apache.kafka.connect.transforms."
ROUTERS = frozenset({"RegexRouter", "TimestampRouter"})
"""Kafka's transforms that rename topics; for transforms of others this is unknown."""
BROKERS = "producer.override.bootstrap.servers"


def transforms(raw: Mapping[str, str]) -> dict[str, str]:
    """The type of each transform of a config, by alias."""
    aliases = [alias for alias in split_list(raw.get("transforms", "")) if alias]
    return {alias: trim(raw.get(f"transforms.{alias}.type", "")) for alias in aliases}


def target(raw: Mapping[str, str], hint: str, names: Collection[str] = (), prefixes: Collection[str] = ()) -> Target:
    """The target of a source that hands over records for topics of these names, and for all whose names begin with one
    of ``prefixes``. ``hint`` is the key that names them."""
    if any(_renames(kind) for kind in transforms(raw).values()):
        return Target(None, f"{hint}, without transforms that may rename topics")
    cluster = raw.get(BROKERS, "")
    # A name is its letters and an end, so that one that begins as another is another place; a prefix has no end.
    whole = {(cluster, *name, None) for name in names}
    return Target(frozenset(whole | {(cluster, *prefix) for prefix in prefixes}), hint)


def _renames(kind: str) -> bool:
    own = kind.removeprefix(KAFKAS)
    return "." in own or own in ROUTERS
