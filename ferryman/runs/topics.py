"""What transforms make of topics, and where a source writes: topics, as places that a run may share with its live
connector. Pure."""

from collections.abc import Collection, Mapping

from ferryman.config import split_list, trim
from ferryman.regex.pattern import compiled
from ferryman.runs.harm import Target

KAFKAS = "org.apache.kafka.connect.transforms."
ROUTERS = frozenset({"RegexRouter", "TimestampRouter"})
"""Kafka's transforms that rename topics, by their names or the time; for transforms of others this is unknown."""
_KEEPING = frozenset(
    {
        "Cast",
        "DropHeaders",
        "ExtractField",
        "Filter",
        "Flatten",
        "HeaderFrom",
        "HoistField",
        "InsertField",
        "InsertHeader",
        "MaskField",
        "ReplaceField",
        "SetSchemaMetadata",
        "TimestampConverter",
        "ValueToKey",
    }
)
"""Kafka's transforms that leave topics alone."""
_UNWRAPPING = frozenset({"ExtractNewRecordState", "UnwrapFromEnvelope"})
"""Debezium's that do, unless route.by.field is set."""
BROKERS = "producer.override.bootstrap.servers"


def transforms(raw: Mapping[str, str]) -> dict[str, str]:
    """The type of each transform of a config, by alias."""
    aliases = [alias for alias in split_list(raw.get("transforms", "")) if alias]
    return {alias: trim(raw.get(f"transforms.{alias}.type", "")) for alias in aliases}


def own_name(kind: str) -> str:
    """A transform's name without Kafka's package and the side; those of others keep their package."""
    return kind.removeprefix(KAFKAS).partition("$")[0]


def unwraps(kind: str) -> bool:
    """Whether it is one of Debezium's that take a row out of its event."""
    return kind.removeprefix("io.debezium.transforms.") in _UNWRAPPING


def renames(raw: Mapping[str, str], alias: str) -> bool:
    """Whether the transform of that alias may rename topics; one that nobody knows may."""
    kind = trim(raw.get(f"transforms.{alias}.type", ""))
    if unwraps(kind):
        return bool(trim(raw.get(f"transforms.{alias}.route.by.field", "")))
    return own_name(kind) not in _KEEPING


def renaming(raw: Mapping[str, str]) -> list[str]:
    """The aliases of the transforms that may rename topics."""
    return [alias for alias in transforms(raw) if renames(raw, alias)]


def telling(raw: Mapping[str, str]) -> list[str]:
    """The aliases of those among ``renaming`` whose new names only a record tells."""
    return [alias for alias in renaming(raw) if not _is_computable(raw, alias)]


def _is_computable(raw: Mapping[str, str], alias: str) -> bool:
    return own_name(transforms(raw)[alias]) == "RegexRouter" and not trim(raw.get(f"transforms.{alias}.predicate", ""))


def routed(raw: Mapping[str, str], topic: str) -> str:
    """What transforms make of a topic's name, where none is ``telling``.

    Raises ConfigError for a pattern that is none, DataError for a name that it cannot be asked about.
    """
    for alias in renaming(raw):
        regex, replacement = (trim(raw.get(f"transforms.{alias}.{key}", "")) for key in ("regex", "replacement"))
        topic = compiled(regex).renamed(topic, replacement)
    return topic


def target(raw: Mapping[str, str], hint: str, names: Collection[str] = (), prefixes: Collection[str] = ()) -> Target:
    """The target of a source that hands over records for topics of these names, and for all whose names begin with one
    of ``prefixes``. ``hint`` is the key that names them."""
    if renaming(raw):
        return Target(None, f"{hint}, without transforms that may rename topics")
    cluster = raw.get(BROKERS, "")
    # A name is its letters and an end, so that one that begins as another is another place; a prefix has no end.
    whole = {(cluster, *name, None) for name in names}
    return Target(frozenset(whole | {(cluster, *prefix) for prefix in prefixes}), hint)
