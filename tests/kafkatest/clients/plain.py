"""What a worker answers and a client returns, without what differs from worker to worker and from moment to moment."""

import re
from collections.abc import Set as AbstractSet
from typing import Any

from tests.kafkatest.report.differences import DOCUMENTATION_OF_KEYS, ORDER_OF_KEYS, SAME_WORDS_AGAIN

_OF_THE_WORKER = {"version", "commit", "kafka_cluster_id", "kafkaClusterId"}
_LEFT_OUT = {"documentation": DOCUMENTATION_OF_KEYS, "order": ORDER_OF_KEYS, "order_in_group": ORDER_OF_KEYS}
_ADDED_LATER = {"org.apache.kafka.connect.errors.ConnectException: ": SAME_WORDS_AGAIN}
_TRIED = ("org.apache.kafka.connect.converters.", "org.apache.kafka.connect.json.", "org.apache.kafka.connect.storage.")


def plain(do: str, value: Any, passing: bool = False) -> Any:
    """A value of a step, as it is compared; what says how things stand is left out of it if that may be ``passing``."""
    left_out = _LEFT_OUT.keys() | ({"state", "version"} if passing else set())
    return _without(left_out, _tried_plugins(value) if do == "plugins" else value)


def _tried_plugins(value: Any) -> Any:
    """A list of plugins, wherever it is, with those that are tried here: besides, each worker has its own."""
    if not isinstance(value, list):
        return value
    return [_tried_plugins(each) for each in value if not isinstance(each, dict) or "FileStream" in str(each)]


def _without(left_out: AbstractSet[str], value: Any) -> Any:
    match value:
        case dict():
            return {key: _of(key, each, left_out) for key, each in value.items() if key not in left_out}
        case list():
            return [_without(left_out, each) for each in value]
        case str():
            text = re.sub(r"(available connectors are: ).*", r"\1*", value, flags=re.DOTALL)
            text = re.sub(r"column: \d+", "column: *", text)  # counted from the beginning of what has our names in it
            text = re.sub(r"\d+\.\d+\.\d+", "*", text) if re.fullmatch(r"[\d.]+", text) else text
            return re.sub("|".join(map(re.escape, _ADDED_LATER)), "", text)
        case _:
            return value


def _of(key: str, value: Any, left_out: AbstractSet[str]) -> Any:
    if key in _OF_THE_WORKER:
        return "*"
    if key in {"recommended_values", "recommendedValues"}:  # as far as both workers have them
        value = [each for each in value if each.startswith(_TRIED) or re.fullmatch(r"[^.]*|[\d.]+", each)]
    return _without(left_out, value)
