"""Reads a connector's file as ``connect-standalone`` does, and YAML too: flat, as a create request, or properties."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ferryman.errors import ConfigError
from ferryman.facts.states import TargetState
from ferryman.files import documents
from ferryman.java import properties


@dataclass(frozen=True, slots=True)
class ConnectorFile:
    """What a connector file says."""

    name: str
    config: Mapping[str, str]
    """As strings."""
    target: TargetState = TargetState.RUNNING
    """The state to start in."""


def read(path: Path) -> ConnectorFile:
    """The connector in a file. Raises ConfigError naming the file and what is wrong with it."""
    try:
        payload = path.read_bytes()
    except OSError as error:
        raise ConfigError.for_key("", f"{path}: {error.strerror}") from None
    try:
        return parse(payload, path.suffix)
    except ConfigError as error:
        raise ConfigError.for_key("", f"{path}: {error}") from None


def parse(payload: bytes, suffix: str) -> ConnectorFile:
    """The connector in a file's content; ``suffix`` says which syntax to expect first."""
    match suffix.lower():
        case ".properties":
            return _flat(properties.load(payload))
        case ".yaml" | ".yml":
            return _structured(_document(payload, "YAML"))
        case ".json":
            return _structured(_document(payload, "JSON"))
        case _:
            is_json = documents.is_object(payload)
            return _structured(_document(payload, "JSON")) if is_json else _flat(properties.load(payload))


def _document(payload: bytes, syntax: Literal["JSON", "YAML"]) -> Any:
    try:
        return documents.loads(payload, syntax)
    except documents.NoDocumentError as error:
        raise ConfigError.for_key("", str(error)) from None


def _structured(content: Any) -> ConnectorFile:
    if not isinstance(content, dict):
        raise ConfigError.for_key("", "a connector file must hold one object")
    if not isinstance(content.get("config"), dict):
        return _flat(content)
    config = strings(content["config"])
    name = content.get("name") or config.get("name")
    if not isinstance(name, str):
        raise ConfigError.for_key("name", 'Missing required configuration "name" which has no default value.')
    if config.setdefault("name", name) != name:
        raise ConfigError.for_key(
            "name",
            f"Connector name configuration ({config['name']}) doesn't match connector name in the request ({name})",
        )
    state = str(content.get("initial_state") or "RUNNING").upper()
    if state not in TargetState.__members__:
        raise ConfigError.for_key("initial_state", f"initial_state {state} is none of {', '.join(TargetState)}")
    return ConnectorFile(name, config, TargetState(state))


def _flat(content: Mapping[Any, Any]) -> ConnectorFile:
    config = strings(content)
    if not config.get("name"):
        raise ConfigError.for_key("name", 'Missing required configuration "name" which has no default value.')
    return ConnectorFile(config["name"], config)


def strings(config: Mapping[Any, Any]) -> dict[str, str]:
    """A config's values as Kafka's strings. ConfigError by key for null, for lists, objects and dates of YAML, and for
    an unpaired surrogate, which cannot be encoded."""
    return {_whole(str(key), str(key)): _string(str(key), value) for key, value in config.items()}


def _string(key: str, value: Any) -> str:
    match value:
        case str():
            return _whole(key, value)
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case None:
            raise ConfigError.for_key(key, f"{key}: Null value can not be supplied as the configuration value.")
        case _:
            what = (
                "a list"
                if isinstance(value, list)
                else "an object"
                if isinstance(value, dict)
                else f"{value}: quote it"
            )
            raise ConfigError.for_key(key, f"{key} must be a string, a number, true or false, not {what}")


def _whole(key: str, text: str) -> str:
    """The text with pairs of surrogates, which YAML leaves, joined to characters."""
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        shown, where = ascii(text)[1:-1][:60], ascii(key)[1:-1]
        raise ConfigError.for_key(where, f"{where}: {shown} holds an unpaired surrogate") from None
