"""Data errors: what one is, and how a batch that failed is narrowed down to the guilty records. Pure.

What to do about such records (errors.tolerance, the dead letter queue) is decided in one place,
``ferryman.task.errors``.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from ferryman.errors import BadValues, RetriableError, TaskError
from ferryman.record import Batch, Coordinates, Polled, Record

T = TypeVar("T")
_ROUNDS = 8
"""So often those that are named are left out before the others are looked for."""


class Stage(StrEnum):
    """Where a record failed, by Kafka Connect's names."""

    KEY_CONVERTER = "KEY_CONVERTER"
    VALUE_CONVERTER = "VALUE_CONVERTER"
    HEADER_CONVERTER = "HEADER_CONVERTER"
    TRANSFORMATION = "TRANSFORMATION"
    KAFKA_PRODUCE = "KAFKA_PRODUCE"
    TASK_PUT = "TASK_PUT"


@dataclass(frozen=True, slots=True)
class Failure:
    """One record that could not be decoded, transformed or written."""

    origin: Polled | Sequence[Record]
    """Where it came from: the raw records on the sink side, what the source handed over on the other."""
    position: int
    """The record's place in ``origin``."""
    stage: Stage
    plugin: str
    """The class name of the guilty step, as configs give it."""
    error: Exception

    @property
    def coordinates(self) -> Coordinates | None:
        """The record's identity; None on the source side, where it has none yet."""
        if isinstance(self.origin, Polled):
            return Coordinates(self.origin.topic, self.origin.partition, self.origin.offsets[self.position])
        return None


@dataclass(frozen=True, slots=True)
class Stretch(Generic[T]):
    """Neighbouring items that went through in one attempt."""

    start: int
    """The first item's index."""
    stop: int
    """The index after the last item's."""
    result: T
    """What the attempt returned for them."""


def narrow(
    count: int, attempt: Callable[[int, int], T], *errors: type[Exception]
) -> tuple[list["Stretch[T]"], list[tuple[int, Exception]]]:
    """Attempts all items at once and, where that fails, ever smaller halves, down to the guilty ones.

    ``attempt(start, stop)`` must do all of its items or none. Returns the results of the good stretches in order, and
    each guilty item with its error. Errors other than ``errors`` pass through, RetriableError and TaskError always.
    """
    done: list[Stretch[T]] = []
    guilty: list[tuple[int, Exception]] = []
    waiting = [(0, count)] if count else []
    while waiting:
        start, stop = waiting.pop()
        try:
            done.append(Stretch(start, stop, attempt(start, stop)))
        except (RetriableError, TaskError):
            raise
        except errors as error:
            if stop - start == 1:
                guilty.append((start, error))
            else:
                middle = (start + stop) // 2
                waiting += [(middle, stop), (start, middle)]
    return done, guilty


def sifted(
    count: int, attempt: Callable[[Sequence[int]], T], search: Callable[[Sequence[int]], T] | None = None
) -> tuple[list[T], list[tuple[int, Exception]]]:
    """Attempts all items at once and, where that fails, finds the guilty ones and attempts all others at once.

    ``attempt(indices)`` must do all of its items or none, and may be called several times for the same ones. Where it
    names the guilty (BadValues) they are left out; else they are looked for in ever smaller halves, by ``search``: it
    does the same, and costs less for few items. Returns the results, one if it gives the same each time, and each
    guilty item with its error.
    """
    guilty = dict[int, Exception]()
    left: Sequence[int] = range(count)
    for _ in range(_ROUNDS):
        try:
            return ([attempt(left)] if left else []), sorted(guilty.items(), key=_index)
        except (RetriableError, TaskError):
            raise
        except BadValues as error:
            guilty |= {left[at]: each for at, each in error.errors.items()}
            left = [index for index in left if index not in guilty]
        except Exception as error:
            if len(left) == 1:
                return [], sorted({**guilty, left[0]: error}.items(), key=_index)
            break
    found, more = _halved(left, attempt, search or attempt)
    return found, sorted({**guilty, **more}.items(), key=_index)


def _halved(
    left: Sequence[int], attempt: Callable[[Sequence[int]], T], search: Callable[[Sequence[int]], T]
) -> tuple[list[T], dict[int, Exception]]:
    done, found = narrow(len(left), lambda start, stop: search(left[start:stop]), Exception)
    guilty = {left[at]: error for at, error in found}
    try:
        return [attempt([index for index in left if index not in guilty])] if done else [], guilty
    except (RetriableError, TaskError):
        raise
    except Exception:
        # They passed in other company before, and are not made guilty by what they did then.
        return [stretch.result for stretch in done], guilty


def _index(guilty: tuple[int, Exception]) -> int:
    return guilty[0]


def without_records(batches: Iterable[Batch], guilty: Iterable[tuple[Batch, int]]) -> list[Batch]:
    """The batches but for some records, each given as a batch and its index there."""
    positions: dict[int, set[int]] = {}
    for batch, index in guilty:
        positions.setdefault(id(batch.origin), set()).add(batch.positions[index])
    left = (batch.without(positions.get(id(batch.origin), ())) for batch in batches)
    return [batch for batch in left if batch is not None]
