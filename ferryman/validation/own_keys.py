"""Ferryman's own keys of a connector: those that are given, since users of Kafka Connect expect no others."""

from collections.abc import Mapping

from ferryman.config import Config
from ferryman.connector import SinkConfig
from ferryman.errors import KeyProblem
from ferryman.runs.keys import RunKeys, SourceRunKeys
from ferryman.settings.task_keys import PREFIX, TaskKeys
from ferryman.validation import config_infos
from ferryman.validation.config_infos import ConfigInfo


def classes(config_class: type[Config]) -> tuple[type[Config], ...]:
    """Who declares them."""
    return (TaskKeys, RunKeys if issubclass(config_class, SinkConfig) else SourceRunKeys)


def names(config_class: type[Config]) -> set[str]:
    """What they are called."""
    return {name for keys in classes(config_class) for name in keys.keys()}  # noqa: SIM118


def infos(
    config_class: type[Config], given: Mapping[str, str], values: Mapping[str, str]
) -> tuple[list[ConfigInfo], list[KeyProblem]]:
    """What is said of Ferryman's own keys in a config, ``given`` as posted and ``values`` with references resolved, and
    what is wrong with them."""
    ours = {key: value for key, value in values.items() if key.startswith(PREFIX)}
    found, problems = list[ConfigInfo](), list[KeyProblem]()
    for keys in classes(config_class):
        wrong = keys.read(ours)[1]
        found += [
            each
            for each in config_infos.field_infos(keys, keys.model_fields, given, wrong)
            if each.value.name in ours or each.value.errors
        ]
        problems += wrong
    return found, problems
