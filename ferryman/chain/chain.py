"""The path of a record between bytes and task, whole batches at a time: decode, transform, encode. No I/O of its own.

Records that fail come back as Failures beside the batches; what to do about them is decided elsewhere. A RetriableError
(the registry is away) passes through, and the same input may be given again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from ferryman.api import Predicate, Transform
from ferryman.chain import decoded_letters, headers
from ferryman.chain.encoded import Encoded
from ferryman.chain.forms import Asked, Forms, form_of, in_form
from ferryman.chain.narrowing import Failure, Stage, sifted
from ferryman.chain.pairing import paired, pick
from ferryman.chain.plan import Plan, open_plan
from ferryman.config import Config
from ferryman.conversion import Converter, Decoded, Piece
from ferryman.errors import BadValues, DataError, RetriableError, TaskError
from ferryman.joining import joined
from ferryman.plugins.catalog import names
from ferryman.record import Batch, Data, Payload, Polled, Record, batches, interleaved

Planner = Callable[[Converter[Any], Sequence[tuple[str, Transform[Config]]]], Plan]
"""Makes the plan for one side from its converter and the transforms."""


@dataclass(frozen=True, slots=True)
class Step:
    """One transform of a chain, with the predicate that switches it."""

    alias: str
    """Its name in ``transforms``."""
    transform: Transform[Config]
    predicate: Predicate[Config] | None = None
    """Decides for which records it applies; None for all."""
    negate: bool = False
    """Whether it applies where the predicate does not hold."""

    @property
    def takes_batches(self) -> bool:
        """Whether the transform does more with a batch than to go through its records."""
        return type(self.transform).apply_batch is not Transform.apply_batch

    def apply(self, batch: Batch) -> list[Batch]:
        """Transforms the records that the predicate chooses; the others pass unchanged."""
        if self.predicate is None:
            return list(self.transform.apply_batch(batch))
        wanted = [bool(held) is not self.negate for held in self.predicate.test_batch(batch)]
        _check_count(self.predicate, "answers", len(wanted), len(batch))
        return [
            result
            for chosen, part in batch.split(wanted)
            for result in (self._applied(part, wanted) if chosen else [part])
        ]

    def _applied(self, chosen: Batch, wanted: Sequence[bool]) -> Sequence[Batch]:
        try:
            return self.transform.apply_batch(chosen)
        except BadValues as error:
            raise error.among([at for at, held in enumerate(wanted) if held]) from None

    def apply_one(self, record: Record) -> Record | None:
        """The same for a single record; None if it is dropped."""
        chosen = self.predicate is None or bool(self.predicate.test(record)) is not self.negate
        changed = self.transform.apply(record) if chosen else record
        if changed is None or isinstance(changed, Record):
            return changed
        raise DataError(f"{type(self.transform).__name__} must return a Record or None, not {type(changed).__name__}")


@dataclass(frozen=True, slots=True)
class Chain:
    """A task's converters and transforms, and the plan that says in which form each of them gets its batches.

    Made by ``assembled``, so that its converters ask its plan.
    """

    key: Converter[Config]
    value: Converter[Config]
    header: Converter[Config]
    steps: Sequence[Step]
    key_forms: Forms
    """The plan for keys, and what forms they had."""
    value_forms: Forms
    """The plan for values, and what forms they had."""
    editing: decoded_letters.Editing | None = None
    """How the values of replayed letters are edited, where these say that they are."""

    @property
    def plan(self) -> Plan:
        """What is planned for values."""
        return self.value_forms.plan

    def decode(self, polled: Polled) -> tuple[list[Batch], list[Failure]]:
        """Raw records as batches, before any transform: one for each pair of a key's and a value's schema.

        If several parts of a record are bad, the first is reported, in Connect's order: key, value, headers.
        """
        if polled.originals is not None:
            return decoded_letters.decoded(polled, self.decode, self.editing)
        failures: dict[int, Failure] = {}
        # The other way round, so that the first part has the last word.
        values = self._side(self.value, Stage.VALUE_CONVERTER, polled, failures)
        keys = self._side(self.key, Stage.KEY_CONVERTER, polled, failures)
        batches = [
            Batch(
                topic=polled.topic,
                partition=polled.partition,
                key=key,
                value=value,
                timestamps=pick(polled.timestamps, positions),
                origin=polled,
                positions=positions,
            )
            for positions, key, value in paired(len(polled), keys, values)
        ]
        if polled.unreadable:
            batches = self._readable(polled, batches, failures)
        if polled.headers is not None:
            batches = [part for batch in batches for part in self._headers(batch, failures)]
        return batches, [failures[position] for position in sorted(failures)]

    def _side(
        self, converter: Converter[Config], stage: Stage, polled: Polled, failures: dict[int, Failure]
    ) -> Sequence[Piece]:
        is_key = stage is Stage.KEY_CONVERTER
        payloads, forms = (polled.keys, self.key_forms) if is_key else (polled.values, self.value_forms)

        def attempt(places: Sequence[int]) -> tuple[Sequence[int], Decoded, Asked]:
            forms.attempt()
            return places, _decoded(converter, polled.topic, pick(payloads, places)), forms.asked

        done, guilty = sifted(len(polled), attempt)
        pieces = list[Piece]()
        for places, found, asked in done:
            forms.keep(asked)
            guilty += [(places[at], error) for at, error in found.failures]
            pieces += [piece.among(places) for piece in found.pieces]
        if guilty:
            name = names(type(converter))[0]
            failures |= {position: Failure(polled, position, stage, name, error) for position, error in guilty}
        return pieces

    def _readable(self, polled: Polled, given: Sequence[Batch], failures: dict[int, Failure]) -> list[Batch]:
        bad = {at: polled.unreadable[offset] for at, offset in enumerate(polled.offsets) if offset in polled.unreadable}
        name = names(type(self.header))[0]
        for at, reason in bad.items():
            failures.setdefault(at, Failure(polled, at, Stage.HEADER_CONVERTER, name, DataError(reason)))
        return [left for batch in given if (left := batch.without(bad)) is not None]

    def _headers(self, batch: Batch, failures: dict[int, Failure]) -> list[Batch]:
        assert batch.polled.headers is not None
        raw = pick(batch.polled.headers, batch.positions)
        if vars(type(self.header)).get("refuses_nothing"):
            return [replace(batch, headers=headers.late(self.header, batch.topic, raw))]
        found, bad = headers.decoded(self.header, batch.topic, raw)
        name = names(type(self.header))[0]
        for at, error in bad:
            position = batch.positions[at]
            failures[position] = Failure(batch.origin, position, Stage.HEADER_CONVERTER, name, error)
        left_out = {at for at, _ in bad}
        good = [at for at in range(len(batch)) if at not in left_out] if bad else range(len(batch))
        return [replace(batch.take(good), headers=found)] if good else []

    def transform(self, batches: Sequence[Batch]) -> tuple[list[Batch], list[Failure]]:
        """Batches of one origin through every step, in the form that is planned for each; in the end in that of put or
        encode."""
        found, failures = [self._formed(0, batch) for batch in batches], list[Failure]()
        for number, step in enumerate(self.steps, 1):
            if step.transform.any_order or (len(found) == 1 and step.takes_batches):
                found = joined([result for each in found for result in self._stepped(number, step, each, failures)])
            elif found:
                found = self._stepped_in_order(number, step, found, failures)
        last = len(self.steps) + 1
        if last < len(self.plan.steps):
            found = [self._formed(last, each) for each in found]
            for each in found:
                self._count(last, each, each)
        return found, sorted(failures, key=lambda failure: failure.position)

    def _formed(self, step: int, batch: Batch) -> Batch:
        """The batch in the form in which a step is to get it."""
        key = in_form(batch.key, self.key_forms.plan.form(step, form_of(batch.key)))
        value = in_form(batch.value, self.value_forms.plan.form(step, form_of(batch.value)))
        same = key is batch.key and value is batch.value
        return batch if same else replace(batch, key=key, value=value)

    def _stepped(self, number: int, step: Step, given: Batch, failures: list[Failure]) -> list[Batch]:
        batch = self._formed(number, given)
        done, guilty = sifted(len(batch), lambda places: step.apply(batch.take(places)), _by_rows(step, batch))
        failures += [self._failed(step, batch, index, error) for index, error in guilty]
        results = [result for results in done for result in results]
        for result in results:
            self._count(number, batch, result)
        return results

    def _stepped_in_order(
        self, number: int, step: Step, given: Sequence[Batch], failures: list[Failure]
    ) -> list[Batch]:
        """For transforms that may remember what they saw: single records, each once, by position."""
        changed, positions = list[Record](), list[int]()
        formed = [self._formed(number, each) for each in given]
        records = [batch.records() for batch in formed]
        for which, start, stop in interleaved([batch.positions for batch in formed]):
            for index, record in zip(range(start, stop), records[which], strict=False):
                try:
                    outcome = step.apply_one(record)
                except (RetriableError, TaskError):
                    raise
                except Exception as error:
                    failures.append(self._failed(step, formed[which], index, error))
                else:
                    if outcome is not None:
                        changed.append(outcome)
                        positions.append(formed[which].positions[index])
        results = batches(changed, given[0].origin, positions) if changed else []
        for result in results:
            self._count(number, result, result)
        return results

    def _failed(self, step: Step, batch: Batch, index: int, error: Exception) -> Failure:
        name = names(type(step.transform))[0]
        return Failure(batch.origin, batch.positions[index], Stage.TRANSFORMATION, name, error)

    def _count(self, step: int, given: Batch, result: Batch) -> None:
        self.key_forms.stepped(step, form_of(given.key), result.key)
        self.value_forms.stepped(step, form_of(given.value), result.value)

    def encode(self, batch: Batch) -> tuple[list[Encoded], list[Failure]]:
        """A batch as payloads; headers are tried first, then keys, then values, as in Connect's source tasks."""
        done, guilty = sifted(len(batch), lambda places: self._encoded(batch.take(places)))
        failures = [
            Failure(batch.origin, batch.positions[index], *self._blame(batch.slice(index, index + 1)), error)
            for index, error in guilty
        ]
        for _, of_keys, of_values in done:
            self.key_forms.keep(of_keys)
            self.value_forms.keep(of_values)
        return [encoded for encoded, _, _ in done], failures

    def _encoded(self, batch: Batch) -> tuple[Encoded, Asked, Asked]:
        self.key_forms.attempt()
        self.value_forms.attempt()
        of_headers = self._encoded_headers(batch)
        keys = _payloads(self.key, batch.topic, batch.key)
        values = _payloads(self.value, batch.topic, batch.value)
        encoded = Encoded(batch.topic, batch.partition, batch.positions, batch.timestamps, keys, values, of_headers)
        return encoded, self.key_forms.asked, self.value_forms.asked

    def _blame(self, record: Batch) -> tuple[Stage, str]:
        if _fails(lambda: self._encoded_headers(record)):
            return Stage.HEADER_CONVERTER, names(type(self.header))[0]
        if _fails(lambda: _payloads(self.key, record.topic, record.key)):
            return Stage.KEY_CONVERTER, names(type(self.key))[0]
        return Stage.VALUE_CONVERTER, names(type(self.value))[0]

    def _encoded_headers(self, batch: Batch) -> Sequence[Sequence[tuple[str, Payload]]] | None:
        return None if batch.headers is None else headers.encoded(self.header, batch.topic, batch.headers)


