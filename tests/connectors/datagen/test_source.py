"""Datagen: values by a schema's hints, a coherent crowdfunding world, and exact resumption of both."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import pytest
from fastavro.validation import validate
from hypothesis import given, settings
from hypothesis import strategies as st

from ferryman.api import SourceContext
from ferryman.connectors.datagen.source import MOST_RECORDS_A_POLL, DatagenConnector
from ferryman.errors import ConfigError
from ferryman.plugins.catalog import connector
from ferryman.record import Batch, Polled, Record
from tests.places import SCHEMAS

ORDER = {
    "type": "record",
    "name": "Order",
    "namespace": "shop",
    "fields": [
        {"name": "id", "type": {"type": "long", "arg.properties": {"iteration": {"start": 100, "step": 5}}}},
        {"name": "item", "type": {"type": "string", "arg.properties": {"options": ["lamp", "chair"]}}},
        {"name": "units", "type": ["null", {"type": "int", "arg.properties": {"range": {"min": 1, "max": 9}}}]},
    ],
}


def config_of(**keys: str) -> dict[str, str]:
    raw = {"name": "made", "connector.class": "DatagenConnector", "max.interval": "0"}
    return raw | {name.replace("_", "."): value for name, value in keys.items()}


def stopping(seconds: float) -> bool:
    """Nobody stops it, and it need not wait."""
    return False


def source_of(raw: Mapping[str, str], offset: Mapping[str, Any] | None = None, task: int = 0) -> DatagenConnector:
    context = SourceContext(
        connector="made",
        task=task,
        cluster="c",
        raw=raw,
        offset=lambda partition: offset if partition == {"task.id": task} else None,
        stopping=lambda seconds: stopping(seconds),
    )
    source = DatagenConnector(DatagenConnector.config_class.parse(raw), context)
    source.start()
    return source


def orders(offset: Mapping[str, Any] | None = None, /, **keys: str) -> DatagenConnector:
    return source_of(config_of(schema_string=json.dumps(ORDER), kafka_topic="orders", **keys), offset)


def in_order(batches: Sequence[Batch]) -> Sequence[Record]:
    """A poll's records in the order of their making."""
    origin = batches[0].origin
    assert not isinstance(origin, Polled)
    return origin


def world(count: int, **keys: str) -> list[Record]:
    """The first records of the crowdfunding world, in the order of their making."""
    source = source_of(config_of(quickstart="crowdfunding", random_seed="7", iterations=str(count), **keys))
    records: list[Record] = []
    while batches := source.poll_batches():
        records += in_order(batches)
    return records


def problems(**keys: str) -> dict[str, list[str]]:
    found = defaultdict(list)
    for problem in DatagenConnector.config_class.read(config_of(**keys))[1]:
        found[problem.key].append(problem.message)
    return dict(found)


def test_a_record_has_what_confluents_connector_gives_it() -> None:
    record = orders(iterations="1", schema_keyfield="id").poll()[0]
    assert record.topic == "orders"
    assert record.key == record.value["id"] == 100
    assert record.key_schema is not None
    assert record.key_schema.type == "INT64"
    assert record.value_schema is not None
    assert record.value_schema.name == "shop.Order"
    assert [(header.key, header.value) for header in record.headers] == [
        ("task.generation", 0),
        ("task.id", 0),
        ("current.iteration", 0),
    ]
    assert record.source_partition == {"task.id": 0}


def test_without_a_key_field_the_key_is_null() -> None:
    record = orders().poll()[0]
    assert record.key is None
    assert record.key_schema is not None
    assert record.key_schema.optional


def test_values_obey_their_hints() -> None:
    values = [record.value for record in orders(iterations="1000").poll()]
    assert [value["id"] for value in values] == list(range(100, 5100, 5))
    assert {value["item"] for value in values} == {"lamp", "chair"}
    assert {value["units"] for value in values} == {None, *range(1, 9)}


def test_exactly_one_schema_must_be_given() -> None:
    message = "Must set exactly one of schema.string, schema.filename, quickstart"
    assert problems(kafka_topic="t") == {
        "schema.string": [message],
        "schema.filename": [message],
        "quickstart": [message],
    }
    assert problems(kafka_topic="t", quickstart="crowdfunding", schema_filename="x").keys() == {
        "schema.filename",
        "quickstart",
    }


@pytest.mark.parametrize("name", ["users", "ORDERS", "pageviews", "nonsense"])
def test_another_quickstart_is_refused_by_name(name: str) -> None:
    (message,) = problems(kafka_topic="t", quickstart=name)["quickstart"]
    assert name in message
    assert "schema.filename" in message


