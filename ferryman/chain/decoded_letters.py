"""Decodes dead letters as the records in them: by the topics of those records, each at the position of its letter."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ferryman.chain.narrowing import Failure, Stage
from ferryman.edits.editor import Edit
from ferryman.errors import RetriableError, TaskError
from ferryman.record import Batch, Polled

Decode = Callable[[Polled], tuple[list[Batch], list[Failure]]]


@dataclass(frozen=True, slots=True)
class Editing:
    """How values are edited before they are decoded."""

    edit: Edit
    converter: str
    """The class name of the converter that they go through."""


def decoded(letters: Polled, decode: Decode, editing: Editing | None = None) -> tuple[list[Batch], list[Failure]]:
    """What ``decode`` makes of the records of each topic and partition; batches and failures have their places among
    the letters, by which is committed what was delivered. The letters themselves are not changed by edits of values."""
    if editing is None:
        return _decoded(letters, letters, range(len(letters)), decode)
    edited, failures = edited_values(letters, editing)
    failed = {each.position for each in failures}
    places = [at for at in range(len(letters)) if at not in failed]
    batches, others = _decoded(letters, edited, places, decode)
    return batches, sorted([*failures, *others], key=lambda failure: failure.position)


def edited_values(letters: Polled, editing: Editing) -> tuple[Polled, list[Failure]]:
    """The same letters with their values edited, and those whose values cannot be, which keep theirs."""
    assert letters.originals is not None
    values, failures = list(letters.values), list[Failure]()
    for at, (original, value) in enumerate(zip(letters.originals, letters.values, strict=True)):
        if not original.edit:
            continue
        try:
            values[at] = editing.edit(original.edit, original.topic, value)
        except (RetriableError, TaskError):
            raise
        except Exception as error:
            failures.append(Failure(letters, at, Stage.VALUE_CONVERTER, editing.converter, error))
    return replace(letters, values=values), failures


def _decoded(
    letters: Polled, edited: Polled, among: Sequence[int], decode: Decode
) -> tuple[list[Batch], list[Failure]]:
    assert letters.originals is not None
    by_source: dict[tuple[str, str, int], list[int]] = {}
    for at in among:
        original = letters.originals[at]
        lay = letters.original_coordinates(at)
        by_source.setdefault((original.topic, lay.topic, lay.partition), []).append(at)
    batches, failures = list[Batch](), list[Failure]()
    for (topic, _, partition), places in by_source.items():
        records = replace(edited.take(places), topic=topic, partition=partition, originals=None)
        done, failed = decode(records)
        batches += [
            replace(each, origin=letters, positions=[places[position] for position in each.positions]) for each in done
        ]
        failures += [replace(each, origin=letters, position=places[each.position]) for each in failed]
    return batches, sorted(failures, key=lambda failure: failure.position)