def assembled(
    key: Converter[Any],
    value: Converter[Any],
    header: Converter[Any],
    steps: Sequence[Step] = (),
    plan: Planner = open_plan,
) -> Chain:
    """A chain whose converters ask its plan before they make columns."""
    transforms = [(step.alias, step.transform) for step in steps]
    chain = Chain(key, value, header, steps, Forms(plan(key, transforms)), Forms(plan(value, transforms)))
    key.forms, value.forms = chain.key_forms, chain.value_forms
    return chain


def _by_rows(step: Step, batch: Batch) -> Callable[[Sequence[int]], list[Batch]]:
    """The step on few records at a time, for which columns cost more than rows, and rows are made once for all."""
    rows = cache(batch.rows)
    return lambda places: step.apply(rows().take(places))


def _decoded(converter: Converter[Config], topic: str, payloads: Sequence[Payload]) -> Decoded:
    found = converter.decode(topic, payloads)
    told = len(found.failures)
    for piece in found.pieces:
        told += len(piece.positions)
    _check_count(converter, "records", told, len(payloads))
    return found


def _payloads(converter: Converter[Config], topic: str, data: Data) -> Sequence[Payload]:
    found = converter.from_data(topic, data)
    _check_count(converter, "payloads", len(found), len(data))
    return found


def _check_count(plugin: object, what: str, made: int, given: int) -> None:
    """What a plugin made too few of would be records that are lost without a word."""
    if made != given:
        raise DataError(f"{type(plugin).__name__} made {made} {what} of {given} records")


def _fails(attempt: Callable[[], object]) -> bool:
    return bool(sifted(1, lambda places: attempt())[1])
