"""The converters that a worker's settings name: imported and made once, to see what is wrong with their settings."""

from collections.abc import Collection, Iterator, Mapping
from typing import get_args

from ferryman.chain import builder
from ferryman.config import Config
from ferryman.conversion import Side
from ferryman.errors import ConfigError, KeyProblem
from ferryman.java import spelling
from ferryman.plugins import catalog
from ferryman.settings.modes import NO_EFFECT

KEYS = tuple(f"{side}.converter" for side in get_args(Side))


def problems(values: Mapping[str, str], known: Collection[str] = ()) -> list[KeyProblem]:
    """What is wrong with them, but for keys that are ``known`` to be bad; ``values`` has its references resolved."""
    found = list[KeyProblem]()
    for side in get_args(Side):
        try:
            builder.converter(side, {}, values)
        except ConfigError as error:
            found += [each for each in error.problems if each.key not in known]
    return found


def warnings(values: Mapping[str, str]) -> Iterator[str]:
    """Settings of theirs that they do not have."""
    for kind in KEYS:
        prefix, plugin = f"{kind}.", catalog.find("converter", values.get(kind, ""))
        config_class: type[Config] = Config if plugin is None else plugin.config_class
        names = [prefix + name for name in sorted(config_class.keys())]
        given = [name.removeprefix(prefix) for name in values if name.startswith(prefix) and name not in NO_EFFECT]
        for name in config_class.strangers(given) if plugin is not None else ():
            hint = spelling.meant(prefix + name, names)
            yield f"{prefix}{name} is not a setting of {values[kind]} and has no effect{hint}"
