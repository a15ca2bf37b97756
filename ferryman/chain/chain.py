"""The path of a record between bytes and task, whole batches at a time: decode, transform, encode. No I/O of its own.

Records that fail come back as Failures beside the batches; what to do about them is decided elsewhere. A RetriableError
(the registry is away) passes through, and the same input may be given again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from ferryman.api import Predicate, Transform
from ferryman.chain.forms import Forms, form_of, in_form
from ferryman.chain.narrowing import Failure, Stage, Stretch, narrow
from ferryman.chain.plan import Plan, open_plan
from ferryman.config import Config
from ferryman.conversion import Converter
from ferryman.errors import DataError
from ferryman.plugins.catalog import names
from ferryman.record import Batch, Data, Header, Payload, Polled, Rows
from ferryman.schema import Schema

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

    def apply(self, batch: Batch) -> list[Batch]:
        """Transforms the records that the predicate chooses; the others pass unchanged, all in order."""
        if self.predicate is None:
            return list(self.transform.apply_batch(batch))
        wanted = [held is not self.negate for held in self.predicate.test_batch(batch)]
        return [
            result
            for chosen, part in batch.runs(wanted)
            for result in (self.transform.apply_batch(part) if chosen else [part])
        ]


@dataclass(frozen=True, slots=True)
class Encoded:
    """A batch ready to produce; the lists have an item for each record."""

    batch: Batch
    keys: Sequence[Payload]
    values: Sequence[Payload]
    headers: Sequence[Sequence[tuple[str, Payload]]] | None
    """None when no record has any."""


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

    @property
    def plan(self) -> Plan:
        """What is planned for values."""
        return self.value_forms.plan

    def decode(self, polled: Polled) -> tuple[list[Batch], list[Failure]]:
        """Raw records as batches, before any transform. Tried in Connect's order: keys, values, headers."""
        failures: list[Failure] = []
        keys = self._side(self.key, Stage.KEY_CONVERTER, polled, range(len(polled)), failures)
        batches = [
            Batch(
                topic=polled.topic,
                partition=polled.partition,
                key=key.slice(value_start - key_start, value_stop - key_start),
                value=value,
                timestamps=polled.timestamps[value_start:value_stop],
                origin=polled,
                positions=range(value_start, value_stop),
            )
            for key_start, key_stop, key in keys
            for value_start, value_stop, value in self._side(
                self.value, Stage.VALUE_CONVERTER, polled, range(key_start, key_stop), failures
            )
        ]
        if polled.headers is not None:
            batches = [part for batch in batches for part in self._headers(batch, failures)]
        return batches, failures

    def _side(
        self, converter: Converter[Config], stage: Stage, polled: Polled, within: range, failures: list[Failure]
    ) -> list[tuple[int, int, Data]]:
        is_key = stage is Stage.KEY_CONVERTER
        payloads, forms = (polled.keys, self.key_forms) if is_key else (polled.values, self.value_forms)

        def attempt(start: int, stop: int) -> Sequence[Data]:
            forms.attempt()
            found = converter.to_data(polled.topic, payloads[within.start + start : within.start + stop])
            forms.keep()
            return found

        done, guilty = narrow(len(within), attempt, Exception)
        failures += [
            Failure(polled, within.start + index, stage, names(type(converter))[0], error) for index, error in guilty
        ]
        return [span for stretch in done for span in _spans(stretch, within.start)]

    def _headers(self, batch: Batch, failures: list[Failure]) -> list[Batch]:
        raw = batch.polled.headers
        assert raw is not None

        read = self._header_reader(batch.topic)

        def attempt(start: int, stop: int) -> Batch:
            headers = [
                tuple(Header(key, *read(payload)) for key, payload in raw[position])
                for position in batch.positions[start:stop]
            ]
            return replace(batch.slice(start, stop), headers=headers)

        done, guilty = narrow(len(batch), attempt, Exception)
        failures += _failures(batch, guilty, Stage.HEADER_CONVERTER, self.header)
        return [stretch.result for stretch in done]

    def _header_reader(self, topic: str) -> Callable[[Payload], tuple[Any, Schema | None]]:
        """Decodes header values; the same few come again and again, and what nobody can change is kept."""
        known: dict[Payload, tuple[Any, Schema | None]] = {}

        def read(payload: Payload) -> tuple[Any, Schema | None]:
            found = known.get(payload)
            if found is None:
                rows = self.header.to_data(topic, [payload])[0].rows()
                found = rows.values[0], rows.schema
                if not isinstance(found[0], dict | list):
                    known[payload] = found
            return found

        return read

    def transform(self, batch: Batch) -> tuple[list[Batch], list[Failure]]:
        """A batch through every step, in the form that is planned for each; in the end in that of put or encode."""
        batches, failures = [self._formed(0, batch)], list[Failure]()
        for number, step in enumerate(self.steps, 1):
            batches = [result for each in batches for result in self._stepped(number, step, each, failures)]
        last = len(self.steps) + 1
        if last < len(self.plan.steps):
            batches = [self._formed(last, each) for each in batches]
            for each in batches:
                self._count(last, each, each)
        return batches, failures

    def _formed(self, step: int, batch: Batch) -> Batch:
        """The batch in the form in which a step is to get it."""
        key = in_form(batch.key, self.key_forms.plan.form(step, form_of(batch.key)))
        value = in_form(batch.value, self.value_forms.plan.form(step, form_of(batch.value)))
        same = key is batch.key and value is batch.value
        return batch if same else replace(batch, key=key, value=value)

    def _stepped(self, number: int, step: Step, given: Batch, failures: list[Failure]) -> list[Batch]:
        batch = self._formed(number, given)
        done, guilty = narrow(len(batch), lambda start, stop: step.apply(_part(batch, start, stop)), Exception)
        failures += [
            Failure(batch.origin, batch.positions[index], Stage.TRANSFORMATION, names(type(step.transform))[0], error)
            for index, error in guilty
        ]
        results = [result for stretch in done for result in stretch.result]
        for result in results:
            self._count(number, batch, result)
        return results

    def _count(self, step: int, given: Batch, result: Batch) -> None:
        self.key_forms.stepped(step, form_of(given.key), result.key)
        self.value_forms.stepped(step, form_of(given.value), result.value)

    def encode(self, batch: Batch) -> tuple[list[Encoded], list[Failure]]:
        """A batch as payloads; headers are tried first, then keys, then values, as in Connect's source tasks."""
        done, guilty = narrow(len(batch), lambda start, stop: self._encoded(_part(batch, start, stop)), Exception)
        failures = [
            Failure(batch.origin, batch.positions[index], *self._blame(batch.slice(index, index + 1)), error)
            for index, error in guilty
        ]
        return [stretch.result for stretch in done], failures

    def _encoded(self, batch: Batch) -> Encoded:
        self.key_forms.attempt()
        self.value_forms.attempt()
        headers = self._encoded_headers(batch)
        keys = self.key.from_data(batch.topic, batch.key)
        values = self.value.from_data(batch.topic, batch.value)
        self.key_forms.keep()
        self.value_forms.keep()
        return Encoded(batch, keys, values, headers)

    def _blame(self, record: Batch) -> tuple[Stage, str]:
        if _fails(lambda: self._encoded_headers(record)):
            return Stage.HEADER_CONVERTER, names(type(self.header))[0]
        if _fails(lambda: self.key.from_data(record.topic, record.key)):
            return Stage.KEY_CONVERTER, names(type(self.key))[0]
        return Stage.VALUE_CONVERTER, names(type(self.value))[0]

    def _encoded_headers(self, batch: Batch) -> Sequence[Sequence[tuple[str, Payload]]] | None:
        if batch.headers is None:
            return None
        known: dict[tuple[int, type, Any], Payload] = {}

        def write(header: Header) -> Payload:
            value = header.value
            if not isinstance(value, str | bytes | int):
                return self.header.from_data(batch.topic, Rows(header.schema, [value]))[0]
            same = id(header.schema), type(value), value
            if same not in known:
                known[same] = self.header.from_data(batch.topic, Rows(header.schema, [value]))[0]
            return known[same]

        return [[(header.key, write(header)) for header in headers] for headers in batch.headers]


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


def _fails(attempt: Callable[[], object]) -> bool:
    return bool(narrow(1, lambda start, stop: attempt(), Exception)[1])


def _spans(stretch: Stretch[Sequence[Data]], base: int) -> list[tuple[int, int, Data]]:
    bounds = [base + stretch.start]
    for data in stretch.result:
        bounds.append(bounds[-1] + len(data))
    if bounds[-1] != base + stretch.stop:
        raise DataError(f"a converter made {bounds[-1] - bounds[0]} records of {stretch.stop - stretch.start}")
    return [(start, stop, data) for (start, stop), data in zip(pairwise(bounds), stretch.result, strict=True)]


def _part(batch: Batch, start: int, stop: int) -> Batch:
    return batch if stop - start == len(batch) else batch.slice(start, stop)


def _failures(
    batch: Batch, guilty: Sequence[tuple[int, Exception]], stage: Stage, converter: Converter[Config]
) -> list[Failure]:
    return [
        Failure(batch.origin, batch.positions[index], stage, names(type(converter))[0], error)
        for index, error in guilty
    ]
