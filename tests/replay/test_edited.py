"""Dead letters that are edited on their way: into a table, or back to their topic."""

import json
from io import BytesIO
from typing import Any

import fastavro
from click.testing import CliRunner

from ferryman.commands import main
from tests.connectors.sql.sql_task import query
from tests.replay.test_into_a_table import done, ids, letters, narrow_table, replay, row, sink
from tests.running import WEB, Worker, consume, create_topic, produce, until

AVRO = "io.confluent.connect.avro.AvroConverter"
SCHEMA = {
    "type": "record",
    "name": "Row",
    "doc": "not what Connect would make of it",
    "fields": [{"name": "id", "type": "long"}, {"name": "n", "type": ["null", "int"], "default": None}],
}


def told(worker: Worker, letter: str, name: str, edit: str) -> str:
    """What ``dlq show`` prints of an edit."""
    found = CliRunner().invoke(main, ["dlq", "show", name, letter, "--edit", edit, "--url", worker.url])
    assert found.exit_code == 0, found.output
    return found.stdout


def test_json_is_edited_into_its_table_and_what_fails_again_keeps_its_bytes(
    running: Worker, kafka: str, postgres: str, unique: str
) -> None:
    create_topic(kafka, unique)
    narrow_table(postgres, unique)
    running.create(sink(unique, postgres))
    produce(kafka, unique, [row(number, 500) for number in range(1, 5)])
    letters(kafka, unique, 4)
    before = consume(kafka, f"{unique}-dlq")
    shown = told(running, "0-0", unique, ".n = 5")
    assert '"n": 500' in shown.partition("edited value")[0]
    assert '"n": 5\n' in shown.partition("edited value")[2]
    assert "schema has no such field" in told(running, "0-0", unique, ".m = 5")
    for body in ({"all": True}, {"all": True, "to_topic": True}):
        assert "foo/0 is not defined" in replay(running, unique, 400, edit="foo", **body)["message"]
    running.call("GET", f"/connectors/{unique}/dead-letters/0-0?edit=.%5B", expect=400)

    edit = 'if .id == 2 then .n = 700 elif .id == 3 then .n = "x" elif .id == 4 then .m = 1 else .n = 7 end'
    run = replay(running, unique, all=True, edit=edit)
    assert run["letters"] == 4
    done(running, run["name"])
    assert [tuple(each) for each in query(postgres, f'SELECT id, n FROM "{unique}"')] == [(1, 7)]
    after = consume(kafka, f"{unique}-dlq")[4:]
    assert {each.value() for each in after} == {each.value() for each in before[1:]}
    said = [dict[str, Any](each.headers() or []) for each in after]
    assert {each["__ferryman.errors.edit"] for each in said} == {edit.encode()}
    assert {each["__ferryman.errors.attempts"] for each in said} == {b"1"}
    stages = {json.loads(each.value() or b"")["payload"]["id"]: each.headers() for each in after}
    found = {number: dict(headers or [])["__connect.errors.stage"] for number, headers in stages.items()}
    assert found == {2: b"TASK_PUT", 3: b"VALUE_CONVERTER", 4: b"VALUE_CONVERTER"}


def framed(registry: str, subject: str, *rows: dict[str, Any]) -> list[bytes]:
    answer = WEB.post(f"{registry}/subjects/{subject}-value/versions", json={"schema": json.dumps(SCHEMA)})
    head = b"\0" + int(answer.json()["id"]).to_bytes(4, "big")
    streams = [BytesIO() for _ in rows]
    for stream, each in zip(streams, rows, strict=True):
        fastavro.schemaless_writer(stream, SCHEMA, each)
    return [head + stream.getvalue() for stream in streams]


def test_avro_is_edited_under_the_id_of_its_schema_into_the_table_and_back_to_the_topic(
    running: Worker, kafka: str, postgres: str, registry: str, unique: str
) -> None:
    create_topic(kafka, unique)
    narrow_table(postgres, unique)
    avro = {"value.converter": AVRO, "value.converter.schema.registry.url": registry}
    config = {name: value for name, value in sink(unique, postgres).items() if "schemas.enable" not in name}
    running.create(config | avro)
    produce(kafka, unique, framed(registry, unique, {"id": 1, "n": 500}, {"id": 2, "n": 600}, {"id": 3, "n": 900}))
    letters(kafka, unique, 3)
    done(running, replay(running, unique, letters=["0-0"], edit=".n = (.n / 100)")["name"])
    assert [tuple(each) for each in query(postgres, f'SELECT id, n FROM "{unique}"')] == [(1, 5)]

    only = "if .id == 3 then .n = 1.5 else .n = 6 end"
    sent = replay(running, unique, 200, all=True, to_topic=True, edit=only)
    assert (sent["letters"], sent["passed_over"], sent["complete"]) == (1, {"refused": 1, "replayed": 1}, True)
    (*_, last) = consume(kafka, unique)
    assert (len(consume(kafka, unique)), [last.value()]) == (4, framed(registry, unique, {"id": 2, "n": 6}))
    until(lambda: ids(postgres, unique) == [1, 2], what="the edited record by way of its topic")
    assert replay(running, unique, 200, all=True, to_topic=True, dry_run=True)["letters"] == 1
