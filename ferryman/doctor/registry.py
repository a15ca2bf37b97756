"""The registries of a connector's converters, or of a worker's."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ferryman.connector import SinkConfig, SourceConfig
from ferryman.converters.avro import AvroConverterConfig
from ferryman.doctor.job import Job
from ferryman.findings import Finding
from ferryman.plugins import catalog
from ferryman.schema_registry import examination
from ferryman.schema_registry.examination import Asked
from ferryman.schema_registry.subjects import STRATEGIES, TOPIC, subject

SIDES = ("key", "value")


def findings(job: Job) -> Iterator[Finding]:
    """The findings about each registry, once, even if both converters have it."""
    found: dict[tuple[object, ...], Asked] = {}
    for side in SIDES:
        asked = _asked(job, side)
        if asked is None:
            continue
        identity = (*asked.config.schema_registry_url, *map(str, asked.config.credentials()))
        former = found.get(identity)
        found[identity] = asked if former is None else _joined(former, asked)
    for asked in found.values():
        yield from examination.findings(asked)


def _joined(one: Asked, other: Asked) -> Asked:
    subjects = [*one.subjects, *other.subjects]
    return replace(one, subjects=subjects, registers=one.registers or other.registers)


def converts(worker: Mapping[str, str], raw: Mapping[str, str]) -> bool:
    """Whether any of the converters has a registry."""
    return any(_config(worker, raw, side) is not None for side in SIDES)


def _config(worker: Mapping[str, str], raw: Mapping[str, str], side: str) -> AvroConverterConfig | None:
    given = raw if raw.get(f"{side}.converter") else worker
    plugin = catalog.find("converter", given.get(f"{side}.converter", ""))
    if plugin is None or not issubclass(plugin.config_class, AvroConverterConfig):
        return None
    prefix = f"{side}.converter."
    own = {name.removeprefix(prefix): value for name, value in given.items() if name.startswith(prefix)}
    found: AvroConverterConfig | None = plugin.config_class.read(own)[0]
    return found


def _asked(job: Job, side: str) -> Asked | None:
    config = _config(job.worker, job.raw, side)
    if config is None:
        return None
    plugin = catalog.connector(job.raw.get("connector.class", ""))
    connector = None if plugin is None else plugin.config_class.read(job.raw)[0]
    registers = isinstance(connector, SourceConfig) and config.auto_register_schemas
    return Asked(f"{side}.converter.", config, _subjects(config, connector, side), registers, job.seconds)


def _subjects(config: AvroConverterConfig, connector: object, side: str) -> list[str]:
    """Only topics are known here, and no record: other strategies than by topic leave their subjects open."""
    strategy = config.key_subject_name_strategy if side == "key" else config.value_subject_name_strategy
    if STRATEGIES[strategy] != TOPIC:
        return []
    match connector:
        case SinkConfig():
            return [subject(strategy, topic, "key" if side == "key" else "value", None) for topic in connector.topics]
        case SourceConfig():
            topics = connector.written_topics
            return [subject(strategy, topic, "key" if side == "key" else "value", None) for topic in topics]
        case _:
            return []
