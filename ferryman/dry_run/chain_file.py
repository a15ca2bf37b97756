"""The transforms and predicates of a connector's file, which need not hold a whole connector."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ferryman.chain import chain_config
from ferryman.chain.chain import Step
from ferryman.config import Config, key
from ferryman.connector import Aliases
from ferryman.errors import ConfigError, KeyProblem
from ferryman.files import documents
from ferryman.java import properties
from ferryman.settings.references import references
from ferryman.worker.connector_file import strings


class _Listed(Config):
    """The two lists of aliases."""

    transforms: Aliases = key([])
    predicates: Aliases = key([])


@dataclass(frozen=True, slots=True)
class ChainFile:
    """The steps that a file's ``transforms`` name, and what about them has no effect."""

    steps: Sequence[Step]
    warnings: Sequence[str]


def read(path: Path) -> ChainFile:
    """The chain in a file. Raises ConfigError with every problem, each naming the file."""
    try:
        return parse(path.read_bytes(), path.suffix)
    except OSError as error:
        raise ConfigError.for_key("transforms", f"{path}: {error.strerror}") from None
    except ConfigError as error:
        raise ConfigError(*(_located(path, each) for each in error.problems)) from None


def _located(path: Path, problem: KeyProblem) -> KeyProblem:
    named = problem.key in problem.message or "." not in problem.key
    message = problem.message if named else f"{problem.key}: {problem.message}"
    return KeyProblem(problem.key, f"{path}: {message}")


def parse(payload: bytes, suffix: str) -> ChainFile:
    """The chain in a file's content; ``suffix`` says which syntax to expect. Raises ConfigError with every problem."""
    content = _content(payload, suffix.lower())
    if isinstance(content.get("config"), dict):
        content = content["config"]
    raw = strings({name: value for name, value in content.items() if _of_the_chain(str(name))})
    problems = _Listed.read(raw)[1]
    parsed = chain_config.parse(raw)
    if problems or parsed.problems:
        raise ConfigError(*problems, *parsed.problems)
    unresolved = [
        f"{name}: {found.text} is not resolved, since only a worker has config providers"
        for name, value in raw.items()
        if (found := next(references(value), None))
    ]
    return ChainFile(parsed.steps, [*parsed.warnings, *unresolved])


def _of_the_chain(name: str) -> bool:
    return name.startswith(("transforms", "predicates"))


def _content(payload: bytes, suffix: str) -> Mapping[Any, Any]:
    is_yaml = suffix in (".yaml", ".yml")
    is_json = suffix == ".json" or (suffix != ".properties" and not is_yaml and payload.lstrip().startswith(b"{"))
    if not is_json and not is_yaml:
        return properties.load(payload)
    try:
        content = documents.loads(payload, "JSON" if is_json else "YAML")
    except documents.NoDocumentError as error:
        raise ConfigError.for_key("transforms", str(error)) from None
    if not isinstance(content, dict):
        raise ConfigError.for_key("transforms", "a connector file must hold one object")
    return content
