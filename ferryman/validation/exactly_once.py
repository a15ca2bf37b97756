"""What a source is asked before it is created (KIP-618): can it deliver exactly once, and end transactions itself?

In the words of DistributedHerder.validateSourceConnectorExactlyOnceSupport and …TransactionBoundary.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Any

from ferryman.api import Source
from ferryman.connector import NOT_ENABLED, SourceConfig
from ferryman.errors import KeyProblem
from ferryman.settings.worker_keys import WorkerConfig

log = logging.getLogger(__name__)

SUPPORT, BOUNDARY = "exactly.once.support", "transaction.boundary"
UNSUPPORTED = "The connector does not support exactly-once semantics with the provided configuration."
SAYS_NOTHING = (
    "The connector does not implement the API required for preflight validation of exactly-once source support. Please "
    "consult the documentation for the connector to determine whether it supports exactly-once semantics, and then "
    'consider reconfiguring the connector to use the value "requested" for this property (which will disable this '
    "preflight check and allow the connector to be created)."
)
NO_BOUNDARIES = (
    "The connector does not support connector-defined transaction boundaries with the given configuration. "
    "Please reconfigure it to use a different transaction boundary definition."
)


def problems(plugin: type[Source[Any]], config: SourceConfig, worker: WorkerConfig) -> Iterable[KeyProblem]:
    """What the connector cannot do that its config asks for, or the worker does not."""
    if config.exactly_once_support == "required":
        if not worker.transactional_sources:
            yield KeyProblem(SUPPORT, NOT_ENABLED)
        yield from _asked(SUPPORT, lambda: _support(plugin.supports_exactly_once(config)))
    if config.transaction_boundary == "connector":
        yield from _asked(BOUNDARY, lambda: None if plugin.ends_transactions(config) else NO_BOUNDARIES)


def _support(answer: bool | None) -> str | None:
    if answer is None:
        return SAYS_NOTHING
    return None if answer else UNSUPPORTED


def _asked(key: str, question: Callable[[], str | None]) -> Iterable[KeyProblem]:
    try:
        problem = question()
    except Exception as error:
        log.exception("the connector could not be asked about %s", key)
        reason = str(error).strip()
        problem = "An unexpected error occurred during validation"
        problem += f": {reason}" if reason else "; please see the worker logs for more details."
    if problem is not None:
        yield KeyProblem(key, problem)


def warnings(given: Iterable[str], worker: WorkerConfig) -> Iterable[str]:
    """Warnings about keys for transactions if there are none."""
    if not worker.transactional_sources:
        for key in sorted({BOUNDARY, f"{BOUNDARY}.interval.ms"}.intersection(given)):
            yield (
                f"{key} has no effect: the worker has exactly.once.source.support=disabled, and commits the offsets of "
                "sources every offset.flush.interval.ms"
            )
