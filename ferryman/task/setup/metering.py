"""Makes a task's meters, and says in them of which classes and versions its parts are."""

from collections.abc import Iterator
from typing import Any

from ferryman.api import Sink
from ferryman.chain.chain import Chain
from ferryman.metrics.windows import Sampling
from ferryman.plugins import catalog
from ferryman.settings.worker_keys import WorkerConfig
from ferryman.task.meters.meters import Meters
from ferryman.task.meters.tasks import TaskMeter
from ferryman.task.setup.spec import TaskSpec

TASK = "connector-task-metrics"
Text = tuple[tuple[str, str, str], str]
"""Group, attribute, a step's alias or nothing; and what it is."""


def task_meters(spec: TaskSpec, worker: WorkerConfig, plugin: type[Any], chain: Chain) -> Meters:
    """The meters of one task."""
    is_sink = catalog.is_sink(plugin)
    sampling = Sampling(worker.metrics_sample_window_ms / 1000, worker.metrics_num_samples)
    meters = Meters(
        connector=spec.connector,
        number=spec.task,
        kind="sink" if is_sink else "source",
        partitions=worker.ferryman_metrics_partitions,
        task=TaskMeter(sampling),
        chain=chain,
        plugins=dict(_texts(spec, plugin, chain)),
    )
    meters.sink.keeps_back = is_sink and (plugin.keeps_back or plugin.flush is not Sink.flush)
    return meters


def _texts(spec: TaskSpec, plugin: type[Any], chain: Chain) -> Iterator[Text]:
    named = spec.config["connector.class"]
    parts = {"connector": catalog.full_name(plugin, named), "task": catalog.task_class(plugin, named)}
    for part, name in parts.items():
        yield (TASK, f"{part}-class", ""), name
        yield (TASK, f"{part}-version", ""), catalog.version(plugin)
    yield (TASK, "connector-type", ""), "sink" if catalog.is_sink(plugin) else "source"
    for side, converter in (("key", chain.key), ("value", chain.value), ("header", chain.header)):
        yield from _plugin(TASK, f"{side}-converter", "", converter)
    for step in chain.steps:
        given = spec.config.get(f"transforms.{step.alias}.type", "")
        yield from _plugin("connector-transform-metrics", "transform", step.alias, step.transform, given)
        if step.predicate is not None:
            alias = spec.config.get(f"transforms.{step.alias}.predicate", "")
            yield from _plugin("connector-predicate-metrics", "predicate", alias, step.predicate)


def _plugin(group: str, part: str, alias: str, plugin: object, given: str = "") -> Iterator[Text]:
    name = catalog.full_name(type(plugin), given) if given else catalog.names(type(plugin))[0]
    yield (group, f"{part}-class", alias), name
    yield (group, f"{part}-version", alias), catalog.version(type(plugin))
