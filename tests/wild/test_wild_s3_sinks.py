"""S3 sinks' configs as people have them write what they promise, with another endpoint, bucket and credentials."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from confluent_kafka import Producer

from tests.connectors.s3.s3_task import World, records
from tests.running import Worker, create_topic
from tests.wild.place import Place
from tests.wild.records import Avro, envelope
from tests.wild.test_wild_configs import holds

NOON = 1_700_049_600_000
"""2023-11-15T12:00:00Z"""
HOUR = 3_600_000
Objects = Mapping[str, Any]


@dataclass(frozen=True)
class Archive:
    """A worker, and a server whose buckets are called as the connectors are."""

    place: Place
    worker: Worker
    url: str

    def post(self, name: str) -> World:
        """Posts a config with this server, a bucket on it and its credentials; gives the bucket."""
        bucket = World(self.url, name)
        body = json.loads(self.place.file(f"connectors/{name}.json").read_text())
        config = body["config"]
        theirs = ("aws.s3.endpoint", "aws.s3.bucket.name") if "aiven" in name else ("store.url", "s3.bucket.name")
        config |= dict(zip(theirs, (self.url, name), strict=True))
        config |= {"aws.access.key.id": "test", "aws.secret.access.key": "test"}
        self.worker.call("POST", "/connectors", body, expect=201)
        return bucket


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, kafka: str, registry: str, s3_server: str) -> Iterator[Archive]:
    place = Place(tmp_path_factory.mktemp("archive"), kafka, registry)
    with place.worker("connect-standalone.properties", []) as worker:
        yield Archive(place, worker, s3_server)


@dataclass(frozen=True)
class Feed:
    """What a topic holds: a partition with values, and keys, times and headers where they matter."""

    topic: str
    values: Sequence[bytes | None]
    keys: Sequence[bytes] | None = None
    times: Sequence[int] | None = None
    headers: Sequence[tuple[str, str]] = ()

    def produce(self, kafka: str) -> None:
        """Makes the topic."""
        # The records are older than a broker keeps them by default.
        create_topic(kafka, self.topic, retention_ms="-1")
        producer = Producer({"bootstrap.servers": kafka, "linger.ms": 2})
        for index, value in enumerate(self.values):
            key = None if self.keys is None else self.keys[index]
            at = NOON if self.times is None else self.times[index]
            producer.produce(self.topic, value, key, 0, timestamp=at, headers=list(self.headers))
        assert producer.flush(60) == 0


def rows(*values: Any) -> list[bytes]:
    return [json.dumps(value).encode() for value in values]


def minio(registry: str) -> tuple[list[Feed], Objects]:
    values = [*rows({"id": 1}), None, *rows({"id": 2}, {"id": 3}, {"id": 4})]
    key = "topics/wild-orders/partition=0/wild-orders+0+0000000000.json"
    return [Feed("wild-orders", values)], {key: [{"id": 1}, {"id": 2}, {"id": 3}]}


def avro(registry: str) -> tuple[list[Feed], Objects]:
    subject = "wild-accounts-value"
    old = Avro(registry, subject, {"owner": "string"})
    new = Avro(registry, subject, {"owner": "string", "vip": ["null", "boolean"]})
    values = [old(owner="Ann"), new(owner="Bob", vip=True), old(owner="Cy")]
    folder = "topics/wild-accounts/partition=0/wild-accounts+0+000000000"
    return [Feed("wild-accounts", values)], {
        f"{folder}1.avro": [{"owner": "Bob", "vip": True}, {"owner": "Cy", "vip": None}],
        f"{folder}0.avro": [{"owner": "Ann"}],
    }


def hourly(registry: str) -> tuple[list[Feed], Objects]:
    times = [NOON, NOON + 59_000, NOON + 60_000, NOON + HOUR, NOON]
    feed = Feed("wild-clicks", rows(*({"n": n} for n in range(5))), times=times)
    folder = "raw/wild-clicks/year=2023/month=11/day=15/hour="
    return [feed], {
        f"{folder}12/wild-clicks+0+0000000000.json.gz": [{"n": 0}, {"n": 1}],
        f"{folder}12/wild-clicks+0+0000000002.json.gz": [{"n": 2}],
        f"{folder}13/wild-clicks+0+0000000003.json.gz": [{"n": 3}],
    }


def parquet(registry: str) -> tuple[list[Feed], Objects]:
    trip = Avro(registry, "wild-trips-value", {"id": "long", "started": "long"})
    midnight = NOON + 11 * HOUR
    values = [trip(id=n, started=at) for n, at in enumerate((midnight - 1, midnight, midnight - 1))]
    folder = "topics/wild-trips/year=2023/month=11/day"
    return [Feed("wild-trips", values)], {
        f"{folder}=15/wild-trips+0+0000000000.snappy.parquet": [{"id": n, "started": midnight - 1} for n in (0, 2)],
        f"{folder}=16/wild-trips+0+0000000001.snappy.parquet": [{"id": 1, "started": midnight}],
    }


def fields(registry: str) -> tuple[list[Feed], Objects]:
    types = {"country": "string", "city": "string?"}
    oslo, nowhere = {"country": "NO", "city": "Oslo"}, {"country": "CH/../US", "city": None}
    feeds = [Feed("wild-sales-a", [envelope(types, oslo)]), Feed("wild-sales-b", [envelope(types, nowhere)])]
    return feeds, {
        "topics/wild-sales-a/country=NO/city=Oslo/wild-sales-a+0+0000000000.json": [oslo],
        "topics/wild-sales-b/country=CH%2F..%2FUS/city=__HIVE_DEFAULT_PARTITION__/wild-sales-b+0+0000000000.json": [
            nowhere
        ],
    }


def field_and_time(registry: str) -> tuple[list[Feed], Objects]:
    values = [{"sensor": sensor, "at": at} for sensor, at in (("a", NOON), ("b", NOON + HOUR))]
    return [Feed("wild-readings", rows(*values))], {
        "topics/wild-readings/a/2023-11-15/12/wild-readings+0+0000000000.json": [values[0]],
        "topics/wild-readings/b/2023-11-15/13/wild-readings+0+0000000001.json": [values[1]],
    }


def raw(registry: str) -> tuple[list[Feed], Objects]:
    return [Feed("wild-frames", [b"\x00\xff", b"two", b"three"])], {
        "wild-frames/partition=0/wild-frames-0-0000000000.log": b"\x00\xff\ntwo\n"
    }


def keys(registry: str) -> tuple[list[Feed], Objects]:
    values = [*rows({"n": 0}), None, *rows({"n": 2}, {"n": 3})]
    feed = Feed("wild-profiles", values, [b"a", b"b", b"c", b"d"], headers=[("source", "web")])
    name = "topics/wild-profiles/partition=0/wild-profiles+0+0000000000"
    return [feed], {
        f"{name}.json": [{"n": 0}, {"n": 2}, {"n": 3}],
        f"{name}.keys.avro": ["a", "c", "d"],
        f"{name}.headers.json": [{"headers": [{"key": "source", "value": "web"}]}] * 3,
    }


def leftovers(registry: str) -> tuple[list[Feed], Objects]:
    values = [{"meta": {"at": "2023-11-15T12:00:00Z"}}, {"meta": {"at": "2023-11-16T00:00:00Z"}}]
    return [Feed("wild-visits", rows(*values))], {
        "topics/visits/visits/2023/11/15/00/visits+0+0000000000.json": values[:1],
        "topics/visits/visits/2023/11/16/00/visits+0+0000000001.json": values[1:],
    }


def aiven(registry: str) -> tuple[list[Feed], Objects]:
    feed = Feed("wild-events", rows({"n": 0}, {"n": 1}), [b"k0", b"k1"])
    return [feed], {
        "archive/wild-events/0000000000-00000000000000000000.gz": [
            {"key": f"k{n}", "value": {"n": n}, "offset": n} for n in range(2)
        ]
    }


WITHOUT_EFFECT = {
    "s3-sink-leftovers": ("aws.region", "path.style.access", "s3.signing.method"),
    "s3-sink-minio": ("schema.generator.class",),
}
"""Keys that do nothing, and are warned about by name."""


@pytest.mark.parametrize(
    ("name", "world"),
    [
        ("s3-sink-minio", minio),
        ("s3-sink-avro", avro),
        ("s3-sink-hourly", hourly),
        ("s3-sink-parquet", parquet),
        ("s3-sink-fields", fields),
        ("s3-sink-field-and-time", field_and_time),
        ("s3-sink-bytes", raw),
        ("s3-sink-keys", keys),
        ("s3-sink-leftovers", leftovers),
        ("aiven-s3-sink", aiven),
    ],
)
def test_an_s3_sinks_config_writes_the_objects_that_it_promises(
    archive: Archive, name: str, world: Callable[[str], tuple[list[Feed], Objects]]
) -> None:
    feeds, expected = world(archive.place.registry)
    for feed in feeds:
        feed.produce(archive.place.kafka)
    bucket = archive.post(name)

    def contents() -> Objects:
        found = {key: bucket.get(key) for key in bucket.objects()}
        return {key: data if key.endswith(".log") else records(key, data) for key, data in found.items()}

    holds(archive.worker, name, contents, expected)
    log = archive.worker.said
    assert [each for each in WITHOUT_EFFECT.get(name, ()) if f"{name}: {each} " not in log] == []
    assert "Traceback" not in log
