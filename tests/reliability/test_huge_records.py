"""A record of twenty megabytes takes the way that small ones take: from a file into a topic, a table, an archive, a
file and the dead letter queue."""

import json
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tests.connectors.s3.s3_task import World
from tests.reliability.flows import JSON, STRING, Table, file_sink, s3_sink, sql_sink, tolerant
from tests.running import Worker, consume, create_topic, until

BYTES = 20_000_000
ROOM = "30000000"
SCHEMA = {
    "type": "struct",
    "fields": [{"field": "id", "type": "int64"}, {"field": "text", "type": "string", "optional": True}],
}


def line(number: int, size: int) -> str:
    """A payment with its schema, of so many characters and a few more."""
    return json.dumps({"schema": SCHEMA, "payload": {"id": number, "text": f"{number}" + "ü" * (size // 6)}})


def archived(bucket: World) -> list[Any]:
    """The records of all its objects, in the order of their names."""
    return [value for _, values in sorted(bucket.contents().items()) for value in values]


def test_a_line_of_twenty_megabytes_goes_through_a_source_and_every_sink_beside_small_ones(
    kafka: str, postgres: str, s3_server: str, running: Worker, unique: str, tmp_path: Path
) -> None:
    lines = [line(1, 60), line(2, BYTES), line(3, 60), "no JSON" + "x" * BYTES, line(5, 60)]
    given = tmp_path / "in.txt"
    given.write_text("".join(f"{each}\n" for each in lines))
    queue, bucket = f"{unique}-dlq", World(s3_server, unique)
    for topic in (unique, queue):
        create_topic(kafka, topic, max_message_bytes=ROOM)
    larger = {"producer.override.max.request.size": ROOM}
    source = {"connector.class": "FileStreamSource", "file": str(given), "topic": unique, "value.converter": STRING}
    running.create({"name": f"{unique}-source", **source, **larger})
    of_topic = {"topics": unique, "value.converter": JSON, **larger}
    running.create(sql_sink(f"{unique}-sql", postgres) | of_topic | tolerant(queue))
    running.create(s3_sink(f"{unique}-s3", s3_server, unique) | of_topic | {"errors.tolerance": "all"})
    running.create(file_sink(f"{unique}-file", tmp_path / "out.txt", topics=unique))
    until(lambda: Table(postgres, unique).ids() == [1, 2, 3, 5], 120)
    expected = [(1, 11), (2, BYTES // 6 + 1), (3, 11), (5, 11)]
    until(lambda: [(each["id"], len(each["text"])) for each in archived(bucket)] == expected, 120)
    until(lambda: (tmp_path / "out.txt").read_text().splitlines() == lines, 120)
    with sa.create_engine(postgres, poolclass=sa.NullPool).connect() as connection:
        found = connection.execute(sa.text(f'SELECT length(text) FROM "{unique}" ORDER BY id')).scalars()
        assert list(found) == [length for _, length in expected]
    assert [letter.value() for letter in consume(kafka, queue)] == [lines[3].encode()]
    assert {state for kind in ("sql", "s3", "file") for state in running.states(f"{unique}-{kind}")} == {"RUNNING"}
