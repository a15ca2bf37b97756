"""Which plugins a task's config names, so that its process imports those and no others."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from ferryman.chain import builder, chain_config
from ferryman.conversion import Side
from ferryman.errors import ConfigError
from ferryman.plugins import catalog
from ferryman.plugins.entry import Entry

OURS = "ferryman."

Row = Sequence[str]
"""A kind, a name in a config, and the module and the class in it that the name means."""


def named(raw: Mapping[str, str], worker: Mapping[str, str]) -> list[Row]:
    """The plugins of a connector's config over its worker's, both resolved; without names that mean nothing."""
    steps = ((catalog.entry(kind, name), name) for kind, name in _steps(raw, worker))
    return [*connector(raw), *(_row(entry, name) for entry, name in steps if entry is not None)]


def connector(raw: Mapping[str, str]) -> list[Row]:
    """The connector that a config names; none if the name means nothing."""
    name = raw.get("connector.class", "")
    entry = catalog.connector_entry(name)
    return [] if entry is None else [_row(entry, name)]


def connector_class(raw: Mapping[str, str]) -> type[Any]:
    """The class of the connector that a config names. ConfigError if it names none, none that is here, or one that
    cannot be imported: no check has seen a config that comes out of a topic."""
    name = raw.get("connector.class")
    if name is None:
        text = 'Missing required configuration "connector.class" which has no default value.'
        raise ConfigError.for_key("connector.class", text)
    plugin = catalog.connector(name)
    if plugin is not None:
        return plugin
    reason = catalog.import_error(("sink", "source"), name)
    text = f"no connector is called {name}" if reason is None else f"the connector {name} cannot be loaded: {reason}"
    raise ConfigError.for_key("connector.class", text)


def _row(entry: Entry, name: str) -> Row:
    return entry.kind, name, entry.module, entry.attribute


def _steps(raw: Mapping[str, str], worker: Mapping[str, str]) -> Iterator[tuple[catalog.Kind, str]]:
    for side in get_args(Side):
        yield "converter", builder.converter_name(side, raw, worker)[1]
    for alias in chain_config.aliases(raw, "transforms"):
        yield "transformation", raw.get(f"transforms.{alias}.type", "")
    for alias in chain_config.aliases(raw, "predicates"):
        yield "predicate", raw.get(f"predicates.{alias}.type", "")


def modules(rows: Sequence[Row]) -> list[str]:
    """The modules of those that are Ferryman's own: what the processes of all tasks can share. Others' code is imported
    by the tasks that need it alone, so that none can hold up or end what does not."""
    return list(dict.fromkeys(module for _, _, module, _ in rows if module.startswith(OURS)))


def take_over(rows: Sequence[Row]) -> None:
    """Has the catalog of this process know what these names mean."""
    for kind, name, module, attribute in rows:
        catalog.resolve(name, Entry(kind, module, attribute))  # type: ignore[arg-type]
