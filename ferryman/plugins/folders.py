"""Our own plugins, found by listing folders and importing what is there; and the index that is made of them.

They are ``connectors/<system>/{sink,source}.py`` and each file of transforms/, transforms/debezium/,
transforms/predicates/ and converters/. A worker reads the index, ``ours.json``, and imports what its configs name.
"""

import json
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import ferryman.connectors
import ferryman.converters
import ferryman.transforms
import ferryman.transforms.debezium
import ferryman.transforms.predicates
from ferryman.plugins.kinds import ROOTS, Kind

INDEX = Path(__file__).with_name("ours.json")
FOLDERS: Mapping[Kind, Sequence[ModuleType]] = {
    "transformation": [ferryman.transforms, ferryman.transforms.debezium],
    "predicate": [ferryman.transforms.predicates],
    "converter": [ferryman.converters],
}
"""Where each module is a plugin; of connectors it is the module in a system's folder that is named as its kind."""


def plugins(kind: Kind) -> Iterator[type[Any]]:
    """The classes of a kind."""
    for module in _modules(kind):
        loaded = import_module(module)
        for value in vars(loaded).values():
            if isinstance(value, type) and issubclass(value, ROOTS[kind]) and value.__module__ == loaded.__name__:
                yield value


def _modules(kind: Kind) -> Iterator[str]:
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
    """The full names of a plugin: its Java class names, or its own where nobody had one before. Those of a class that
    it derives from are not its own: it would get the configs of all that name that one."""
    return vars(plugin).get("classes") or (plugin.__name__,)


def index() -> str:
    """What the index should say."""
    found = {kind: [_row(plugin) for plugin in plugins(kind)] for kind in get_args(Kind)}
    return json.dumps(found, indent=1) + "\n"


def _row(plugin: type[Any]) -> dict[str, Any]:
    sided = {"sided": True} if getattr(plugin, "sided", False) else {}
    return {"module": plugin.__module__, "attribute": plugin.__name__, "names": names(plugin), **sided}
