"""The reference pages and the index of plugins, from the classes: ``python -m ferryman.docs.reference [DOCS]``.

A connector's page is written by hand around a table of its keys. Pages of transforms, predicates and converters are
made down to their examples, which are written by hand; those of the keys that every connector and every worker has are
made whole.
"""

import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from ferryman.api import Sink, Source
from ferryman.config import Config, Definition
from ferryman.config_fields import spellings
from ferryman.connector import ConnectorConfig, SinkConfig, SourceConfig
from ferryman.docs import guarantees, metrics, sql_values
from ferryman.plugins import catalog, folders
from ferryman.runs.keys import RunKeys, SourceRunKeys
from ferryman.settings.modes import DISTRIBUTED, NO_EFFECT, STANDALONE
from ferryman.settings.task_keys import TaskKeys
from ferryman.settings.worker_keys import WorkerConfig
from ferryman.tls import keys as tls_keys
from ferryman.tls.keys import TlsConfig
from ferryman.validation import plugin_infos

BEGIN, END = "<!-- keys:begin -->", "<!-- keys:end -->"
EXAMPLE = "## Example"
FOLDERS: Mapping[catalog.Kind, str] = {
    "sink": "connectors",
    "source": "connectors",
    "transformation": "reference/transforms",
    "predicate": "reference/transforms",
    "converter": "reference/converters",
}
"""Where under docs/ the page of a plugin lies."""
_NOTE = "<!-- Made by `python -m ferryman.docs.reference` from the code; edit it there. -->"
_NOTE_ABOVE = _NOTE.replace("edit it there", "edit it there, and the example here")
_CODE = re.compile(r"[${<*_|=]|^[a-z0-9]+(?:\.[a-z0-9]+)+$|^[a-z]+://")
_TOKEN = re.compile(r"(?P<head>[(\"']*)(?P<body>.*?)(?P<tail>[,.;:)\"'?!]*)")
_WORKER = """\
# Keys of a worker

They stand in the worker's property file, in `CONNECT_*` variables (prefix off, lower case, `_` for a dot, `__` for an
underscore, `___` for a dash; or the bare names of Debezium's images, see [containers](../containers.md)) or after
`--override`; from weak to strong in this order. `key.converter.*`, `value.converter.*` and `header.converter.*` go to
the converters, `producer.*`, `consumer.*` and `admin.*` to the clients of all connectors, `config.providers.<name>.*`
to a config provider.
"""
_DISTRIBUTED = """\
Workers of one group have these too, or with another default. `offset.storage.file.filename` is not among them.
"""
_OF_TASKS = """\
Ferryman's own. A worker's hold for all its connectors, a connector's for its own tasks. `/config/validate` lists those
that a config names, since clients of Kafka Connect know no others. ([Failing tasks](../failing-tasks.md))
"""
_OF_RUNS = """\
Ferryman's own: `ferryman backfill` and `ferryman dlq replay` set them, people need not. `ferryman.run.span` is a
source's; `ferryman.run.ranges`, `ferryman.run.fold`, `ferryman.run.version.field`, `ferryman.run.live.group` and
`ferryman.run.letters` are a sink's.
([Backfill](../backfill.md), [replay](../commands/dlq.md#replay))
"""
_TLS = """\
The keys of https listeners, with `listeners.https.` in front, or for `admin.listeners` with `admin.listeners.https.`;
as they are here if no key has the prefix. Requests to other workers go by those of `listeners`.
([Security](../security.md))
"""
_CONNECTOR = """\
# Keys of every connector

Beside these a connector has its own keys, and keys that begin with:

| prefix | whose they are |
|---|---|
| `key.converter.` `value.converter.` `header.converter.` | the converter's that this connector names |
| `transforms.<alias>.` | a transform's: its `type`, `predicate`, `negate`, and its own |
| `predicates.<alias>.` | a predicate's: its `type` and its own |
| `producer.override.` `consumer.override.` `admin.override.` | a Kafka client's, as the worker's policy allows |
| `topic.creation.<group>.` | a source's: how topics are created that it writes to |
"""


