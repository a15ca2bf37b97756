"""The making of a run, for which the sink's own code says where it writes and whether it may do so again."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from confluent_kafka import KafkaException

from ferryman.backfill import kept
from ferryman.backfill.making import Making, Resolve, Run
from ferryman.backfill.request import Request
from ferryman.backfill.sample import Size
from ferryman.errors import RequestError
from ferryman.kafka.clients import Clients
from ferryman.record import TopicPartition
from ferryman.runs import ranges
from ferryman.runs.ranges import Range
from ferryman.runs.span import Part, Span
from ferryman.settings.settings import Settings

ASK = "runs"


def question(
    live: Mapping[str, str], request: Request, resolved: Mapping[str, str], merged: Mapping[str, str]
) -> dict[str, Any]:
    """Asks for a run of a live connector; ``resolved`` is its config with references resolved, ``merged`` the same with
    the keys that the request sets."""
    offsets = [[*source, *range_] for source, range_ in request.offsets.items()]
    wish = {**asdict(request), "offsets": offsets, "sets": dict(request.sets)}
    return {"ask": ASK, "live": dict(live), "request": wish, "resolved": dict(resolved), "merged": dict(merged)}


def answer(asked: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Answers that, and keeps the bounds unless nothing is to be made. Raises ConfigError for what cannot be or would
    do harm, RequestError 409 if a run of that name was asked for otherwise, 500 when the cluster does not answer."""
    wish = asked["request"]
    offsets = {TopicPartition(topic, number): Range(*bounds) for topic, number, *bounds in wish["offsets"]}
    positions = None if wish["positions"] is None else tuple(wish["positions"])
    request = Request(**{**wish, "offsets": offsets, "positions": positions})
    try:
        run = Making(asked["live"], settings.values, _resolver(asked, request)).run(request)
        clients = Clients(run.name, 0, settings.values, asked["resolved"], "backfill")
        kept.claim(clients, settings.config.offset_storage_topic, run, request)
        size = run.sized(clients) if request.dry_run else None
    except KafkaException as error:
        text = f"Kafka does not answer what a backfill needs to know: {error.args[0].str()}"
        raise RequestError(500, text) from error
    ranges_text = None if run.ranges is None else run.ranges.dump()
    part = None if run.part is None else {**asdict(run.part), "span": run.part.span.dump()}
    return {
        "name": run.name,
        "config": dict(run.config),
        "ranges": ranges_text,
        "verdict": run.verdict,
        "part": part,
        "size": None if size is None else asdict(size),
    }


def _resolver(asked: Mapping[str, Any], request: Request) -> Resolve:
    """Resolves what the worker has resolved; what a plugin adds to a run's config has no references."""
    live: Mapping[str, str] = asked["live"]
    merged = request.merged(live)
    known = {(key, text): asked["resolved"].get(key, text) for key, text in live.items()}
    known |= {(key, text): asked["merged"].get(key, text) for key, text in merged.items()}
    return lambda raw: {key: known.get((key, text), text) for key, text in raw.items()}


def run_of(found: Mapping[str, Any]) -> Run:
    """The run that was answered."""
    fixed = None if found["ranges"] is None else ranges.parse(found["ranges"])
    given = found["part"]
    part = None if given is None else Part(Span.parse(given["span"]), given["sets"], given["warnings"])
    size = None if found["size"] is None else Size(**found["size"])
    return Run(found["name"], found["config"], fixed, found["verdict"], part, size=size)
