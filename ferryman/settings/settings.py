"""A worker's settings from where people keep them: command line, environment as in container images, property file."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from ferryman.config import split_list
from ferryman.errors import ConfigError, KeyProblem
from ferryman.java import properties, spelling
from ferryman.kafka import client_config, client_security, topic_settings
from ferryman.settings import config_providers, converters, environment, rest_security
from ferryman.settings.config_providers import Providers
from ferryman.settings.distributed_keys import DistributedConfig
from ferryman.settings.modes import DISTRIBUTED, STANDALONE, Mode
from ferryman.settings.rest_security import RestSecurity
from ferryman.settings.worker_keys import CLIENT_KEYS, CLIENT_PREFIXES, PREFIXES, WorkerConfig
from ferryman.telemetry import redaction
from ferryman.telemetry.references import References


class _Source(PydanticBaseSettingsSource):
    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False


class _Environment(_Source):
    def __call__(self) -> dict[str, Any]:
        return {"raw": environment.read(os.environ)}


class _Defaults(_Source):
    def __call__(self) -> dict[str, Any]:
        return {"raw": environment.defaults(os.environ)}


class _PropertyFile(_Source):
    def __call__(self) -> dict[str, Any]:
        file = self.current_state.get("file")
        return {"raw": _read(file) if file else {}}


def _read(file: Path) -> dict[str, str]:
    try:
        found = properties.load(file.read_bytes())
    except OSError as error:
        raise ConfigError.for_key("", f"The worker file {file} cannot be read: {error.strerror}") from None
    except ConfigError as error:
        raise ConfigError.for_key(error.problems[0].key, f"{file}, {error}") from None
    return environment.with_listener(found)


class _Sources(BaseSettings):
    """Merges the sources key by key, the strongest first."""

    model_config = SettingsConfigDict(extra="forbid", hide_input_in_errors=True)

    file: Path | None = None
    raw: dict[str, str] = {}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (
            init_settings,
            _Environment(settings_cls),
            _PropertyFile(settings_cls),
            _Defaults(settings_cls),
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """What a worker runs with, from all sources together."""

    config: WorkerConfig
    values: Mapping[str, str] = field(repr=False)
    """All keys as text, references resolved; never printed."""
    providers: Providers = field(repr=False)
    """Resolve the references of connector configs."""
    warnings: tuple[str, ...] = ()
    """Keys without effect and doubtful values, by name; they are logged when the worker starts."""
    references: References = field(default_factory=References)
    """What the references in ``values`` resolved to."""
    rest: RestSecurity = field(default_factory=RestSecurity)
    """What protects the REST API."""

    @classmethod
    def of_worker(
        cls, values: Mapping[str, str], references: Sequence[Sequence[str]], mode: Mode = STANDALONE
    ) -> "Settings":
        """The settings of the worker whose process was told its values and the rows of its references: without the
        providers, whose references the worker resolves."""
        config = mode.config_class.parse(values)
        return cls(config, values, Providers(), references=References.parse(references))

    @property
    def mode(self) -> Mode:
        """The mode for which they were loaded."""
        return DISTRIBUTED if isinstance(self.config, DistributedConfig) else STANDALONE

    @property
    def distributed(self) -> DistributedConfig:
        """The config of a worker that was loaded for distributed mode."""
        assert isinstance(self.config, DistributedConfig)
        return self.config

    def under(self, prefix: str) -> dict[str, str]:
        """The keys with a prefix, without it: ``settings.under("key.converter.")``."""
        return {name.removeprefix(prefix): value for name, value in self.values.items() if name.startswith(prefix)}


def source_values(file: Path | None = None, overrides: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """What the sources say, key by key, as it stands there. Raises ConfigError for a file that cannot be read."""
    return _Sources(file=file, raw=dict(overrides or {})).raw


def load(
    file: Path | None = None,
    overrides: Mapping[str, str] | None = None,
    mode: Mode = STANDALONE,
    *,
    with_converters: bool = True,
) -> Settings:
    """The settings from a property file (may be None), the environment and the command line's overrides, from weak to
    strong. Raises ConfigError with every problem. Secrets are protected from being written anywhere.

    ``with_converters`` false leaves these alone: a worker imports none, and has a process look at them.
    """
    found = parse(source_values(file, overrides), mode, with_converters=with_converters)
    return replace(found, warnings=(*environment.warnings(os.environ), *found.warnings))


def parse(raw: Mapping[str, str], mode: Mode = STANDALONE, *, with_converters: bool = True) -> Settings:
    """The settings from a map, as ``load`` makes them."""
    redaction.protect_config(raw, mode.config_class.secrets())
    providers, problems, warnings = config_providers.declared(raw)
    resolution = providers.resolve(raw)
    redaction.protect_config(resolution.values, mode.config_class.secrets())
    config, found = mode.config_class.read(resolution.values)
    rest, unsafe = (RestSecurity(), []) if config is None else rest_security.read(config, resolution.values)
    client_problems, client_warnings = client_config.worker_checked(resolution.values)
    problems += [*resolution.problems, *found, *client_problems, *unsafe]
    if with_converters:
        problems += converters.problems(resolution.values, {each.key for each in problems})
    references = resolution.references
    if config is None or problems:
        raise ConfigError(*_printable(problems, references))
    about_clients = [references.restored(text, text.partition(" ")[0]) for text in client_warnings]
    return Settings(
        config,
        mode.spelled_out(resolution.values),
        providers,
        (
            *(*warnings, *resolution.kept, *about_clients, *_warnings(raw, mode)),
            *(converters.warnings(raw) if with_converters else ()),
            *rest_security.warnings(config, raw),
        ),
        references,
        rest,
    )


def _printable(problems: list[KeyProblem], references: References) -> list[KeyProblem]:
    return [KeyProblem(one.key, redaction.redact(references.problem(one).message)) for one in problems]


def _warnings(raw: Mapping[str, str], mode: Mode) -> list[str]:
    found, declared = [], mode.config_class.keys()
    for name in sorted(raw):
        reason = next((why for known, why in mode.no_effect.items() if _matches(known, name)), None)
        topic = next((prefix for prefix in mode.topics if name.startswith(prefix)), None)
        if reason:
            found.append(f"{name} has no effect: {reason}")
        elif name in {"rest.port", "rest.host.name"}:
            found.append(f"{name} is the old name of a part of listeners; write listeners=http://host:port")
        elif not _known(name, mode):
            hint = spelling.meant(name, declared | _others(mode), (*PREFIXES, *mode.topics))
            found.append(f"{name} is not a setting of a worker and has no effect{hint}")
        elif name not in declared and (hint := spelling.nearly(name, declared)):
            found.append(f"{name} is taken to be another program's setting{hint}")
        elif name not in declared and topic:
            found += filter(None, [topic_settings.doubt(topic, name.removeprefix(topic))])
        elif name.startswith("config.providers."):
            found += _provider_warnings(name, raw)
    return found


def _others(mode: Mode) -> frozenset[str]:
    """What may have been meant beside the worker's own keys."""
    useless = {name for name in mode.no_effect if not name.endswith(".")}
    return CLIENT_KEYS | client_security.NAMES | {"rest.port", "rest.host.name"} | useless


def _provider_warnings(name: str, raw: Mapping[str, str]) -> Iterable[str]:
    """Unknown keys of config providers."""
    aliases = split_list(raw.get("config.providers", ""))
    alias = next((each for each in aliases if name.startswith(f"config.providers.{each}.")), None)
    if alias is None:
        hint = spelling.meant(name, (), [f"config.providers.{each}." for each in aliases])
        listed = ", ".join(aliases) or "nothing"
        yield f"{name} has no effect: config.providers lists {listed}{hint}"
        return
    own = f"config.providers.{alias}."
    if name != f"{own}class" and not name.startswith(f"{own}param."):
        hint = spelling.meant(name, [f"{own}class"], [f"{own}param."])
        yield f"{name} is not a setting of a config provider and has no effect{hint}"


def _matches(known: str, name: str) -> bool:
    return name == known or (known.endswith(".") and name.startswith(known))


def _known(name: str, mode: Mode) -> bool:
    declared = mode.config_class.keys()
    others = (*PREFIXES, *CLIENT_PREFIXES, *mode.topics)
    return name in declared or name in CLIENT_KEYS or name.startswith(others)
