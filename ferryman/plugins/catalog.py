"""The catalog of plugins: which class a name in a config means.

Ours stand in an index (``folders``), and only what a config names is imported. Those of others (``others``) are
imported when a name is looked up for the first time, unless ``tell`` has said before what there is. A name is never
imported as a dotted path, so a config cannot load code that nobody installed as a plugin.
"""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from importlib.metadata import version as metadata_version
from typing import Any, get_args

from ferryman import __version__
from ferryman.api import Sink
from ferryman.config import trim
from ferryman.plugins import folders, others
from ferryman.plugins.entry import Entry
from ferryman.plugins.folders import names as names
from ferryman.plugins.kinds import GROUPS, SUFFIXES
from ferryman.plugins.kinds import ROOTS as ROOTS
from ferryman.plugins.kinds import Kind as Kind
from ferryman.plugins.others import Others

_JAVAS = ("java.lang.", "java.util.")
"""How the names of classes begin that every Java has."""

log = logging.getLogger(__name__)

_resolved: dict[tuple[str, str], Entry] = {}
"""Names whose meaning another process has found out already."""
_told: list[Others] = []
"""What others have installed, once ``tell`` has said so."""
_versions: dict[str, str] = {}
"""The versions of others' packages whose plugins have been found."""


@cache
def entries(kind: Kind) -> tuple[Entry, ...]:
    """The plugins of a kind, ours first."""
    return tuple(dict.fromkeys((*_ours(kind), *_others(GROUPS[kind]).of(kind))))


def _ours(kind: Kind) -> Iterable[Entry]:
    for row in _index_of_ours()[kind]:
        yield Entry(kind, row["module"], row["attribute"], tuple(row["names"]), row.get("sided", False))


@cache
def _index_of_ours() -> Mapping[str, list[dict[str, Any]]]:
    found: Mapping[str, list[dict[str, Any]]] = json.loads(folders.INDEX.read_bytes())
    return found


@cache
def _others(group: str) -> Others:
    found = _told[-1] if _told else others.examined(others.points(group))
    _versions.update(found.versions)
    return found


def full_name(plugin: type[Any], given: str) -> str:
    """The full name of a plugin that a config calls so, with the side that a transform's name ends in."""
    bare = without_side(trim(given))
    known = names(plugin)
    found = next((name for name in known if name == bare or bare in {name.rpartition(".")[2], _short(name)}), known[0])
    return found + trim(given)[len(bare) :]


def _short(name: str) -> str:
    return next((name.removesuffix(end) for end in SUFFIXES.values() if name.endswith(end)), name).rpartition(".")[2]


def task_class(plugin: type[Any], given: str) -> str:
    """The Java class of the tasks of a connector that a config calls so; a plugin without Java names is its own."""
    if names(plugin) == (plugin.__name__,):
        return plugin.__name__
    name = full_name(plugin, given)
    own = dict(zip(plugin.classes, plugin.task_classes, strict=False))
    return own.get(name) or f"{name.removesuffix('Connector')}Task"


@cache
def _load(entry: Entry) -> type[Any] | str:
    """The class, or why there is none."""
    try:
        return entry.load()
    except Exception as error:
        log.exception("the plugin %s of %s cannot be loaded", entry.attribute, entry.module)
        return others.reason(error)


def installed(kind: Kind) -> tuple[type[Any], ...]:
    """The plugin classes of a kind, ours first; imports them all."""
    return tuple(loaded for entry in entries(kind) if isinstance(loaded := _load(entry), type))


@cache
def _index(kind: Kind) -> Mapping[str, Entry]:
    index: dict[str, Entry] = {}
    ambiguous: set[str] = set()
    for entry in entries(kind):
        index |= dict.fromkeys(entry.names, entry)
        for alias in set(entry.aliases()):
            if index.setdefault(alias, entry) is not entry:
                ambiguous.add(alias)
    return {name: entry for name, entry in index.items() if name not in ambiguous}


def entry(kind: Kind, name: str) -> Entry | None:
    """The plugin of that kind and name: full, simple, or simple without the kind's suffix (Kafka's plugin aliases).

    ``$Key`` and ``$Value`` at the end of a transform's name are its side and not part of the name.
    """
    bare = without_side(trim(name))
    return _resolved.get((kind, bare)) or _index(kind).get(bare)