def pages(docs: Path) -> dict[Path, str]:
    """Every page with generated text, and the index of plugins, and what they should say; hand-written text is read
    from below ``docs``.

    Connectors that ``homeless`` names are left out.
    """
    found = {
        docs / "reference/worker.md": _worker(),
        docs / "reference/connector.md": _connector(),
        docs / "reference/sql-values.md": f"{_NOTE}\n\n{sql_values.page()}",
    }
    found[docs / "reference/guarantees.md"] = f"{_NOTE}\n\n{guarantees.page()}"
    found[docs / "reference/metrics.md"] = f"{_NOTE}\n\n{metrics.page()}"
    found[folders.INDEX] = folders.index()
    for kind, plugin, path in _pages(docs):
        if FOLDERS[kind] != "connectors":
            found[path] = _page(plugin, kind) + _example(path)
        elif _has_place(path):
            found[path] = _with_keys(path, plugin.config_class)
    return found


def homeless(docs: Path) -> list[str]:
    """A sentence for each connector whose page is missing, or has no place for its keys."""
    return [
        f"{path} is missing, or has no place for its keys: {BEGIN} and {END}, each on a line of its own"
        for kind, _, path in _pages(docs)
        if FOLDERS[kind] == "connectors" and not _has_place(path)
    ]


def _pages(docs: Path) -> Iterator[tuple[catalog.Kind, type[Any], Path]]:
    for kind, folder in FOLDERS.items():
        for plugin in ours(kind):
            yield kind, plugin, docs / folder / page_name(plugin)


def _has_place(path: Path) -> bool:
    return path.is_file() and re.search(f"{BEGIN}.*{END}", path.read_text(encoding="utf-8"), re.DOTALL) is not None


def ours(kind: catalog.Kind) -> list[type[Any]]:
    """The plugins of a kind that Ferryman brings along."""
    return list(folders.plugins(kind))


def page_name(plugin: type[Any]) -> str:
    """The file name of a plugin's page: its module's, with dashes; a connector's has its folder's name before."""
    *_, folder, module = plugin.__module__.split(".")
    name = f"{folder}-{module}" if issubclass(plugin, Sink | Source) else module
    return name.replace("_", "-") + ".md"


def _with_keys(path: Path, config_class: type[Config]) -> str:
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    shared = "[The keys of every connector](../reference/connector.md) come on top of these."
    return f"{before}{BEGIN}\n{_keys(config_class)}\n\n{shared}\n{END}{after}"


def _page(plugin: type[Any], kind: catalog.Kind) -> str:
    names = ", ".join(f"`{name}`" for name in catalog.names(plugin))
    side = " Write `$Key` or `$Value` behind the name for the side that it changes." if _sided(plugin) else ""
    what = {"transformation": "Transform", "predicate": "Predicate", "converter": "Converter"}[kind]
    about = _prose(inspect.getdoc(plugin) or "")
    return f"{_NOTE_ABOVE}\n\n# {plugin.__name__}\n\n{about}\n\n{what} {names}.{side}\n\n{_keys(plugin.config_class)}\n"


def _example(path: Path) -> str:
    """What was written by hand at the end of a page."""
    _, heading, text = (path.read_text(encoding="utf-8") if path.is_file() else "").partition(f"\n{EXAMPLE}\n")
    return heading + text


def _sided(plugin: type[Any]) -> bool:
    return bool(getattr(plugin, "sided", False))


def _worker() -> str:
    config_class, shared = DISTRIBUTED.config_class, set(WorkerConfig.definitions())
    by_field = zip(config_class.model_fields, config_class.definitions(), strict=True)
    own = [field for field, definition in by_field if definition not in shared]
    of_tasks = TaskKeys.model_fields
    parts = [
        _table(WorkerConfig, (field for field in WorkerConfig.model_fields if field not in of_tasks)),
        f"## Failing tasks\n\n{_OF_TASKS}\n{_table(TaskKeys, of_tasks)}",
        f"## TLS\n\n{_TLS}\n{_keys(TlsConfig)}\n\n{_reasons(tls_keys.NO_EFFECT)}",
        f"## Distributed mode\n\n{_DISTRIBUTED}\n{_table(config_class, own)}",
        "## Without effect\n\nKnown elsewhere and without effect here; each one given is warned about.",
        _reasons(NO_EFFECT),
        f"In standalone mode also:\n\n{_reasons(STANDALONE.own_no_effect)}",
        f"In distributed mode also:\n\n{_reasons(DISTRIBUTED.own_no_effect)}",
    ]
    return f"{_NOTE}\n\n{_WORKER}\n" + "\n\n".join(parts) + "\n"


