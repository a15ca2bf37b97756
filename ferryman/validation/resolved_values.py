"""The last check of what /validate answers: it must contain no value from a config provider."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ferryman.chain import chain_config
from ferryman.settings.config_providers import Resolution
from ferryman.telemetry.references import Found, References
from ferryman.validation.config_infos import ConfigInfo

_NAMING = ("transforms", "predicates", "topic.creation.groups")
"""Keys whose values become parts of other keys' names."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Puts references back into texts and entries, where they hold what a provider gave."""

    values: References
    """The references that are values of whole keys, or part of one."""
    aliases: References
    """The references whose values hold aliases, and so are parts of other keys' names (_NAMING)."""

    @classmethod
    def from_resolution(cls, given: Mapping[str, str], resolution: Resolution, worker: References) -> "Shown":
        """For a config as it was given and what it resolved to, on a worker with references of its own."""
        aliases = [
            Found("", given[key], alias)
            for key in _NAMING
            if key in given and given[key] != resolution.values[key]
            for alias in chain_config.aliases(resolution.values, key)
        ]
        return cls(resolution.references + worker, References(tuple(aliases)))

    def text(self, text: str, key: str) -> str:
        """A text about a key."""
        return self.aliases.restored(self.values.restored(text, key))

    def info(self, info: ConfigInfo) -> ConfigInfo:
        """One entry of the answer; declarations of keys hold no value, but their names may."""
        name = info.value.name
        errors = tuple(self.text(error, name) for error in info.value.errors)
        value = replace(info.value, name=self.aliases.restored(name), errors=errors)
        definition = info.definition
        if definition is not None and self.aliases.found:
            definition = replace(
                definition,
                name=value.name,
                display_name=self.aliases.restored(definition.display_name),
                group=definition.group and self.aliases.restored(definition.group),
            )
        return ConfigInfo(definition, value)
