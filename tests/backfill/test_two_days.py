"""Two days of a topic run again into the live table, killed again and again while the live connector goes on.

Each record has a number of its own, ascending, so that what was written to a row tells which record it was; a trigger
notes each write, and by whom.
"""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from tests.backfill.folded import KEYS, PARTITIONS, caught_up, enveloped, fold, live_config, moved, table, written
from tests.backfill.live_connector import Live, live_connector
from tests.connectors.sql.sql_task import query
from tests.running import until

FIRST_DAY = datetime(2026, 11, 1, tzinfo=UTC)
LIVE, RUN = "the live connector", "the run"


@dataclass
class Log:
    """A topic's records, made and numbered one after the other."""

    kafka: str
    topic: str
    chance: random.Random
    number: int = 0

    def write(self, records: Iterable[tuple[int, datetime]]) -> None:
        """Upserts and deletes of these keys, with these timestamps."""
        producer = Producer({"bootstrap.servers": self.kafka, "partitioner": "murmur2_random", "linger.ms": 2})
        for key, time in records:
            self.number += 1
            value = None if self.chance.random() < 0.2 else enveloped({"n": self.number})
            at = round(time.timestamp() * 1000)
            producer.produce(self.topic, value, enveloped({"id": key}), timestamp=at)
        assert producer.flush(60) == 0

    def days(self, days: int, a_day: int) -> Iterator[tuple[int, datetime]]:
        """Days of records, whose timestamps do not ascend: each is up to an hour early or late. Each day has keys that
        are rare on the others, so that it has the last word on some of them."""
        for number in range(days * a_day):
            step = FIRST_DAY + number * timedelta(days=1) / a_day
            time = step + timedelta(minutes=self.chance.uniform(-60, 60))
            key = self.chance.randrange(KEYS)
            day = number // a_day
            is_rare = key % days != day and self.chance.random() < 0.95
            yield (key - key % days + day if is_rare else key), time

    def now(self, count: int) -> Iterator[tuple[int, datetime]]:
        """Records of now, on keys other than those of the third day."""
        keys = [key for key in range(KEYS) if key % 4 != 2]
        yield from ((key, datetime.now(UTC)) for key in self.chance.choices(keys, k=count))

    def ends(self) -> dict[int, int]:
        """The end of each partition."""
        consumer = Consumer({"bootstrap.servers": self.kafka, "group.id": self.topic})
        try:
            found = (consumer.get_watermark_offsets(TopicPartition(self.topic, each)) for each in range(PARTITIONS))
            return {number: end for number, (_, end) in enumerate(found)}
        finally:
            consumer.close()


@pytest.fixture
def live(kafka: str, unique: str, postgres: str, tmp_path: Path) -> Iterator[Live]:
    """A worker with the live connector, and the command for its runs."""
    config = live_config(unique, postgres) | {"connection.application_name": LIVE}
    with live_connector(kafka, tmp_path, unique, config) as found:
        yield found


def watch(postgres: str, topic: str) -> None:
    """Has each write to the table be noted."""
    note = (
        "INSERT INTO seen (who, id, n) VALUES (current_setting('application_name'), "
        "CASE TG_OP WHEN 'DELETE' THEN OLD.id ELSE NEW.id END, CASE TG_OP WHEN 'DELETE' THEN NULL ELSE NEW.n END)"
    )
    query(postgres, "CREATE TABLE seen (place bigserial, who text, id bigint, n bigint)")
    query(
        postgres,
        f"CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {note}; RETURN NULL; END $$",
    )
    query(
        postgres,
        f'CREATE TRIGGER each_write AFTER INSERT OR UPDATE OR DELETE ON "{topic}" FOR EACH ROW EXECUTE FUNCTION note()',
    )


def writes(postgres: str, who: str) -> dict[int, list[int]]:
    """The numbers that were written to each row by whoever is called so, or begins so, in their order."""
    found: dict[int, list[int]] = {}
    asked = f"SELECT id, n FROM seen WHERE position('{who}' IN who) = 1 AND n IS NOT NULL ORDER BY place"
    for key, number in query(postgres, asked):
        found.setdefault(key, []).append(number)
    return found


def test_two_days_killed_beside_live_leave_the_fold_of_the_topic_and_take_no_row_back(
    kafka: str, unique: str, postgres: str, live: Live, long: bool
) -> None:
    running, command = live
    seed = random.randrange(10**9)
    print(f"seed {seed}")
    log = Log(kafka, unique, random.Random(seed))
    log.write(log.days(4, 1_500))
    caught_up(kafka, postgres, unique)
    query(postgres, f'DELETE FROM "{unique}" WHERE n BETWEEN 1700 AND 4400 AND mod(id / 4, 2) = 0')
    query(postgres, f'UPDATE "{unique}" SET n = -1 WHERE n BETWEEN 1700 AND 4400')
    damaged = {key for key, number in fold(kafka, unique).items() if table(postgres, unique).get(key) != number}
    assert any(key % 4 == 2 for key in damaged), "nobody but the run can mend these"
    watch(postgres, unique)
    bounds = ("--from", "2026-11-02T00:00:00Z", "--to", "2026-11-04T00:00:00Z")
    asked = (*bounds, "--set", f"connection.application_name={RUN}", "--rate", "600")
    with written(lambda: log.write(log.now(20))):
        for _ in range(20 if long else 2):
            calling, before = command.begin(*asked), moved(postgres)
            until(lambda: not calling.goes_on or moved(postgres) > before, 120)  # noqa: B023
            assert calling.goes_on, calling.ended()
            calling.kill()
        command.call(*asked).well()
    caught_up(kafka, postgres, unique)
    reached = f"SELECT ferryman_offsets.partition, next_offset FROM ferryman_offsets WHERE connector = '{unique}'"
    assert dict(query(postgres, reached)) == log.ends(), "live has read all"
    assert running.states(unique) == ["RUNNING"] * 3
    assert all(one < other for each in writes(postgres, LIVE).values() for one, other in pairwise(each)), "no doubles"
    assert all(one <= other for each in writes(postgres, "").values() for one, other in pairwise(each)), "never back"
    assert writes(postgres, RUN).keys() & damaged