def _reasons(reasons: Mapping[str, str]) -> str:
    return _head("key", "why") + "\n".join(f"| {_code(name)} | {_prose(why)} |" for name, why in reasons.items())


def _connector() -> str:
    classes = {"Every connector": ConnectorConfig, "Sinks": SinkConfig, "Sources": SourceConfig}
    inherited = set(ConnectorConfig.model_fields)
    parts = []
    for title, config_class in classes.items():
        own = [name for name in config_class.model_fields if config_class is ConnectorConfig or name not in inherited]
        parts.append(f"## {title}\n\n{_table(config_class, own)}\n")
    parts.append(f"## Failing tasks\n\n{_OF_TASKS}\n{_table(TaskKeys, TaskKeys.model_fields)}\n")
    parts.append(f"## Runs\n\n{_OF_RUNS}\n{_table(RunKeys, RunKeys.model_fields)}\n")
    of_sources = [name for name in SourceRunKeys.model_fields if name not in RunKeys.model_fields]
    parts.append(f"{_table(SourceRunKeys, of_sources)}\n")
    return f"{_NOTE}\n\n{_CONNECTOR}\n" + "\n".join(parts)


def _keys(config_class: type[Config]) -> str:
    """The keys of a class beyond those that its kind of plugin always has, and what it refuses."""
    framework = plugin_infos.frame(config_class)
    own = [name for name in config_class.model_fields if name not in framework.model_fields]
    table = _table(config_class, own) if own else "It has no keys of its own."
    refused = dict(config_class.refused)
    if not refused:
        return table
    return f"{table}\n\nRefused, because others understand them and Ferryman does not:\n\n{_reasons(refused)}"


def _table(config_class: type[Config], fields: Iterable[str]) -> str:
    """A table of keys; where they come in groups, one for each under its name, in the order of their first keys."""
    by_field = dict(zip(config_class.model_fields, config_class.definitions(), strict=True))
    groups: dict[str | None, list[str]] = {}
    for field in fields:
        groups.setdefault(by_field[field].group, []).append(_row(config_class, field, by_field[field]))
    tables = {group: _head("key", "type", "default", "") + "\n".join(rows) for group, rows in groups.items()}
    if len(tables) == 1:
        return next(iter(tables.values()))
    return "\n\n".join(f"### {group or 'Others'}\n\n{table}" for group, table in tables.items())


def _head(*titles: str) -> str:
    return f"| {' | '.join(titles)} |\n|{'---|' * len(titles)}\n"


def _row(config_class: type[Config], field: str, definition: Definition) -> str:
    info = config_class.model_fields[field]
    name, *others = (_code(each) for each in spellings(field, info))
    also = f" Also written {', '.join(others)}." if others else ""
    values = ", ".join(_code(each) or "empty" for each in _choices(info.annotation))
    kind = "plugin" if definition.type == "CLASS" else definition.type.lower()
    default = "required" if definition.required else _code(definition.default_value or "")
    return f"| {name} | {values or kind} | {default} | {_prose(definition.documentation)}{also} |"


def _choices(annotation: Any) -> Iterator[str]:
    """The values of a Literal, however deep in an annotation."""
    for part in get_args(annotation):
        if get_origin(annotation) is Literal:
            yield str(part)
        else:
            yield from _choices(part)


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|") if text else ""


def _prose(text: str) -> str:
    """A docstring on one line; keys and other words that Markdown would mangle become code."""
    quoted = re.split(r"(``.+?``)", " ".join(text.split()))
    return "".join(_code(part.strip("`")) if index % 2 else _plain(part) for index, part in enumerate(quoted))


def _plain(text: str) -> str:
    return " ".join(_word(word) for word in text.split(" "))


def _word(word: str) -> str:
    found = _TOKEN.fullmatch(word)
    if found is None or not _CODE.search(found["body"]):
        return word
    return f"{found['head']}{_code(found['body'])}{found['tail']}"


def write(docs: Path) -> list[Path]:
    """Brings every page up to date; the paths of those that were not."""
    stale = {path: text for path, text in pages(docs).items() if not path.is_file() or path.read_text("utf-8") != text}
    for path, text in stale.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(stale)


def main(docs: Path) -> int:
    """Brings the pages up to date and says which ones; the exit code."""
    for path in write(docs):
        print(path)
    problems = homeless(docs)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs")))
