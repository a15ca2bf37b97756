"""The making of a run, for which the sink's own code says where it writes and whether it may do so again."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from confluent_kafka import KafkaException

from ferryman.backfill.making import Making, Run
from ferryman.backfill.request import Request
from ferryman.errors import RequestError
from ferryman.record import TopicPartition
from ferryman.runs import ranges
from ferryman.runs.ranges import Range


def question(
    live: Mapping[str, str], request: Request, resolved: Mapping[str, str], merged: Mapping[str, str]
) -> dict[str, Any]:
    """Asks for a run of a live connector; ``resolved`` is its config with references resolved, ``merged`` the same with
    the keys that the request sets."""
    offsets = [[*source, *range_] for source, range_ in request.offsets.items()]
    wish = {**asdict(request), "offsets": offsets, "sets": dict(request.sets)}
    return {"ask": "run", "live": dict(live), "request": wish, "resolved": dict(resolved), "merged": dict(merged)}


def answer(asked: Mapping[str, Any], worker: Mapping[str, str]) -> dict[str, Any]:
    """Answers that. Raises ConfigError for what cannot be or would do harm, RequestError when the cluster does not
    answer."""
    live: Mapping[str, str] = asked["live"]
    offsets = {TopicPartition(topic, number): Range(*bounds) for topic, number, *bounds in asked["request"]["offsets"]}
    request = Request(**{**asked["request"], "offsets": offsets})
    making = Making(live, worker, lambda raw: asked["resolved"] if raw == live else asked["merged"])
    try:
        run = making.run(request)
    except KafkaException as error:
        text = f"Kafka does not give what a backfill needs to know: {error.args[0].str()}"
        raise RequestError(500, text) from error
    return {"name": run.name, "config": dict(run.config), "ranges": run.ranges.dump(), "verdict": run.verdict}


def made(found: Mapping[str, Any]) -> Run:
    """The run that was answered."""
    return Run(found["name"], found["config"], ranges.parse(found["ranges"]), found["verdict"])
