"""The catalog of plugins: which class a name in a config means.

Ours are found by listing folders: ``connectors/<system>/{sink,source}.py``, and each file of transforms/,
transforms/debezium/, transforms/predicates/ and converters/. Others register an entry point in the group
``ferryman.connectors``, ``ferryman.transforms``, ``ferryman.predicates`` or ``ferryman.converters``. A name is never
imported as a dotted path, so a config cannot load code that nobody installed as a plugin.
"""

import logging
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points, packages_distributions
from importlib.metadata import version as metadata_version
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Literal

import ferryman.connectors
import ferryman.converters
import ferryman.transforms
import ferryman.transforms.debezium
import ferryman.transforms.predicates
from ferryman.api import Predicate, Sink, Source, Transform
from ferryman.conversion import Converter

log = logging.getLogger(__name__)

Kind = Literal["sink", "source", "transformation", "predicate", "converter"]
ROOTS: Mapping[Kind, type[Any]] = {
    "sink": Sink,
    "source": Source,
    "transformation": Transform,
    "predicate": Predicate,
    "converter": Converter,
}
GROUPS: Mapping[Kind, str] = {
    "sink": "ferryman.connectors",
    "source": "ferryman.connectors",
    "transformation": "ferryman.transforms",
    "predicate": "ferryman.predicates",
    "converter": "ferryman.converters",
}
FOLDERS: Mapping[Kind, Sequence[ModuleType]] = {
    "transformation": [ferryman.transforms, ferryman.transforms.debezium],
    "predicate": [ferryman.transforms.predicates],
    "converter": [ferryman.converters],
}
"""Where each module is a plugin; of connectors it is the module in a system's folder that is named as its kind."""
SUFFIXES: Mapping[Kind, str] = {
    "sink": "Connector",
    "source": "Connector",
    "transformation": "Transformation",
    "predicate": "Predicate",
    "converter": "Converter",
}


@cache
def installed(kind: Kind) -> tuple[type[Any], ...]:
    """The plugin classes of a kind, ours first."""
    found: dict[type[Any], None] = dict.fromkeys(_ours(kind))
    for point in entry_points(group=GROUPS[kind]):
        try:
            plugin = point.load()
        except Exception:
            log.exception("the plugin %s of %s cannot be loaded and is left out", point.name, point.dist)
            continue
        if isinstance(plugin, type) and issubclass(plugin, ROOTS[kind]):
            found[plugin] = None
    return tuple(found)


def _ours(kind: Kind) -> Iterator[type[Any]]:
    for module in _modules(kind):
        loaded = import_module(module)
        for value in vars(loaded).values():
            if isinstance(value, type) and issubclass(value, ROOTS[kind]) and value.__module__ == loaded.__name__:
                yield value


def _modules(kind: Kind) -> Iterator[str]:
    """The full names of the modules that hold our plugins of a kind."""
    for package in FOLDERS.get(kind, ()):
        yield from (f"{package.__name__}.{name}" for name, is_package in _below(package) if not is_package)
    if kind in ("sink", "source"):
        for name, is_package in _below(ferryman.connectors):
            system = f"{ferryman.connectors.__name__}.{name}"
            if is_package and find_spec(f"{system}.{kind}") is not None:
                yield f"{system}.{kind}"


def _below(package: ModuleType) -> list[tuple[str, bool]]:
    return sorted((info.name, info.ispkg) for info in pkgutil.iter_modules(package.__path__))


def names(plugin: type[Any]) -> tuple[str, ...]:
    """The full names of a plugin: its Java class names, or its own where nobody had one before."""
    return plugin.classes or (plugin.__name__,)


def full_name(plugin: type[Any], given: str) -> str:
    """The full name of a plugin that a config calls so, with the side that a transform's name ends in."""
    bare = without_side(given.strip())
    known = names(plugin)
    found = next((name for name in known if name == bare or bare in {name.rpartition(".")[2], _short(name)}), known[0])
    return found + given.strip()[len(bare) :]


def _short(name: str) -> str:
    return next((name.removesuffix(end) for end in SUFFIXES.values() if name.endswith(end)), name).rpartition(".")[2]


def task_class(plugin: type[Any], given: str) -> str:
    """The Java class of the tasks of a connector that a config calls so; a plugin without Java names is its own."""
    if not plugin.classes:
        return plugin.__name__
    name = full_name(plugin, given)
    own = dict(zip(plugin.classes, plugin.task_classes, strict=False))
    return own.get(name) or f"{name.removesuffix('Connector')}Task"


@cache
def _index(kind: Kind) -> Mapping[str, type[Any]]:
    index: dict[str, type[Any]] = {}
    ambiguous: set[str] = set()
    for plugin in installed(kind):
        for name in names(plugin):
            index[name] = plugin
        for alias in {alias for name in (*names(plugin), plugin.__name__) for alias in _aliases(kind, name)}:
            if index.setdefault(alias, plugin) is not plugin:
                ambiguous.add(alias)
    return {name: plugin for name, plugin in index.items() if name not in ambiguous}


def _aliases(kind: Kind, name: str) -> Iterator[str]:
    simple = name.rpartition(".")[2]
    yield simple
    for suffix in (SUFFIXES[kind], "HeaderConverter") if kind == "converter" else (SUFFIXES[kind],):
        short = simple.removesuffix(suffix)
        if short != simple:
            yield short


def find(kind: Kind, name: str) -> type[Any] | None:
    """The plugin of that kind and name: full, simple, or simple without the kind's suffix (Kafka's plugin aliases).

    ``$Key`` and ``$Value`` at the end of a transform's name are its side and not part of the name.
    """
    return _index(kind).get(without_side(name.strip()))


def connector(name: str) -> type[Any] | None:
    """The sink or source of that name."""
    return find("sink", name) or find("source", name)


def without_side(name: str) -> str:
    """A transform's name without ``$Key`` or ``$Value``."""
    return name.removesuffix("$Key").removesuffix("$Value")


def is_sink(plugin: type[Any]) -> bool:
    """Whether a connector is a sink."""
    return issubclass(plugin, Sink)


def version(plugin: type[Any]) -> str:
    """The version of the distribution that a plugin came with."""
    return _version(plugin.__module__.partition(".")[0])


@cache
def _version(package: str) -> str:
    for distribution in packages_distributions().get(package, ()):
        return metadata_version(distribution)
    return "undefined"
