"""What the parts of a validation work on, and what each contributes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ferryman.errors import KeyProblem
from ferryman.plugins import catalog
from ferryman.settings.settings import Settings
from ferryman.validation.config_infos import ConfigInfo

CONVERTERS = ("key.converter", "value.converter", "header.converter")
VERSION = "plugin.version"


@dataclass(frozen=True, slots=True)
class Part:
    """What one part of a config contributes."""

    infos: tuple[ConfigInfo, ...] = ()
    problems: tuple[KeyProblem, ...] = ()
    """Problems, which may be about keys of other parts, or of none."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """A config in both of its forms."""

    given: Mapping[str, str]
    """As it was posted."""
    values: Mapping[str, str]
    """With its references resolved."""
    nulls: Mapping[str, None]
    """The keys whose value is null; they are in neither form."""
    plugin: type[Any]
    """The connector."""
    settings: Settings

    def nulls_under(self, prefix: str) -> dict[str, None]:
        """The keys below a prefix whose value is null, without it."""
        return {key.removeprefix(prefix): None for key in self.nulls if key.startswith(prefix)}

    def converter(self, key: str) -> type[Any] | None:
        """The converter under one of CONVERTERS, which is the worker's if the connector names none."""
        return catalog.find("converter", self.values.get(key) or getattr(self.settings.config, key.replace(".", "_")))
