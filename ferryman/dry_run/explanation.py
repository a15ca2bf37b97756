"""The plan of a connector's tasks from its file alone: nothing is started, and no reference is resolved."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ferryman.chain import builder, chain_config
from ferryman.chain.chain import assembled
from ferryman.chain.plan import Planned
from ferryman.config import trim
from ferryman.conversion import Converter
from ferryman.converters.json import JsonConverter, JsonConverterConfig
from ferryman.dry_run.subject import plugin_of
from ferryman.errors import ConfigError
from ferryman.kafka import client_config, fetching
from ferryman.plugins import catalog
from ferryman.settings import settings
from ferryman.settings.references import replaced
from ferryman.validation import group_protocol
from ferryman.worker import connector_file

_CONVERTER = "value.converter"
UNKNOWN = f"{_CONVERTER} is the worker's; name the worker's file with --worker"
_ANY_ADDRESS = "http://not.resolved"
"""Stands for a reference to a config provider among a converter's settings. What is kept outside a config are addresses
and credentials, which don't matter to the plan, and an address may also stand where any text may."""


def explained(config: Path, worker: Path | None) -> Sequence[Planned | str]:
    """The plan's steps; a text where the config leaves one open. Raises ConfigError for a config without a plan."""
    raw = connector_file.read(config).config
    plugin = plugin_of(raw.get("connector.class", ""))
    parsed = chain_config.parse(raw)
    if parsed.problems:
        raise ConfigError(*parsed.problems)
    of_worker = {} if worker is None else settings.source_values(worker)
    converter = _converter(raw, of_worker)
    unknown = UNKNOWN if worker is None else f"{worker} has no {_CONVERTER}, and no worker starts without one"
    # Without a converter the steps are shown as after one that gives columns.
    given: Converter[Any] = converter or JsonConverter(JsonConverterConfig.parse({}), "value")
    steps: Sequence[Planned | str] = assembled(given, given, given, parsed.steps, builder.planner(plugin)).plan.steps
    if not catalog.is_sink(plugin):
        return steps if converter else [*steps[:-1], f"encode: {unknown}"]
    decoded = steps if converter else [f"decode: {unknown}", *steps[1:]]
    return [*_fetched(plugin, raw, of_worker), *decoded, *_delivery(plugin, raw, of_worker)]


def _delivery(plugin: type[Any], raw: Mapping[str, str], worker: Mapping[str, str]) -> Iterator[str]:
    yield from group_protocol.consequences(plugin, group_protocol.protocol_of(worker, raw))
    yield from (f"refused: {each.message}" for each in group_protocol.problems(plugin, worker, raw))


def _fetched(plugin: type[Any], raw: Mapping[str, str], worker: Mapping[str, str]) -> list[str]:
    """How much is fetched at once, if that is not the default. Raises ConfigError for settings that no consumer
    accepts."""
    about = (_about_fetches(given, prefix) for given, prefix in ((worker, "consumer."), (raw, "consumer.override.")))
    consumer = client_config.sink_consumer(next(about), "", 0, next(about)).values
    found = fetching.fetch_summary({**consumer, **fetching.wished(plugin.fetch_min_bytes, consumer)})
    return [] if found is None else [found]


def _about_fetches(given: Mapping[str, str], prefix: str) -> Mapping[str, str]:
    keys = [key for key in given if key.startswith(prefix) and "fetch" in key]
    return {key: given[key] for key in keys if replaced(given[key], lambda found: "") == given[key]}


def _converter(raw: Mapping[str, str], worker: Mapping[str, str]) -> Converter[Any] | None:
    if not trim(raw.get(_CONVERTER, "")) and not trim(worker.get(_CONVERTER, "")):
        return None
    return builder.converter("value", _without_references(raw), _without_references(worker))


def _without_references(raw: Mapping[str, str]) -> Mapping[str, str]:
    return {name: replaced(value, lambda found: _ANY_ADDRESS) for name, value in raw.items()}
