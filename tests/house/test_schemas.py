"""The event contracts in schemas/: each is loaded, named by its file, and compatible with every version of itself."""

import json
from io import BytesIO
from itertools import permutations
from pathlib import Path
from typing import Any

import fastavro
import pytest
from fastavro.read import SchemaResolutionError
from fastavro.utils import generate_many

from ferryman.connectors.datagen.crowdfunding import STREAMS
from ferryman.formats.avro.schemas.connect_properties import Options
from ferryman.formats.avro.schemas.schema_reader import reading
from tests.places import SCHEMAS

FILES = sorted(SCHEMAS.iterdir())
PROMISED = {
    "ProjectCreated",
    "FundingUpdated",
    "PaymentProcessed",
    "EmailSent",
    "MetricsCollected",
    "ErrorLogged",
}


def load(path: Path) -> Any:
    return json.loads(path.read_text())


def versions() -> dict[str, dict[int, Any]]:
    found: dict[str, dict[int, Any]] = {}
    for path in FILES:
        name, version, kind = path.name.split(".")
        assert kind == "avsc"
        found.setdefault(name, {})[int(version.removeprefix("v"))] = load(path)
    return found


def check_readable(writer: Any, reader: Any) -> None:
    """Raises if data of one version cannot be read as the other, or loses a field that both have."""
    both = {field["name"] for field in writer["fields"]} & {field["name"] for field in reader["fields"]}
    one, other = fastavro.parse_schema(writer), fastavro.parse_schema(reader)
    for value in generate_many(one, 20):
        stream = BytesIO()
        fastavro.schemaless_writer(stream, one, value)
        stream.seek(0)
        stored: Any = fastavro.schemaless_reader(BytesIO(stream.getvalue()), one, None)
        read: Any = fastavro.schemaless_reader(stream, one, other)
        assert {name: read[name] for name in both} == {name: stored[name] for name in both}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_file_is_the_avro_record_that_its_name_says(path: Path) -> None:
    schema = load(path)
    fastavro.parse_schema(schema)
    assert path.name.startswith(f"{schema['name']}.v")
    assert schema["namespace"] == "crowdfunding"
    assert schema["doc"].endswith(".")
    assert [field["name"] for field in schema["fields"] if not field.get("doc", "").endswith(".")] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_is_a_connect_struct_that_can_become_columns(path: Path) -> None:
    found = reading(load(path))
    assert found.schema.name == f"crowdfunding.{load(path)['name']}"
    assert found.reason is None


def test_the_promised_events_are_there_and_one_has_two_versions() -> None:
    found = versions()
    assert found.keys() >= PROMISED
    assert found["PaymentProcessed"].keys() == {1, 2}
    assert all(sorted(each) == list(range(1, len(each) + 1)) for each in found.values())


@pytest.mark.parametrize("name", versions())
def test_every_version_reads_every_other(name: str) -> None:
    for writer, reader in permutations(versions()[name].values(), 2):
        check_readable(writer, reader)


def test_a_field_without_a_default_would_be_found() -> None:
    first = versions()["PaymentProcessed"][1]
    second = {**first, "fields": [*first["fields"], {"name": "risk", "type": "int"}]}
    check_readable(second, first)
    with pytest.raises(SchemaResolutionError, match="risk"):
        check_readable(first, second)


def test_the_datagen_world_speaks_the_newest_versions() -> None:
    without_docs = Options(meta_data=False)
    newest = {name: reading(each[max(each)], options=without_docs).schema for name, each in versions().items()}
    spoken = {str(schema.name).removeprefix("crowdfunding."): schema for schema in STREAMS.values()}
    assert newest == spoken
