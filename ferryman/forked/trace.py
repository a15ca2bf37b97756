"""The trace of what failed, as the worker shows it in a status."""

from ferryman.task.setup.control import LONGEST_MESSAGE
from ferryman.telemetry import traces
from ferryman.telemetry.redaction import redact

LONGEST = LONGEST_MESSAGE // 16
"""Letters. JSON needs up to twelve bytes for one."""


def of(error: BaseException) -> str:
    """The error with its causes, without secrets; cut in the middle if it is long."""
    return short(redact(traces.of(error)))


def short(text: str) -> str:
    """A text that fits into a message."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}\n[…]\n{text[-LONGEST // 2 :]}"
