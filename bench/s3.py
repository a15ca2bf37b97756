"""Avro into zstd Parquet and JSON into JSON lines on S3, into one path or 200 at once. `python -m bench.s3`.

With 200 paths it also shows what memory is in use while two million records go by.
"""

import io
import json
import re
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import boto3
import click
import fastavro
import httpx
import orjson
import polars as pl
from botocore.config import Config
from confluent_kafka import Consumer, TopicPartition

from bench import report
from bench.records import AVRO, PARTITIONS, Topic, fill, payment, shop
from bench.run import Running, Stuck, started
from bench.side import CONFIGS, Files, Side
from bench.usage import cpu_seconds, memory_mb
from bench.world import World, world
from ferryman.worker import connector_file

STORES = 200
FILES = 5
"""Files of each Kafka partition, where there is one path."""
STEP = 250_000
"""Records between two rotations while memory is watched."""
CONFIG_NAMES = ("s3-parquet", "s3-json", "s3-parquet-200", "s3-json-200")

_TEMPORARY = re.compile(r"-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
_HEAD = ("config", "side", "records/s", "CPU s", "records/CPU s", "peak MB")
_SCHEMA = {**AVRO, "fields": [*AVRO["fields"], {"name": "store", "type": "int"}]}


@dataclass(frozen=True)
class Archived:
    """What one run gave, from the moment that a worker that is up is given the connector."""

    config: str
    side: str
    records: int
    seconds: float
    """Until the last object could be read."""
    cpu_seconds: float
    """What the worker and its task took; the worker's own start is left out."""
    memory_mb: float
    """The highest sum of the processes' proportional set sizes seen."""
    digest: str
    load: float

    def row(self) -> list[str]:
        """For the table."""
        rate, each = self.records / self.seconds, self.records / self.cpu_seconds
        return [
            self.config,
            self.side,
            f"{rate:,.0f}",
            f"{self.cpu_seconds:.1f}",
            f"{each:,.0f}",
            f"{self.memory_mb:.0f}",
        ]


@dataclass(frozen=True)
class Held:
    """The highest sum of the processes' proportional set sizes, in MB, while each further STEP records went by."""

    config: str
    memory_mb: list[float]

    def row(self) -> list[str]:
        """For the table."""
        return [self.config, *(f"{each:.0f}" for each in self.memory_mb)]


@dataclass(frozen=True)
class Bucket:
    """A bucket of one run's own."""

    client: Any
    name: str

    def keys(self) -> list[str]:
        """The objects that are there."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix="topics/")
        found = [str(each["Key"]) for page in pages for each in page.get("Contents", [])]
        return [key for key in found if not _TEMPORARY.search(key)]

    def digest(self) -> str:
        """How many records the objects hold, and the sum of their indices."""
        count, total = 0, 0
        for key in self.keys():
            data = self.client.get_object(Bucket=self.name, Key=key)["Body"].read()
            created = _created(key, data)
            count, total = count + len(created), total + sum(created)
        return f"{count} records, {total}"


def _created(key: str, data: bytes) -> list[int]:
    if key.endswith(".parquet"):
        found: list[int] = pl.read_parquet(io.BytesIO(data))["created"].dt.epoch("ms").to_list()
        return found
    return [orjson.loads(line)["created"] for line in data.splitlines()]


def bucket(store: str, name: str) -> Bucket:
    """A new bucket."""
    client = boto3.client(
        "s3",
        endpoint_url=store,
        aws_access_key_id="bench",
        aws_secret_access_key="bench",
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}),
    )
    client.create_bucket(Bucket=name)
    return Bucket(client, name)


def avro_messages(schema_id: int, records: int) -> Iterator[bytes]:
    """sql_postgresql's values with a store."""
    parsed, head = fastavro.parse_schema(_SCHEMA), b"\x00" + schema_id.to_bytes(4, "big")
    for index in range(records):
        stream = io.BytesIO()
        fastavro.schemaless_writer(stream, parsed, {**payment(index), "store": store_of(index)})
        yield head + stream.getvalue()


def json_messages(records: int) -> Iterator[bytes]:
    """file_sink's values with a store."""
    return (orjson.dumps({**shop(index), "store": store_of(index)}) for index in range(records))


def store_of(index: int) -> int:
    """Each of a Kafka partition's records in turn goes to another of the stores."""
    return index // PARTITIONS % STORES


def fill_with(where: World, form: str, records: int, topic: str) -> Topic:
    """A topic of a format."""
    if form == "json":
        return fill(where.broker, topic, json_messages(records), records)
    url = f"{where.registry}/subjects/{topic}-value/versions"
    answer = httpx.post(url, json={"schema": json.dumps(_SCHEMA)}, timeout=30)
    answer.raise_for_status()
    return fill(where.broker, topic, avro_messages(int(answer.json()["id"]), records), records)


def consume(where: World, topic: Topic) -> Archived:
    """The limit: every record is fetched and looked at by nobody."""
    settings = {"bootstrap.servers": where.broker, "group.id": "limit", "enable.auto.commit": False}
    consumer = Consumer(settings)
    consumer.assign([TopicPartition(topic.name, number, 0) for number in range(PARTITIONS)])
    began, cpu, count = time.monotonic(), time.process_time(), 0
    while count < topic.records:
        count += len(consumer.consume(10_000, 1.0))
    seconds, used = time.monotonic() - began, time.process_time() - cpu
    consumer.close()
    return Archived(topic.name, "raw consume", count, seconds, used, 0.0, f"{count} records", _load())


def run(where: World, config: str, topic: Topic, name: str) -> Archived:
    """One config, once, into a bucket of its own."""
    wide = config.endswith("-200")
    flush = topic.records // PARTITIONS if wide else topic.records // PARTITIONS // FILES
    expected = PARTITIONS * (STORES if wide else FILES)
    with _up(where, config, topic, name, flush) as (running, found):
        cpu, began = cpu_seconds(running.process.pid), time.monotonic()
        _post(running, config)
        while len(found.keys()) < expected:
            running.look()
            time.sleep(0.2)
        seconds = time.monotonic() - began
        used = cpu_seconds(running.process.pid) - cpu
    return Archived(config, "Ferryman", topic.records, seconds, used, running.memory, found.digest(), _load())


def hold(where: World, config: str, topic: Topic, name: str) -> Held:
    """One config with 200 paths, whose files are closed together after each quarter of a million records."""
    steps = topic.records // STEP
    highest = [0.0] * steps
    with _up(where, config, topic, name, STEP // PARTITIONS) as (running, found):
        _post(running, config)
        while (done := len(found.keys()) // (PARTITIONS * STORES)) < steps:
            running.look()
            highest[done] = max(highest[done], memory_mb(running.process.pid))
            time.sleep(0.2)
    return Held(config, highest)


@contextmanager
def _up(where: World, config: str, topic: Topic, name: str, flush: int) -> Iterator[tuple[Running, Bucket]]:
    """A worker that is up but has no connector yet, and its bucket."""
    found = bucket(where.addresses["s3"], name)
    variables = {
        "BENCH_BROKER": where.broker,
        "BENCH_BUCKET": name,
        "BENCH_FLUSH": str(flush),
        "BENCH_PASSWORD": "an-obol",
        "BENCH_REGISTRY": where.registry,
        "BENCH_STORE": where.addresses["s3"],
        "BENCH_TOPIC": topic.name,
    }
    with started(_side(), config, where.directory / name, variables) as running:
        _await_up(running)
        yield running, found


def _side() -> Side:
    return Side("Ferryman", _command, {})


def _command(files: Files) -> tuple[str, ...]:
    return (sys.executable, "-m", "ferryman", "standalone", str(files.worker))


def _await_up(running: Running) -> None:
    while True:
        running.look()
        try:
            with urlopen(f"{running.rest}/connectors", timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.05)


def _post(running: Running, config: str) -> None:
    given = connector_file.read(CONFIGS / f"{config}.properties")
    body = json.dumps({"name": running.connector, "config": {**given.config, "name": running.connector}}).encode()
    request = Request(f"{running.rest}/connectors", body, {"Content-Type": "application/json"})
    try:
        with urlopen(request, timeout=30):
            return
    except URLError as error:
        raise Stuck(f"the worker refuses the connector: {error}") from error


def _load() -> float:
    return float(report.machine()["load"])


def results(found: Iterable[Archived]) -> str:
    """A table, and whether the runs of a format left the same."""
    digests: dict[str, set[str]] = {}
    for each in found:
        if each.side != "raw consume":
            digests.setdefault(each.config.removesuffix("-200"), set()).add(each.digest)
    said = [f"{config} left {' AND '.join(sorted(seen))}." for config, seen in digests.items()]
    return "\n".join([report.table(_HEAD, [each.row() for each in found]), "", *said])


def memory(found: Iterable[Held]) -> str:
    """A table: MB by the records that have gone by."""
    rows = [each.row() for each in found]
    head = ["MB", *(f"{STEP * (number + 1):,}" for number in range(len(rows[0]) - 1))] if rows else []
    return report.table(head, rows) if rows else ""


@click.command()
@click.option("--records", default=1_000_000, show_default=True)
@click.option("--repeat", default=2, show_default=True, help="Runs of each config; two show the noise.")
@click.option("--config", "names", type=click.Choice(CONFIG_NAMES), multiple=True, default=CONFIG_NAMES)
@click.option("--held", default=2_000_000, show_default=True, help="Records while memory is watched; 0: it is not.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(records: int, repeat: int, names: tuple[str, ...], held: int, as_json: bool) -> None:
    """Run each config and, as the limit, a consumer that does nothing, and print what they took."""
    records -= records % (PARTITIONS * FILES * STORES)
    found: list[Archived] = []
    memories: list[Held] = []
    with world(["kafka", "registry", "s3"]) as where:
        for form in dict.fromkeys(name.split("-")[1] for name in names):
            mine = [name for name in names if name.split("-")[1] == form]
            topic = fill_with(where, form, records, f"s3-{form}")
            for number in range(repeat):
                found.append(consume(where, topic))
                for name in mine:
                    print(f"{name}, run {number + 1} of {repeat}", file=sys.stderr)
                    found.append(run(where, name, topic, f"{name}-run{number}"))
                    print(" ".join(found[-1].row()), f"load {found[-1].load:.1f}", file=sys.stderr)
            wide = [name for name in mine if name.endswith("-200")]
            if wide and held >= STEP:
                long = fill_with(where, form, held - held % STEP, f"s3-{form}-held")
                memories += [hold(where, name, long, f"{name}-held") for name in wide]
                print(" ".join(memories[-1].row()), file=sys.stderr)
    if as_json:
        print(report.dump("s3", [*map(asdict, found), *map(asdict, memories)]))
    else:
        print(results(found), memory(memories), sep="\n\n")


if __name__ == "__main__":
    main()
