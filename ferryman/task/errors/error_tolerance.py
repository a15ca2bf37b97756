"""Handles data errors: errors.tolerance, errors.log.* and the dead letter queue, in one place."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ferryman.chain.narrowing import Failure
from ferryman.connector import ConnectorConfig
from ferryman.errors import ToleranceError
from ferryman.record import Coordinates, Polled, Record, TopicPartition
from ferryman.task.errors.dead_letter_queue import DeadLetterQueue
from ferryman.task.errors.letter_writer import error_class
from ferryman.task.errors.source_letter_writer import source_text
from ferryman.task.meters.tasks import Errors
from ferryman.telemetry import place
from ferryman.telemetry.place import Place

log = logging.getLogger(__name__)


@dataclass
class Tolerance:
    """Judges the failures of one task and counts them."""

    config: ConnectorConfig
    task: int
    dead_letters: DeadLetterQueue | None = None
    errors: Errors = field(default_factory=Errors)
    """Where they are counted."""
    skips: Callable[[TopicPartition, int], None] = field(default=lambda source, offset: None, repr=False)
    """Called for each record of a topic that is skipped, with its partition and offset."""
    _logged: set[Coordinates | None] = field(default_factory=set)
    """Records whose dead letters are not written yet, and which come again: they are logged once."""

    @property
    def skipped(self) -> int:
        """How many were skipped."""
        return sum(self.errors.skipped.values())

    def judge(self, failures: Sequence[Failure]) -> None:
        """Reports failures, then skips them or fails the task. Returns when their dead letters are acknowledged.

        Raises ToleranceError with errors.tolerance=none, when the first is reported all the same, as in Connect, and no
        other: these come again. RetriableError when the dead letter queue does not answer.
        """
        if not failures:
            return
        if self.config.errors_tolerance == "none":
            failures = failures[:1]
        self.errors.failed(len(failures))
        if self.config.errors_log_enable:
            for failure in failures:
                if failure.coordinates not in self._logged:
                    self.errors.logged += 1
                    log.error(self._line(failure), exc_info=failure.error, extra={"place": place_of(failure)})
        if self.dead_letters is not None:
            self._logged |= {failure.coordinates for failure in failures}
            self.dead_letters.send(failures)
            self._logged.clear()
        self.errors.errors += len(failures)
        if self.config.errors_tolerance == "none":
            first = failures[0]
            where = f" {first.coordinates}" if first.coordinates else ""
            raise ToleranceError(
                f"Tolerance exceeded in error handler: record{where} failed in stage {first.stage} "
                f"with class {first.plugin}: {error_class(first.error)}: {first.error}",
                place_of(first),
            ) from first.error
        self.errors.skipped.update(str(failure.stage) for failure in failures)
        for failure in failures:
            if isinstance(failure.origin, Polled):
                self.skips(failure.origin.source, failure.origin.offsets[failure.position])

    def delivered(self, source: TopicPartition, following: int) -> None:
        """The records before ``following`` are through."""
        if self.dead_letters is not None:
            self.dead_letters.delivered(source, following)

    def _line(self, failure: Failure) -> str:
        text = (
            f"Error encountered in task {self.config.name}-{self.task}. "
            f"Executing stage '{failure.stage}' with class '{failure.plugin}'"
        )
        if self.config.errors_log_include_messages:
            text += _description(failure)
        return text + "."


def place_of(failure: Failure) -> Place:
    """What log lines say about the record that failed; for a replayed letter, where its record was first."""
    stage, origin, at = str(failure.stage), failure.origin, failure.position
    if isinstance(origin, Polled):
        letter = None if origin.originals is None else str(failure.coordinates)
        return place.at(origin.original_coordinates(at), origin.keys[at], stage=stage, letter=letter)["place"]
    record = origin[at]
    source = {"source_partition": record.source_partition, "source_offset": record.source_offset}
    told = {name: source_text(value) for name, value in source.items() if value is not None}
    return place.of(record, stage=stage, **told)["place"]


def _description(failure: Failure) -> str:
    if isinstance(failure.origin, Polled):
        origin, index = failure.origin, failure.position
        return (
            f", where consumed record is {{topic='{origin.topic}', partition={origin.partition}, "
            f"offset={origin.offsets[index]}, timestamp={origin.timestamps[index]}, "
            f"timestampType={origin.timestamp_type}}}"
        )
    record: Record = failure.origin[failure.position]
    return f", where source record is {{topic='{record.topic}', sourceOffset={dict(record.source_offset or {})}}}"
