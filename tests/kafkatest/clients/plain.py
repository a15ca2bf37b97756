"""What a worker answers and a client returns, without what differs from worker to worker and from moment to moment."""

import re
from collections.abc import Set as AbstractSet
from typing import Any

_OF_THE_WORKER = {"version", "commit", "kafka_cluster_id", "kafkaClusterId"}
_LEFT_OUT = {"documentation", "order", "order_in_group"}
"""We document keys in our own words. The place of a key in its group is ``order``, as with Kafka up to 4.1, which is
what clients read; Kafka 4.3 calls it ``order_in_group``."""
_TRIED = ("org.apache.kafka.connect.converters.", "org.apache.kafka.connect.json.", "org.apache.kafka.connect.storage.")


def plain(do: str, value: Any, passing: bool = False) -> Any:
    """A value of a step, as it is compared; states are left out of it that may be ``passing``."""
    hidden = _OF_THE_WORKER | ({"state"} if passing else set())
    return _without(hidden, _tried_plugins(value) if do == "plugins" else value)


def _tried_plugins(value: Any) -> Any:
    """A list of plugins, wherever it is, with those that are tried here: besides, each worker has its own."""
    if not isinstance(value, list):
        return value
    return [_tried_plugins(each) for each in value if not isinstance(each, dict) or "FileStream" in str(each)]


def _without(hidden: AbstractSet[str], value: Any) -> Any:
    match value:
        case dict():
            shown = {key: each for key, each in value.items() if key not in _LEFT_OUT}
            return {key: "*" if key in hidden else _without(hidden, _known(key, each)) for key, each in shown.items()}
        case list():
            return [_without(hidden, each) for each in value]
        case str():
            text = re.sub(r"(available connectors are: ).*", r"\1*", value, flags=re.DOTALL)
            text = re.sub(r"column: \d+", "column: *", text)  # counted from the beginning of what has our names in it
            text = re.sub(r"\d+\.\d+\.\d+", "*", text) if re.fullmatch(r"[\d.]+", text) else text
            return text.replace("org.apache.kafka.connect.errors.ConnectException: ", "")  # which Kafka adds later on
        case _:
            return value


def _known(key: str, value: Any) -> Any:
    """Values that are recommended, as far as both workers have them."""
    if key not in {"recommended_values", "recommendedValues"}:
        return value
    return [each for each in value if each.startswith(_TRIED) or "." not in each or re.fullmatch(r"[\d.]+", each)]
