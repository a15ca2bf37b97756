"""An answer as text for the line: what was found, or the error that was raised instead.

It is JSON of Python's own, in ASCII: what people write into configs and offsets, such as numbers of any size or halves
of surrogates, is not for every parser.
"""

import json
import logging
from collections.abc import Callable
from typing import Any

from ferryman.errors import ConfigError, FerrymanError, KeyProblem, RequestError, TaskError
from ferryman.telemetry.redaction import redact

log = logging.getLogger(__name__)


class PluginError(TaskError):
    """A plugin has raised what no plugin should; it says what."""


def of(work: Callable[[], Any]) -> str:
    """What ``work`` returns, as plain values, or raises: whatever it is."""
    return json.dumps(_outcome(work))


def _outcome(work: Callable[[], Any]) -> dict[str, Any]:
    try:
        return {"found": work()}
    except RequestError as error:
        return {"refused": redact(str(error)), "status": error.status}
    except ConfigError as error:
        return {"problems": [[each.key, redact(each.message)] for each in error.problems]}
    except FerrymanError as error:
        return {"failed": redact(str(error))}
    except Exception as error:
        log.exception("a plugin has failed")
        return {"failed": redact(str(error) or type(error).__name__)}
    except BaseException as error:
        log.exception("a plugin has failed")
        return {"raised": redact(f"{type(error).__name__}: {error}")}


def unpack(text: str) -> Any:
    """What an answer says. Raises the RequestError or ConfigError that was raised, TaskError for any other error, and
    PluginError for what is no Exception."""
    match json.loads(text):
        case {"found": found}:
            return found
        case {"refused": text, "status": status}:
            raise RequestError(status, text)
        case {"problems": problems}:
            raise ConfigError(*(KeyProblem(key, message) for key, message in problems))
        case {"raised": text}:
            raise PluginError(text)
        case {"failed": text}:
            raise TaskError(text)
