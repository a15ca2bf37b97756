"""The example on the page of each transform and predicate is true: the lines given become the lines shown."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ferryman.chain import chain_config
from ferryman.docs import reference
from ferryman.errors import FerrymanError
from ferryman.formats.json.payload import reader, writer
from ferryman.formats.json.schema import from_json, to_json
from ferryman.java import properties
from ferryman.plugins.catalog import Kind
from ferryman.record import Header, Record, batches
from ferryman.schema import Schema
from tests.places import DOCS

KINDS: list[Kind] = ["transformation", "predicate"]
PAGES = sorted(
    DOCS / reference.FOLDERS[kind] / reference.page_name(each) for kind in KINDS for each in reference.ours(kind)
)
FENCE = re.compile(r"^```(json|properties)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def fences(page: Path, syntax: str) -> list[str]:
    return [text for found, text in FENCE.findall(page.read_text(encoding="utf-8")) if found == syntax]


def with_schema(data: Any) -> tuple[Schema | None, Any]:
    """What JSON stands for: an envelope of JsonConverter's, or plain data."""
    if isinstance(data, dict) and data.keys() == {"schema", "payload"}:
        schema = from_json(data["schema"])
        return schema, reader(schema)(data["payload"])
    return None, data


def in_json(schema: Schema | None, value: Any) -> Any:
    return value if schema is None else {"schema": to_json(schema), "payload": writer(schema)(value)}


def record(line: dict[str, Any]) -> Record:
    (key_schema, key), (value_schema, value) = with_schema(line.get("key")), with_schema(line["value"])
    headers = [(each["key"], *with_schema(each["value"])) for each in line.get("headers", [])]
    return Record(
        topic=line["topic"],
        partition=line.get("partition"),
        key=key,
        key_schema=key_schema,
        value=value,
        value_schema=value_schema,
        timestamp=line.get("timestamp"),
        headers=tuple(Header(name, value, schema) for name, schema, value in headers),
    )


def shown(line: dict[str, Any]) -> Any:
    """A line of an example with nothing left out."""
    return line if "topic" not in line else plain(record(line))


def plain(found: Record) -> Any:
    return json.loads(
        json.dumps(
            {
                "topic": found.topic,
                "partition": found.partition,
                "timestamp": found.timestamp,
                "key": in_json(found.key_schema, found.key),
                "value": in_json(found.value_schema, found.value),
                "headers": [[each.key, in_json(each.schema, each.value)] for each in found.headers],
            }
        )
    )


def transformed(raw: dict[str, str], given: Record) -> Any:
    parsed = chain_config.parse(raw)
    assert (parsed.problems, parsed.warnings) == ([], [])
    (waiting,) = batches([given], [given], [0])
    left = [waiting]
    try:
        for step in parsed.steps:
            left = [result for each in left for result in step.apply(each)]
    except FerrymanError as error:
        return {"error": error.java.rpartition(".")[2], "message": str(error)}
    return plain(next(left[0].records())) if left else {"dropped": True}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_an_example_gives_what_its_page_shows(page: Path) -> None:
    (config,) = fences(page, "properties")
    given, result = ([json.loads(line) for line in text.splitlines()] for text in fences(page, "json"))
    raw = properties.load(config.encode())
    assert [transformed(raw, record(line)) for line in given] == [shown(line) for line in result]
