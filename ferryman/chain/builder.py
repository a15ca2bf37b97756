"""Puts a task's chain together from configs: which converter with which settings, which transforms in which order."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, get_args

from ferryman.api import Sink, Source
from ferryman.chain import chain_config
from ferryman.chain.chain import Chain, Planner, assembled
from ferryman.chain.decoded_letters import Editing
from ferryman.chain.plan import open_plan, sink_plan, source_plan
from ferryman.config import trim
from ferryman.conversion import Converter, Side
from ferryman.edits.editor import Editor
from ferryman.edits.program import BadProgram, Program
from ferryman.errors import ConfigError, KeyProblem
from ferryman.plugins import catalog

EDIT = "ferryman.run.edit"


def chain(
    raw: Mapping[str, str], worker: Mapping[str, str], plugin: type[Sink[Any] | Source[Any]] | None = None
) -> Chain:
    """The chain of a connector's config over its worker's, up to the plugin. Raises ConfigError with every problem."""
    problems: list[KeyProblem] = []
    made: Mapping[str, Converter[Any]] = {}
    try:
        made = converters(raw, worker)
    except ConfigError as error:
        problems += error.problems
    parsed = chain_config.parse(raw)
    problems += parsed.problems
    if problems:
        raise ConfigError(*problems)
    return assembled(made["key"], made["value"], made["header"], parsed.steps, planner(plugin))


def editing(chain: Chain, program: str, raw: Mapping[str, str], worker: Mapping[str, str]) -> Chain:
    """The chain where it edits the values of replayed letters that say so; the same chain where ``program`` is empty.
    ConfigError if that is no jq program."""
    if not program:
        return chain
    try:
        Program(program).check()
    except BadProgram as error:
        text = f"Invalid value for configuration {EDIT}: {error}"
        raise ConfigError.for_key(EDIT, text) from None
    # A converter of its own: what the chain's is asked is counted.
    edit = Editor(converter("value", raw, worker)).edited
    return replace(chain, editing=Editing(edit, catalog.names(type(chain.value))[0]))


def planner(plugin: type[Sink[Any] | Source[Any]] | None) -> Planner:
    """Makes plans that end at a sink's put or begin at a source's poll, or are open where there is no connector."""
    if plugin is None:
        return open_plan
    if issubclass(plugin, Sink):
        return partial(sink_plan, sink=plugin)
    return partial(source_plan, source=plugin)


def converters(raw: Mapping[str, str], worker: Mapping[str, str]) -> Mapping[str, Converter[Any]]:
    """The converters of the three sides. Raises ConfigError with every problem."""
    made: dict[str, Converter[Any]] = {}
    problems: list[KeyProblem] = []
    for side in get_args(Side):
        try:
            made[side] = converter(side, raw, worker)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(*problems)
    return made


def converter(side: Side, raw: Mapping[str, str], worker: Mapping[str, str]) -> Converter[Any]:
    """The converter of one side: the connector's with only its own settings, or else the worker's with the worker's.

    The two levels are never mixed, as in Kafka Connect (Plugins.newConverter). Raises ConfigError with the full keys.
    """
    key = f"{side}.converter"
    source, name = converter_name(side, raw, worker)
    plugin = catalog.find("converter", name)
    if plugin is None:
        raise ConfigError.for_key(
            key, f"Invalid value {name} for configuration {key}: {catalog.absence(['converter'], name, 'Converter')}"
        )
    own = {each.removeprefix(f"{key}."): value for each, value in source.items() if each.startswith(f"{key}.")}
    try:
        config = plugin.config_class.parse(own)
    except ConfigError as error:
        raise ConfigError(*(each.under(f"{key}.") for each in error.problems)) from None
    made: Converter[Any] = plugin(config, side)
    return made


def converter_name(side: Side, raw: Mapping[str, str], worker: Mapping[str, str]) -> tuple[Mapping[str, str], str]:
    """The one of the two configs that says which converter a side has, and its name; empty if none does."""
    key = f"{side}.converter"
    source = raw if trim(raw.get(key, "")) else worker
    return source, source.get(key, "org.apache.kafka.connect.storage.SimpleHeaderConverter" if side == "header" else "")
