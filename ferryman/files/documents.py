"""JSON and YAML in files that people write; unreadable ones give the same kind of error, whatever is wrong with
them."""

import codecs
import json
from typing import Any, Literal


class NoDocumentError(ValueError):
    """The content is not JSON, or not YAML, as the text says with the reason."""


def loads(content: bytes | str, syntax: Literal["JSON", "YAML"] = "JSON") -> Any:
    """What a file's content says, as plain Python values. Raises NoDocumentError, for what is nested too deeply too."""
    try:
        return json.loads(content) if syntax == "JSON" else _yaml(content)
    except RecursionError:
        raise NoDocumentError(f"this is not readable {syntax}: it is nested too deeply") from None
    except ValueError as error:
        raise NoDocumentError(f"this is not {syntax}: {error}") from None


def is_object(content: bytes) -> bool:
    """Whether this must be JSON, where nothing else tells: properties begin with no brace. A mark of the byte order, as
    editors put it there, is nothing of it."""
    return content.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"{")


def _yaml(content: bytes | str) -> Any:
    import yaml  # here, since hardly a worker reads any, and all would wait for it at their start

    try:
        return yaml.safe_load(content)
    except yaml.YAMLError as error:
        raise ValueError(error) from None
