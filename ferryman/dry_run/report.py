"""What ``ferryman explain`` says about a connector: its plan, what is guaranteed and what is not, what would be
done."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ferryman.chain.plan import Planned
from ferryman.dry_run import predicted_effects, sink_input, subject, warnings
from ferryman.dry_run.explanation import explained
from ferryman.dry_run.predicted_effects import Prediction
from ferryman.dry_run.subject import Subject
from ferryman.effects import Effect
from ferryman.errors import ConfigError
from ferryman.guarantees import table
from ferryman.guarantees.guarantee import Facts, Guarantee
from ferryman.telemetry.redaction import redact

_INDENT = "    "


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is told of a config."""

    plan: Sequence[Planned | str]
    """The plan's steps."""
    wrong: Sequence[str]
    """What is wrong with the connector's own keys; with a wrong chain there is no plan, and no report."""
    warnings: Sequence[str]
    """What is doubtful about its config, as a worker logs it."""
    guarantees: Sequence[Guarantee]
    """The guarantees that are true of the config."""
    untold: str | None
    """Why no guarantees can be given; None if they can."""
    records: int | None
    """How many records there were to try with; None if none was asked for."""
    effects: Sequence[Effect]
    """What would be done."""
    failure: str | None
    """With what the task would fail."""

    def lines(self) -> Iterator[str]:
        """The report in lines, for people."""
        yield from (f"plan: {step}" for step in self.plan)
        yield from (f"wrong: {problem}" for problem in self.wrong)
        yield from (f"warning: {warning}" for warning in self.warnings)
        for each in self.guarantees:
            yield f"{'guaranteed' if each.kind == 'promise' else 'not guaranteed'}: {each.sentence}"
            yield from (f"{_INDENT}proved by {proof}" for proof in each.proofs)
        if self.untold is not None:
            yield f"guaranteed: nothing is known: {self.untold}"
        if self.records is not None:
            yield f"with {self.records:,} {'record' if self.records == 1 else 'records'}:"
        for effect in self.effects:
            yield from _lines(effect)
        if self.failure is not None:
            yield f"fails: {self.failure}"

    def as_json(self) -> str:
        """The report as JSON, for programs."""
        guarantees = [
            {"holds": each.kind == "promise", "sentence": each.sentence, "proofs": list(each.proofs)}
            for each in self.guarantees
        ]
        found = {
            "plan": [str(step) for step in self.plan],
            "wrong": list(self.wrong),
            "warnings": list(self.warnings),
            "guarantees": guarantees,
            "guarantees_untold": self.untold,
            "records": self.records,
            "effects": [asdict(effect) for effect in self.effects],
            "failure": self.failure,
        }
        return json.dumps(_redacted(found), indent=2, default=str)


def _lines(effect: Effect) -> Iterator[str]:
    first, *others = effect.text.split("\n") if effect.text else [""]
    if not others:
        yield f"{effect.kind} {effect.target}: {first}" if first else f"{effect.kind} {effect.target}"
        return
    yield f"{effect.kind} {effect.target}:"
    yield from (f"{_INDENT}{line}".rstrip() for line in (first, *others))


def _redacted(found: Any) -> Any:
    match found:
        case str():
            return redact(found)
        case dict():
            return {name: _redacted(value) for name, value in found.items()}
        case list() | tuple():
            return [_redacted(value) for value in found]
        case _:
            return found


def report_on(config: Path, worker: Path | None, sample: BinaryIO | None, from_topic: int | None) -> Report:
    """The report on a connector's file. ``sample`` are lines of records, ``from_topic`` how many of each topic's newest
    are wanted. Raises ConfigError for a config that is wrong, BadLine, RetriableError when Kafka does not answer."""
    found = subject.read(config, worker)
    plan, wrong = _plan(config, worker, found), [each.named for each in found.problems]
    warned = warnings.of(found)
    guarantees, untold = _guarantees(found)
    if not found.is_sink:
        if sample is not None or from_topic is not None:
            raise ConfigError.for_key("", f"{found.name} is a source: records are for sinks")
        first = Prediction([Effect("note", each.key, each.message) for each in found.unresolved])
        if untold is None and not found.unresolved:
            first = predicted_effects.of_source(found)
        return Report(plan, wrong, warned, guarantees, untold, None, first.effects, first.failure)
    if sample is not None:
        records = sink_input.of_lines(found, sample)
    elif from_topic is not None:
        records = sink_input.of_topics(found, from_topic)
    else:
        return Report(plan, wrong, warned, guarantees, untold, None, (), None)
    done = predicted_effects.of_sink(found, records)
    failure = done.failure or _intolerant(found, done)
    return Report(plan, wrong, warned, guarantees, untold, records.records, done.effects, failure)


def _plan(config: Path, worker: Path | None, found: Subject) -> Sequence[Planned | str]:
    """The plan. Raises ConfigError with what is wrong with the chain, and with everything else."""
    try:
        return explained(config, worker)
    except ConfigError as error:
        known = {each.key for each in error.problems}
        raise ConfigError(*error.problems, *(each for each in found.problems if each.key not in known)) from error


def _intolerant(found: Subject, done: Prediction) -> str | None:
    """With what the task fails because of a single record."""
    refused = next((each for each in done.effects if each.kind == "refused"), None)
    if refused is None or found.checked().errors_tolerance == "all":
        return None
    return f"errors.tolerance=none, and {refused.target} is refused"


def _guarantees(found: Subject) -> tuple[Sequence[Guarantee], str | None]:
    if found.problems:
        return (), "the config is wrong"
    if found.config is None:
        return (), found.unresolved[0].named
    worker = {} if found.worker is None else found.worker.values
    return table.of(Facts.of(found.plugin, found.config, found.raw, worker)), None
