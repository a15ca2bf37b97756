"""Numbers of JSON without a schema on every way out: their digits are there, or the record is refused."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from ferryman.config import Config
from ferryman.connectors.email.mail.templates import facts, pattern
from ferryman.connectors.file.lines_writer import lines
from ferryman.connectors.s3.formats.text import JsonFields, JsonLines, json_texts
from ferryman.conversion import Converter
from ferryman.errors import DataError
from ferryman.plugins import catalog
from ferryman.record import Batch, Record, Rows, TopicPartition
from tests.connectors.sink_world import batch_at
from tests.transforms.test_sided import transform

DIGITS = ["18446744073709551615", "-9223372036854775809", "1" * 60, "7" * 9000, "0.12345678901234567890123", "1E+400"]
JSON = "org.apache.kafka.connect.json.JsonConverter"


def converter(name: str, **config: str) -> Converter[Config]:
    plugin = catalog.find("converter", name)
    assert plugin is not None
    found: Converter[Config] = plugin(plugin.config_class.parse(config), "value")
    return found


def read(digits: str) -> Rows:
    """Two records with that number, as plain JSON is read."""
    payload = f'{{"n":{digits},"deep":[{digits}],"small":7}}'.encode()
    (rows,) = converter(JSON, **{"schemas.enable": "false"}).to_data("t", [payload, payload])
    return rows.rows()


def batch(rows: Rows) -> Batch:
    return batch_at(TopicPartition("t", 0), 0, rows)


@pytest.mark.parametrize("digits", DIGITS)
def test_json_files_have_every_digit(digits: str) -> None:
    line = f'{{"n":{digits},"deep":[{digits}],"small":7}}'.encode()
    rows = read(digits)
    assert json_texts(rows) == [line, line]
    assert JsonLines(False, None).encode(batch(rows), None) == [line, line]
    flat = Rows(None, [{"n": value["n"]} for value in rows.values])
    assert json_texts(flat) == [b'{"n":%s}' % digits.encode()] * 2
    fields = JsonFields(["value"], True, False, None).encode(batch(rows), None)
    assert fields == [b'{"value":%s}' % line] * 2


@pytest.mark.parametrize("digits", DIGITS)
def test_text_files_have_every_digit(digits: str) -> None:
    line = f"{{n={digits}, deep=[{digits}], small=7}}\n".encode()
    assert lines(read(digits)) == line * 2
    flat = Rows(None, [{"n": value["n"]} for value in read(digits).values])
    assert lines(flat) == f"{{n={digits}}}\n".encode() * 2


@pytest.mark.parametrize("digits", DIGITS)
def test_mails_have_every_digit(digits: str) -> None:
    seen = facts(Record(topic="t", value=read(digits).values[0]))
    assert pattern("mail.text", "{{ value.n }} {{ value.deep[0] }}").render(seen) == f"{digits} {digits}"


@pytest.mark.parametrize("digits", DIGITS)
def test_strings_have_every_digit(digits: str) -> None:
    rows = Rows(None, [read(digits).values[0]["n"]])
    assert converter("org.apache.kafka.connect.storage.StringConverter").from_data("t", rows) == [digits.encode()]


@pytest.mark.parametrize("digits", DIGITS)
@pytest.mark.parametrize("target", ["int8", "int32", "int64", "boolean"])
def test_a_cast_to_fewer_bits_is_refused(digits: str, target: str) -> None:
    if "." in digits:
        return
    with pytest.raises(DataError, match="more than 64 bits"):
        cast(f"n:{target}", read(digits).values[0])


@pytest.mark.parametrize("digits", DIGITS)
def test_a_cast_to_a_string_has_every_digit(digits: str) -> None:
    assert cast("n:string", read(digits).values[0])["n"] == digits


def cast(spec: str, value: Mapping[str, Any]) -> Any:
    step = transform("Cast", {"spec": spec})
    changed = step.apply(Record(topic="t", value=value))
    assert changed is not None
    return changed.value


def test_numbers_that_fit_are_as_they_were() -> None:
    assert json.loads(json_texts(read("9223372036854775807"))[0])["n"] == 2**63 - 1