def find(kind: Kind, name: str) -> type[Any] | None:
    """The class of the plugin of that kind and name; None if there is none, or it cannot be imported (``absence``)."""
    found = entry(kind, name)
    return None if found is None else _class(found)


def connector_entry(name: str) -> Entry | None:
    """The sink or source of that name."""
    bare = trim(name)
    known = _resolved.get(("sink", bare)) or _resolved.get(("source", bare))
    return known or entry("sink", bare) or entry("source", bare)


def connector(name: str) -> type[Any] | None:
    """The class of the sink or source of that name; None as of ``find``."""
    found = connector_entry(name)
    return None if found is None else _class(found)


def _class(found: Entry) -> type[Any] | None:
    loaded = _load(found)
    return loaded if isinstance(loaded, type) else None


def absence(kinds: Iterable[Kind], name: str, interface: str = "Connector") -> str:
    """Why a name means no class of these kinds, in Kafka Connect's words, where their interface has a name of its own;
    or why the plugin cannot be imported."""
    reason = import_error(kinds, name)
    if reason is not None:
        return f"Class {name} cannot be loaded: {reason}"
    if name.startswith(_JAVAS) or any(find(kind, name) for kind in get_args(Kind)):
        return f"Class class {name} does not implement the {interface} interface"
    return f"Class {name} could not be found."


def import_error(kinds: Iterable[Kind], name: str) -> str | None:
    """Why the plugin of that name cannot be imported; None if there is none of that name, or it can be."""
    bare = without_side(trim(name))
    return next(filter(None, (_broken(kind, bare) for kind in kinds)), None)


def _broken(kind: Kind, name: str) -> str | None:
    found = entry(kind, name)
    loaded = None if found is None else _load(found)
    if isinstance(loaded, str):
        return loaded
    wanted = set(Entry(kind, "", name).aliases())
    # Which names it has in configs only the class would say, so those are compared that the entry point shows.
    broken = (each for each in _others(GROUPS[kind]).broken if each.group == GROUPS[kind])
    points = ((each, {each.point, *Entry(kind, "", each.attribute).aliases()}) for each in broken)
    return next((each.reason for each, known in points if known & wanted), None)


def resolve(name: str, meant: Entry) -> None:
    """Takes over the meaning of a name that another process has looked up; it is not searched for any more."""
    _resolved[meant.kind, without_side(trim(name))] = meant


def set_third_party(found: Others) -> None:
    """Says what others have installed, so that nothing is imported to find that out, from now on."""
    _told[:] = [found]
    _versions.update(found.versions)
    for cached in (entries, _others, _index):
        cached.cache_clear()


def third_party() -> Others:
    """What was said of that last."""
    return _told[-1] if _told else Others()


def doubles() -> Iterator[str]:
    """Full names that several plugins have, and whose they are: of these the last one counts."""
    for kind in get_args(Kind):
        owners: dict[str, list[str]] = {}
        for each in entries(kind):
            for name in each.names:
                owners.setdefault(name, []).append(f"{each.module}:{each.attribute}")
        for name, found in owners.items():
            if len(found) > 1:
                yield f"{name} is the name of several plugins: {', '.join(found)}; configs get the last one"


def forget() -> None:
    """Looks everything up anew; for when something was installed meanwhile."""
    for cached in (entries, _others, _load, _index):
        cached.cache_clear()
    _resolved.clear()
    _told.clear()
    _versions.clear()


def without_side(name: str) -> str:
    """A transform's name without ``$Key`` or ``$Value``."""
    return name.removesuffix("$Key").removesuffix("$Value")


def is_sink(plugin: type[Any]) -> bool:
    """Whether a connector is a sink."""
    return issubclass(plugin, Sink)


def version(plugin: type[Any] | Entry) -> str:
    """The version of the distribution that a plugin came with."""
    package = others.package_of(plugin.module if isinstance(plugin, Entry) else plugin.__module__)
    return _versions.get(package) or _version(package)


@cache
def _version(package: str) -> str:
    if package == "ferryman":
        return __version__  # to read it again would cost each task a parser of e-mails
    # To find a module's distribution all that are installed are read, which takes a while.
    for distribution in packages_distributions().get(package, ()):
        return metadata_version(distribution)
    return "undefined"
