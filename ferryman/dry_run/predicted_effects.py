"""What a connector would do, asked of its own code: a sink with records, a source at its first poll."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ferryman.api import Bad, SinkContext, SourceContext
from ferryman.connector import ConnectorConfig
from ferryman.dry_run.sink_input import SinkInput
from ferryman.dry_run.subject import Subject
from ferryman.effects import Effect
from ferryman.record import Batch

Question = Callable[[ConnectorConfig], Iterable[Effect] | None]


@dataclass
class Prediction:
    """The answer."""

    effects: list[Effect] = field(default_factory=list)
    """What would be done, in order."""
    failure: str | None = None
    """With what the task would fail, as far as that is seen."""


def of_sink(subject: Subject, taken: SinkInput) -> Prediction:
    """What a sink would do with records. Raises ConfigError for a config that is wrong."""
    reported: list[Effect] = []

    def report(batch: Batch, index: int, error: Exception) -> None:
        reported.append(Effect("refused", f"{batch.source}@{batch.offsets[index]}", str(error)))

    def report_all(found: Sequence[Bad]) -> None:
        for each in found:
            report(*each)

    context = SinkContext(
        connector=subject.name,
        task=0,
        cluster="",
        raw=subject.raw,
        report=report,
        report_all=report_all,
        request_commit=lambda: None,
        commit=lambda offsets: None,
    )
    found = _asked(subject, lambda config: subject.plugin.explain(config, context, taken.batches))
    return Prediction([*taken.effects, *found.effects, *reported], found.failure)


def of_source(subject: Subject) -> Prediction:
    """What a source's first task would ask for first. Raises ConfigError for a config that is wrong."""
    context = SourceContext(
        connector=subject.name,
        task=0,
        cluster="",
        raw=subject.raw,
        offset=lambda partition: None,
        stopping=lambda seconds: False,
    )
    return _asked(subject, lambda config: subject.plugin.explain(config, context))


def _asked(subject: Subject, question: Question) -> Prediction:
    found = Prediction()
    config: Any = subject.checked()
    try:
        effects = question(config)
        if effects is None:
            text = "does not say what it would do; only its own code knows"
            found.effects.append(Effect("note", subject.plugin.__name__, text))
            return found
        # One by one, so that what comes before an error is kept.
        for each in effects:
            found.effects.append(each)
    except Exception as error:
        found.failure = f"{type(error).__name__}: {error}"
    return found
