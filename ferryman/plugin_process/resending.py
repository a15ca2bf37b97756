"""Makes the records to send from dead letters, if that takes plugins' code: edits values, makes records of sources
again.

The record that a source's letter holds in JSON with schemas goes through the connector's transforms and converters, as
its config says now.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ferryman.chain import builder
from ferryman.chain.chain import Chain, assembled
from ferryman.dead_letters import source_converters
from ferryman.dead_letters.letter import DeadLetter
from ferryman.edits.editor import Editor
from ferryman.errors import DataError, RetriableError, TaskError
from ferryman.plugin_process import letter_converters
from ferryman.plugin_process.letter_converters import packed, unpacked
from ferryman.plugins import named
from ferryman.plugins.named import Row
from ferryman.record import Payload, Polled, Record, batches
from ferryman.settings.config_providers import Resolution
from ferryman.settings.settings import Settings
from ferryman.telemetry.redaction import redact

ASK = "resending"
MAX_LETTER_BYTES = 32 << 20
"""The largest record that may be made from one letter, in bytes of key, value and headers."""
Json = dict[str, Any]
Made = tuple[str, int | None, Payload, Payload, Sequence[tuple[str, Payload]], int | None]
"""Topic, partition (None leaves the choice to the producer), key, value, headers, timestamp in milliseconds."""
Edit = Callable[[str, Payload], Payload]


def question(
    letters: Sequence[tuple[DeadLetter, str]], connector: str, resolution: Resolution, is_sink: bool, edit: str
) -> Json:
    """Asks which records to send for letters, each with the topic of its record; for a sink's letters only the
    values."""
    rows = [_row(letter, topic, is_sink) for letter, topic in letters]
    return {"ask": ASK, "letters": rows, "edit": edit, **letter_converters.chain_facts(connector, resolution, is_sink)}


def _row(letter: DeadLetter, topic: str, is_sink: bool) -> Json:
    value = {"topic": topic, "value": packed(letter.value)}
    if is_sink:
        return value
    headers = [[name, packed(content)] for name, content in letter.headers]
    partition = letter.target[1] if letter.target else None
    return {**value, "key": packed(letter.key), "headers": headers, "time": letter.timestamp, "partition": partition}


def rows(resolution: Resolution, worker: Mapping[str, str], is_sink: bool) -> list[Row]:
    """The plugins whose code answers it."""
    reading = letter_converters.rows(resolution, worker, is_sink)
    if is_sink:
        return reading
    chain = {key: value for key, value in resolution.values.items() if key != "connector.class"}
    return list(dict.fromkeys(map(tuple, [*named.named(chain, worker), *reading])))


def answer(asked: Mapping[str, Any], settings: Settings) -> list[Json]:
    """Answers that, letter by letter: ``made`` are the records to send (none if a transform drops the record),
    ``refused`` says why there are none. Raises ConfigError for a config that cannot be used, RetriableError and
    TaskError for what is not a letter's fault."""
    letter_converters.protect(asked)
    going = _of_sink(asked, settings) if asked["is_sink"] else OfSource.of(asked, settings).going
    return [_going(each, going) for each in asked["letters"]]


def _going(letter: Json, going: Callable[[Json], Sequence[Made]]) -> Json:
    try:
        made = going(letter)
        if (size := sum(map(_size, made))) > MAX_LETTER_BYTES:
            raise DataError(f"the record would have {size:,} bytes; at most {MAX_LETTER_BYTES:,} are allowed")
    except (RetriableError, TaskError):
        raise
    except Exception as error:
        return {"refused": redact(str(error) or type(error).__name__)}
    return {"made": [_dumped(each) for each in made]}


def _size(made: Made) -> int:
    _, _, key, value, headers, _ = made
    return sum(len(each or b"") for each in (key, value, *(content for _, content in headers)))


def _dumped(made: Made) -> list[Any]:
    topic, partition, key, value, headers, time = made
    told = [[name, packed(content)] for name, content in headers]
    return [topic, partition, packed(key), packed(value), told, time]


def outgoing_record(row: Sequence[Any]) -> Made:
    """What an answer says of one record that goes."""
    topic, partition, key, value, headers, time = row
    told = [(name, unpacked(content)) for name, content in headers]
    return topic, partition, unpacked(key), unpacked(value), told, time


def _editing(asked: Mapping[str, Any], settings: Settings) -> Edit:
    if not asked["edit"]:
        return lambda topic, value: value
    editor = Editor(letter_converters.converter("value", asked, settings))
    return lambda topic, value: editor.edited(asked["edit"], topic, value)


def _of_sink(asked: Mapping[str, Any], settings: Settings) -> Callable[[Json], Sequence[Made]]:
    edit = _editing(asked, settings)

    def going(letter: Json) -> Sequence[Made]:
        value = edit(letter["topic"], unpacked(letter["value"]))
        return [(letter["topic"], None, None, value, (), None)]

    return going


@dataclass(frozen=True, slots=True)
class OfSource:
    """Records of a source, made again of its letters."""

    edit: Edit
    reading: Chain
    """Decodes letters."""
    chain: Chain

    @classmethod
    def of(cls, asked: Mapping[str, Any], settings: Settings) -> "OfSource":
        """By the config that a question brings. ConfigError for what cannot be."""
        config, worker = asked["config"], settings.values
        chain = builder.chain(config, worker)
        key, value = source_converters.converter("key"), source_converters.converter("value")
        reading = assembled(key, value, builder.converter("header", config, worker))
        return cls(_editing(asked, settings), reading, chain)

    def going(self, letter: Json) -> Sequence[Made]:
        """The records to send for a letter: none if a transform drops its record."""
        record = self._record(letter)
        found, failures = self.chain.transform(batches([record], [record], [0]))
        encoded = [self.chain.encode(each) for each in found]
        for failure in (*failures, *(each for _, failed in encoded for each in failed)):
            raise failure.error
        return [
            (each.topic, each.partition, key, value, headers, time)
            for made, _ in encoded
            for each in made
            for key, value, headers, time in zip(
                each.keys, each.values, each.headers or [()] * len(each), each.timestamps, strict=True
            )
        ]

    def _record(self, letter: Json) -> Record:
        topic = letter["topic"]
        value = self.edit(topic, unpacked(letter["value"]))
        headers = [(name, unpacked(content)) for name, content in letter["headers"]]
        times, keys = [letter["time"]], [unpacked(letter["key"])]
        polled = Polled(topic, 0, [0], times, keys, [value], [headers] if headers else None)
        found, failures = self.reading.decode(polled)
        for failure in failures:
            raise failure.error
        (record,) = (record for each in found for record in each.records())
        return replace(record, partition=letter["partition"], offset=None, origin=None, original_coordinates=None)
