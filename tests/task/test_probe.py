"""Which step a probe was at when it died of a single record, of replayed letters too."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from ferryman.chain import builder
from ferryman.conversion import Decoded
from ferryman.converters.string import StringConverter
from ferryman.record import Coordinates, Original, Payload, Polled
from ferryman.task import probe
from ferryman.task.crash_evidence.at_work import Offsets

STRING = "org.apache.kafka.connect.storage.StringConverter"
CONFIG = {f"{side}.converter": STRING for side in ("key", "value", "header")}


class Death(BaseException):
    """Ends whoever does not expect it, as a signal does."""


class Deadly(StringConverter):
    """Dies of one payload."""

    def decode(self, topic: str, payloads: Sequence[Payload]) -> Decoded:
        if b"deadly" in payloads:
            raise Death
        return super().decode(topic, payloads)


def at_death(value: bytes, edit: str = "") -> list[str]:
    """The stages that a probe of one record went through, up to the one that it died in."""
    original = Original("t", Coordinates("t", 0, 9), edit=edit)
    polled = Polled("dlq", 0, [3], [None], [b"k"], [value], originals=[original] if edit else None)
    whole = builder.editing(builder.chain(CONFIG, {}), edit, CONFIG, {})
    deadly: Any = Deadly(StringConverter.config_class(), "value")
    chain = replace(whole, value=deadly)
    stages = list[str]()

    @contextmanager
    def on(stage: str, ranges: Sequence[Offsets], plugin: str = "") -> Iterator[None]:
        stages.append(stage)
        yield

    control: Any = SimpleNamespace(at_work=SimpleNamespace(on=on))
    with suppress(Death):
        probe._try(Offsets("dlq", 0, 3, 3), chain, polled, control)
    return stages


@pytest.mark.parametrize(("value", "edit"), [(b"deadly", ""), (b"x", '"deadly"')])
def test_a_value_that_kills_is_the_value_converters_whether_it_was_edited_or_not(value: bytes, edit: str) -> None:
    assert at_death(value, edit)[-1] == "VALUE_CONVERTER"


@pytest.mark.parametrize(("value", "edit"), [(b"x", ""), (b"deadly", '"x"'), (b"deadly", "error")])
def test_a_value_that_an_edit_has_mended_or_refused_kills_nobody(value: bytes, edit: str) -> None:
    assert at_death(value, edit) == ["KEY_CONVERTER", "VALUE_CONVERTER", "HEADER_CONVERTER"]