def test_all_problems_of_a_schema_are_told_at_once() -> None:
    fields = [
        {"name": "a", "type": {"type": "string", "arg.properties": {"kind": "name"}}},
        {"name": "b", "type": {"type": "int", "arg.properties": {"position": 1}}},
    ]
    found = problems(schema_string=json.dumps({"type": "record", "name": "R", "fields": fields}))
    assert found["kafka.topic"] == ['Missing required configuration "kafka.topic" which has no default value.']
    assert found["schema.string"] == [
        "schema.string: R.a: the hint kind is not supported for string",
        "schema.string: R.b: the hint position is not supported for int",
    ]


def test_bad_schemas_and_key_fields_are_refused(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.avsc")
    assert missing in problems(kafka_topic="t", schema_filename=missing)["schema.filename"][0]
    assert "Unable to parse" in problems(kafka_topic="t", schema_string="{")["schema.string"][0]
    assert "must be that of a record" in problems(kafka_topic="t", schema_string='"string"')["schema.string"][0]
    found = problems(kafka_topic="t", schema_string=json.dumps(ORDER), schema_keyfield="nr")
    assert found == {"schema.keyfield": ["schema.keyfield: the schema has no field nr, but id, item, units"]}
    assert "schema.keyfield" in problems(quickstart="crowdfunding", schema_keyfield="id")


def test_a_schema_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "order.avsc").write_text(json.dumps(ORDER))
    source = source_of(config_of(kafka_topic="t", schema_filename=str(tmp_path / "order.avsc"), iterations="2"))
    assert [record.value["id"] for record in source.poll()] == [100, 105]


def test_every_task_makes_its_own_records() -> None:
    raw = config_of(quickstart="crowdfunding", tasks_max="3")
    assert DatagenConnector.task_configs(DatagenConnector.config_class.parse(raw), raw) == [raw] * 3
    seeded = config_of(quickstart="crowdfunding", random_seed="7")
    first, second = (source_of(seeded, task=task).poll() for task in (0, 1))
    assert not {record.key for record in first if record.topic.endswith("projects")} & {
        record.key for record in second if record.topic.endswith("projects")
    }


def test_offsets_that_mean_nothing_are_refused() -> None:
    config = DatagenConnector.config_class.parse(config_of(quickstart="crowdfunding"))
    assert DatagenConnector.alter_offsets(config, [({"task.id": 0}, {"current.iteration": 3}), ({"task.id": 1}, None)])
    with pytest.raises(ConfigError, match=r"task\.id"):
        DatagenConnector.alter_offsets(config, [({"task": 0}, None)])
    with pytest.raises(ConfigError, match=r"current\.iteration"):
        DatagenConnector.alter_offsets(config, [({"task.id": 0}, {"current.iteration": -1})])


