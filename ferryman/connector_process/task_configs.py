"""The configs that a connector makes for its tasks: checked, and with references in place of the values that they
resolve to."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from ferryman.connector import ConnectorConfig
from ferryman.errors import TaskError
from ferryman.plugins import catalog
from ferryman.telemetry.references import References

log = logging.getLogger(__name__)


def checked(made: object, config: ConnectorConfig) -> list[Mapping[str, str]]:
    """What ``task_configs`` has returned, as a list. TaskError if it is not a list of configs, or, in Kafka Connect's
    words, if there are more than ``tasks.max`` (KIP-1004)."""
    found = list(made) if isinstance(made, Sequence) and not isinstance(made, str | bytes) else None
    if found is None or not all(map(_is_config, found)):
        raise TaskError(
            f"The task configs of the connector {config.name} are not what a connector must return: a list with a "
            "map of strings to strings for each task."
        )
    if len(found) > config.tasks_max:
        text = (
            f"The connector {config.name} has generated {len(found)} tasks, which is greater than "
            f"{config.tasks_max}, the maximum number of tasks it is configured to create."
        )
        if config.tasks_max_enforce:
            raise TaskError(text)
        log.warning(text)
    return found


def _is_config(made: object) -> bool:
    return isinstance(made, Mapping) and all(isinstance(each, str) for pair in made.items() for each in pair)


def stored(
    made: Mapping[str, str],
    plugin: type[Any],
    raw: Mapping[str, str],
    resolved: Mapping[str, str],
    references: References,
) -> dict[str, str]:
    """A task's config as it is stored. As in Kafka Connect, a value becomes a reference again if it is the connector's
    own value of that key, or exactly what a reference resolved to."""
    kept = references.unresolved(made)
    own = {key: raw[key] for key, value in made.items() if key in raw and resolved.get(key) == value}
    return {**kept, **own, "task.class": catalog.task_class(plugin, raw["connector.class"])}
