"""The JSON of REST answers, field by field in Kafka Connect's order."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ferryman.runs.progress import Progress
from ferryman.telemetry.redaction import redact
from ferryman.validation.plugin_infos import PluginInfo
from ferryman.worker.herder import ConnectorInfo, ConnectorStatus, PartitionOffset, Status, TaskInfo

Json = dict[str, Any]


def connector(info: ConnectorInfo) -> Json:
    """A connector as ConnectorInfo."""
    tasks = [{"connector": info.name, "task": number} for number in info.tasks]
    return {"name": info.name, "config": dict(info.config), "tasks": tasks, "type": info.type}


def status(found: ConnectorStatus) -> Json:
    """The states of a connector and its tasks as ConnectorStateInfo."""
    tasks = [task(number, one) for number, one in sorted(found.tasks.items())]
    shape: Json = {"name": found.name, "connector": _state(found.connector), "tasks": tasks, "type": found.type}
    return shape if found.run is None else shape | {"run": run(found.run)}


def run(found: Progress) -> Json:
    """How far a run is, for clients that know of it."""
    shape: Json = {
        "of": found.of or None,
        "from": found.begins or None,
        "to": found.ends or None,
        "records_done": found.records_done,
        "records_total": found.records_total,
        "records_refused": found.refused,
        "partitions_done": found.partitions_done,
        "partitions_total": found.partitions_total,
        "tasks_done": found.tasks_done,
        "tasks_total": found.tasks_total,
        "records_per_second": None if found.rate is None else round(found.rate, 1),
        "seconds_left": None if found.left is None else round(found.left),
        "pace": found.pace,
        "held_back_by_live": found.pace < 1,
        "complete": found.complete,
    }
    return {name: value for name, value in shape.items() if value is not None}


def task(number: int, found: Status) -> Json:
    """The state of one task as TaskState."""
    return {"id": number, **_state(found)}


def _state(found: Status) -> Json:
    state: Json = {"state": found.state.value, "worker_id": found.worker_id}
    if found.version != "undefined":
        state["version"] = found.version
    if found.trace:
        state["trace"] = redact(found.trace)
    if found.outage:
        away = found.outage
        state["outage"] = {"since": away.since, "reason": redact(away.reason), "next_try": away.next_try}
    if found.restart:
        state["restart"] = asdict(found.restart)
    return state


def task_info(found: TaskInfo) -> Json:
    """A task and its config as TaskInfo."""
    return {"id": {"connector": found.connector, "task": found.task}, "config": dict(found.config)}


def offset(found: PartitionOffset) -> Json:
    """One partition's offset as ConnectorOffset."""
    return {"partition": found.partition, "offset": found.offset}


def plugin(info: PluginInfo) -> Json:
    """A plugin as PluginInfo; without a version if it has none."""
    shape = {"class": info.name, "type": info.type}
    return shape if info.version == "undefined" else shape | {"version": info.version}


def topics(name: str, found: Sequence[str]) -> Json:
    """The topics that a connector has used as ActiveTopicsInfo."""
    return {name: {"topics": [redact(topic) for topic in found]}}