def test_the_iterations_of_a_config_are_made_once_however_often_it_starts_and_then_it_waits(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    waits = list[float]()
    monkeypatch.setattr(f"{__name__}.stopping", waits.append)
    first = orders(iterations="10", random_seed="3").poll()
    assert len(first) == 10
    made = orders(first[-1].source_offset, iterations="10")
    with caplog.at_level("INFO"):
        assert [made.poll() for _ in range(3)] == [[]] * 3
    assert waits == [1.0] * 3, "it does not go round idly"
    assert [record.message for record in caplog.records] == ["all 10 records of this task have been made"], "once"
    assert len(orders(first[-1].source_offset, iterations="13").poll()) == 3


def test_what_was_not_committed_is_made_again_the_same() -> None:
    source = orders(iterations="12000")
    offset = source.poll()[-1].source_offset
    lost = source.poll()
    again = orders(offset, iterations="12000").poll()
    assert [record.value for record in again] == [record.value for record in lost]
    assert {record.headers[0].value for record in again} == {1}


@given(st.integers(0, 4500), st.integers(1, 300))
@settings(max_examples=25, deadline=None)
def test_the_world_goes_on_at_any_iteration_as_if_it_had_never_stopped(start: int, count: int) -> None:
    offset = {"task.generation": 4, "current.iteration": start, "random.seed": 7}
    source = source_of(config_of(quickstart="crowdfunding", iterations=str(start + count)), offset)
    resumed = in_order(source.poll_batches())
    expected = world(start + count)[start:]
    assert [(each.topic, each.key, each.value) for each in resumed] == [
        (each.topic, each.key, each.value) for each in expected
    ]


def test_every_record_of_a_poll_carries_the_offset_after_it() -> None:
    source = source_of(config_of(quickstart="crowdfunding", random_seed="7"))
    source.poll_batches()
    offsets = [record.source_offset for record in source.poll()]
    assert (
        offsets
        == [{"task.generation": 1, "current.iteration": 2 * MOST_RECORDS_A_POLL, "random.seed": 7}]
        * MOST_RECORDS_A_POLL
    )


def test_records_come_at_random_times_within_the_longest_interval() -> None:
    raw = config_of(quickstart="crowdfunding") | {"max.interval": "1000000"}
    waits: list[float] = []

    def stopping(seconds: float) -> bool:
        waits.append(seconds)
        return True

    context = SourceContext(
        connector="made",
        task=0,
        cluster="c",
        raw=raw,
        offset=lambda partition: None,
        stopping=stopping,
    )
    source = DatagenConnector(DatagenConnector.config_class.parse(raw), context)
    source.start()
    assert len(source.poll()) == 1
    assert source.poll() == []
    assert 0 < waits[0] <= 1000


def test_its_topics_begin_with_the_name_given() -> None:
    assert {record.topic.partition(".")[0] for record in world(300)} == {"crowdfunding"}
    assert {record.topic.partition(".")[0] for record in world(300, kafka_topic="demo")} == {"demo"}


def test_each_event_conforms_to_the_newest_version_of_its_contract() -> None:
    newest: dict[str, Any] = {}
    for path in sorted(SCHEMAS.glob("*.avsc")):
        schema: Any = fastavro.parse_schema(json.loads(path.read_text()))
        newest[schema["name"]] = schema
    seen = set()
    for record in world(2500):
        assert record.value_schema is not None
        name = str(record.value_schema.name)
        assert validate(record.value, newest[name])
        assert record.value.keys() == {field["name"] for field in newest[name]["fields"]}
        seen.add(name)
    assert seen == set(newest)


def test_each_event_refers_to_what_exists_and_all_sums_add_up() -> None:
    things: dict[str, Any] = {}
    totals: dict[str, Decimal] = defaultdict(Decimal)
    backers: dict[str, int] = defaultdict(int)
    ids = set()
    for record in world(5000):
        kind = record.topic.removeprefix("crowdfunding.")
        value: dict[str, Any] = record.value
        own: str = next(iter(value.values()))
        assert own not in ids, f"{own} occurs twice"
        ids.add(own)
        references = {name: value[name] for name in ("project_id", "backer_id", "pledge_id") if value.get(name)}
        for name, reference in references.items():
            if reference != own:
                assert reference in things, f"{kind}: {name} {reference} does not exist"
        match kind:
            case "projects" | "backers" | "pledges":
                things[own] = value
            case "payments":
                check_payment(value, things)
                things[value["payment_id"]] = value
            case "funding":
                payment = things[value["payment_id"]]
                sign = {"succeeded": 1, "refunded": -1}[payment["status"]]
                assert value["change"] == sign * payment["amount"]
                totals[value["project_id"]] += value["change"]
                backers[value["project_id"]] += sign
                assert value["total"] == totals[value["project_id"]] >= 0
                assert value["backers"] == backers[value["project_id"]] >= 0
            case "emails":
                assert value["recipient"] == things[value["backer_id"]]["email"]
            case "errors":
                assert things[value["payment_id"]]["status"] == "failed"
    assert {"succeeded", "failed", "refunded"} <= {thing.get("status") for thing in things.values()}


def check_payment(payment: dict[str, Any], things: dict[str, Any]) -> None:
    """A payment is of its pledge; a refund is of a payment that went through."""
    pledge = things[payment["pledge_id"]]
    assert all(payment[name] == pledge[name] for name in ("amount", "currency", "project_id", "backer_id"))
    if payment["status"] == "refunded":
        assert things[payment["payment_id"]]["status"] == "succeeded"


def test_no_season_tells_the_same_story_as_another() -> None:
    kinds = [record.topic for record in world(4000)]
    assert kinds[:2000] != kinds[2000:]


def test_time_never_runs_backwards() -> None:
    times = [next(item for item in record.value.values() if isinstance(item, datetime)) for record in world(4100)]
    assert times == sorted(times)


@pytest.mark.parametrize("name", ["io.confluent.kafka.connect.datagen.DatagenConnector", "DatagenSource", "Datagen"])
def test_it_is_found_by_the_names_that_configs_use(name: str) -> None:
    assert connector(name) is DatagenConnector


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("random.seed", "three"),
        ("random.seed", None),
        ("random.seed", 1 << 63),
        ("task.generation", "x"),
        ("task.generation", -1),
        ("current.iteration", 1 << 63),
    ],
)
def test_an_offset_that_no_task_could_start_from_or_commit_after_is_refused(key: str, value: object) -> None:
    config = DatagenConnector.config_class.parse(config_of(quickstart="crowdfunding"))
    given = {"current.iteration": 3, "random.seed": -5, "task.generation": 1}
    assert DatagenConnector.alter_offsets(config, [({"task.id": 0}, given)])
    with pytest.raises(ConfigError, match=re.escape(key)):
        DatagenConnector.alter_offsets(config, [({"task.id": 0}, given | {key: value})])
