"""A worker's connectors, assembled from its answers, without secrets. Pure, apart from its requests."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ferryman.client.errors import RefusedRequestError
from ferryman.client.worker import Worker
from ferryman.telemetry import redaction
from ferryman.telemetry.redaction import HIDDEN

Json = dict[str, Any]


def overview(worker: Worker) -> list[Json]:
    """A line for each connector: its name, type, state, workers and tasks' states."""
    answer = worker.ask("GET", "connectors", query={"expand": "status"})
    if isinstance(answer, list):  # before Kafka 2.3 there are only names
        answer = {name: {"status": worker.get("connectors", name, "status")} for name in answer}
    found = []
    for name, about in sorted(answer.items()):
        status = about["status"]
        found.append(
            {
                "name": name,
                "type": status.get("type", "unknown"),
                "state": status["connector"]["state"],
                "tasks": [task["state"] for task in status["tasks"]],
                "workers": sorted({task["worker_id"] for task in (*status["tasks"], status["connector"])}),
            }
        )
    return found


def counted(states: Sequence[str]) -> str:
    """``2 running, 1 failed``."""
    return ", ".join(f"{count} {state.lower()}" for state, count in Counter(states).most_common()) or "none"


def described(worker: Worker, name: str) -> Json:
    """Everything that the API says about a connector; secrets in its config are hidden, and topics are None where the
    worker does not track them."""
    status = worker.get("connectors", name, "status")
    config = worker.get("connectors", name, "config")
    found = {**status, "config": readable(config, secrets(worker, config.get("connector.class", "")))}
    return {**found, "topics": _topics(worker, name)}


def _topics(worker: Worker, name: str) -> list[str] | None:
    try:
        found = worker.get("connectors", name, "topics")
    except RefusedRequestError as error:
        if error.status in (403, 404):  # topic.tracking.enable=false, or Kafka before 2.5
            return None
        raise
    return sorted(found.get(name, {}).get("topics", []))


def secrets(worker: Worker, plugin: str) -> set[str]:
    """The keys of a plugin whose values are passwords, if the worker knows the plugin."""
    try:
        keys = worker.get("connector-plugins", plugin, "config") if plugin else []
    except RefusedRequestError:
        return set()
    return {each["name"] for each in keys if each.get("type") == "PASSWORD"}


def readable(config: Mapping[str, str | None], declared: set[str]) -> Json:
    """A config without secrets; references to config providers stay."""
    texts = {key: value for key, value in config.items() if value is not None}
    redaction.protect_config(texts, declared)
    found: Json = {}
    for key, value in sorted(config.items()):
        is_secret = bool(value) and redaction.is_secret(key, declared) and "${" not in str(value)
        found[key] = HIDDEN if is_secret else value and redaction.redact(value)
    return found
