"""Makes the config of a source's run: which part of its history it is, and what it may do to its topics. Blocks, and
starts nothing."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from ferryman.api import Part, Source, Span
from ferryman.backfill.request import Request
from ferryman.errors import ConfigError
from ferryman.runs import harm
from ferryman.runs.harm import Verdict
from ferryman.runs.keys import PREFIX, instant

Resolve = Callable[[Mapping[str, str]], Mapping[str, str]]
IDENTITY = "producer.override.transactional.id"
"""With the live connector's, the two would fence each other."""


def run_config(
    plugin: type[Source[Any]], live: Mapping[str, str], request: Request, resolve: Resolve, kept: Part | None
) -> tuple[dict[str, str], Part, Verdict]:
    """The config of the run of a live connector, references unresolved; ``kept`` is the part that was fixed for it
    before. Raises ConfigError for what cannot be or would do harm."""
    if request.offsets:
        raise ConfigError.for_key("offsets", "only sinks have offsets, those of their topics; a source has positions")
    if request.version_field:
        raise ConfigError.for_key("version_field", "only sinks compare records with what is there; this is a source")
    wanted = _without(live, request)
    raw = resolve(wanted)
    config = plugin.config_class.parse(raw)
    part = kept or _part(plugin, config, raw, request)
    wanted |= part.sets
    raw = resolve(wanted)
    before = plugin.target(plugin.config_class.parse(resolve(live)), resolve(live))
    verdict = harm.verdict(
        before, plugin.target(plugin.config_class.parse(raw), raw), "twice", request.allow_duplicates
    )
    own = {
        "of": live["name"],
        "span": part.span.dump(),
        "from": request.begins,
        "to": request.ends,
        "rate": repr(request.rate) if request.rate else "",
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    wanted |= {f"{PREFIX}{name}": value for name, value in own.items() if value}
    return wanted | {"name": request.run_name(live["name"])}, part, verdict


def _without(live: Mapping[str, str], request: Request) -> dict[str, str]:
    merged = {key: value for key, value in {**live, **request.sets}.items() if value is not None}
    if IDENTITY not in request.sets:
        merged.pop(IDENTITY, None)
    elif IDENTITY in live and merged.get(IDENTITY) == live[IDENTITY]:
        raise ConfigError.for_key(IDENTITY, f"{IDENTITY} must not be the live connector's")
    return merged


def _part(plugin: type[Source[Any]], config: Any, raw: Mapping[str, str], request: Request) -> Part:
    first, behind = request.positions or (None, None)
    begins, ends = (instant(each) if each else None for each in (request.begins, request.ends))
    return plugin.history(config, raw, Span(begins, ends, first, behind))
