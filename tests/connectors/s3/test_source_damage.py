"""Objects that are cut, changed or gone: a data error that names the object, and no harm to any other."""

import gzip
from collections.abc import Iterator

import pytest

from ferryman.errors import DataError, RetriableError
from ferryman.schema import INT64, STRING, struct
from tests.connectors.s3.archives import AVRO, FORMATS, PARQUET
from tests.connectors.s3.meddling_proxy import refusing
from tests.connectors.s3.s3_task import P0, Log, World
from tests.connectors.s3.source_task import Restore

JSON = {"format.class": f"{FORMATS}.json.JsonFormat"}
GZIP = {**JSON, "s3.compression.type": "gzip"}
ALL = {"errors.tolerance": "all"}
SCHEMA = struct({"id": INT64}, "shop.Order")
BY_FORM = pytest.mark.parametrize("form", [AVRO, PARQUET, GZIP], ids=["avro", "parquet", "gzip"])


@pytest.fixture
def world(s3_server: str, unique: str) -> Iterator[World]:
    """A bucket of the test's own."""
    made = World(s3_server, unique)
    yield made
    made.kill()


def archive(world: World, form: dict[str, str], count: int = 30) -> list[str]:
    """Objects of ten records each."""
    world.more, world.schema = {**form, "flush.size": "10"}, None if "json" in form["format.class"] else SCHEMA
    world.produce(P0, *(Log({"id": number}, key=f"k{number}") for number in range(count)))
    world.begin(P0)
    world.drain()
    world.end()
    return world.objects()


def put(world: World, key: str, data: bytes) -> None:
    world.s3.put_object(Bucket=world.bucket, Key=key, Body=data)


def ids(restore: Restore) -> list[int]:
    return [record.value["id"] for record in restore.drain()]


@BY_FORM
def test_a_cut_object_fails_the_task_and_is_named(world: World, form: dict[str, str]) -> None:
    key = archive(world, form)[1]
    put(world, key, world.get(key)[:-9])
    restore = Restore(world, form)
    with pytest.raises(DataError, match=key.replace("+", r"\+")):
        restore.drain()
    assert [record.value["id"] for record in restore.records][:10] == list(range(10))


@BY_FORM
def test_with_tolerance_the_rest_of_a_cut_object_is_passed_over(world: World, form: dict[str, str]) -> None:
    key = archive(world, form)[1]
    put(world, key, world.get(key)[:-9])
    found = ids(Restore(world, {**form, **ALL}))
    assert [number for number in found if not 10 <= number < 20] == [*range(10), *range(20, 30)]


@BY_FORM
def test_an_object_of_something_else_is_passed_over_as_a_whole(world: World, form: dict[str, str]) -> None:
    key = archive(world, form)[1]
    put(world, key, b"\x1f\x8bPAR1Obj\x01" + bytes(range(256)))
    assert ids(Restore(world, {**form, **ALL})) == [*range(10), *range(20, 30)]


def test_of_json_only_the_bad_lines_are_passed_over(world: World) -> None:
    key = archive(world, JSON)[1]
    lines = world.get(key).splitlines()
    put(world, key, b"\n".join([*lines[:3], b'{"id": 1', *lines[4:]]))
    with pytest.raises(DataError, match="record 3: "):
        Restore(world, JSON).drain()
    assert ids(Restore(world, {**JSON, **ALL})) == [number for number in range(30) if number != 13]
    assert ids(Restore(world, {**JSON, "behavior.on.error": "ignore"})) == [n for n in range(30) if n != 13]


def test_after_a_restart_bad_records_are_not_counted_as_read(world: World) -> None:
    key = archive(world, JSON, 10)[0]
    lines = world.get(key).splitlines()
    put(world, key, b"\n".join([*lines[:3], b"no", *lines[4:]]))
    restore = Restore(world, {**JSON, **ALL, "record.batch.max.size": "2"})
    for _ in range(3):
        restore.commit(restore.poll())
        restore.kill()
    restore.drain()
    assert [record.value["id"] for record in restore.records] == [0, 1, 2, *range(4, 10)]


def test_an_object_that_is_deleted_or_replaced_while_it_is_read_is_a_data_error(world: World) -> None:
    archive(world, JSON)
    for change in (
        lambda key: world.s3.delete_object(Bucket=world.bucket, Key=key),
        lambda key: put(world, key, b'{"id": 99}\n'),
    ):
        restore = Restore(world, {**JSON, "record.batch.max.size": "10"})
        restore.commit(restore.poll())
        change(world.objects()[1])
        with pytest.raises(DataError, match="while it was read"):
            restore.drain()


def test_keys_that_do_not_fit_their_values_are_a_data_error(world: World) -> None:
    world.key_schema = STRING
    keys = {**JSON, "store.kafka.keys": "true", "keys.format.class": f"{FORMATS}.json.JsonFormat"}
    objects = archive(world, keys)
    put(world, objects[3], b"\n".join(world.get(objects[3]).splitlines()[:4]))
    with pytest.raises(DataError, match="fewer records than"):
        Restore(world, keys).drain()


def test_keys_that_are_not_there_yet_are_waited_for_and_in_the_end_missed(world: World) -> None:
    world.key_schema = STRING
    keys = {**JSON, "store.kafka.keys": "true", "keys.format.class": f"{FORMATS}.json.JsonFormat"}
    objects = archive(world, keys)
    side = next(key for key in objects if "0000000010.keys" in key)
    data = world.get(side)
    world.s3.delete_object(Bucket=world.bucket, Key=side)
    restore = Restore(world, keys)
    assert ids(restore) == list(range(10))
    with pytest.raises(DataError, match="no object of its keys"):
        Restore(world, {**keys, "restore.until": "end"}).drain()
    put(world, side, data)
    assert ids(restore) == list(range(10, 30))
    assert [record.key for record in restore.records] == [f"k{number}" for number in range(30)]


@pytest.mark.parametrize("form", [AVRO, PARQUET, JSON], ids=["avro", "parquet", "json"])
def test_an_outage_in_the_middle_is_no_error_and_loses_nothing(world: World, form: dict[str, str]) -> None:
    archive(world, form)
    away = {"now": False}
    with refusing(world.url, lambda method, path: away["now"], status=503) as url:
        restore = Restore(world, {**form, "store.url": url, "record.batch.max.size": "4"})
        restore.commit(restore.poll())
        away["now"] = True
        for _ in range(6):
            try:
                restore.commit(restore.poll())
            except RetriableError:
                continue
        away["now"] = False
        restore.drain()
    assert [record.value["id"] for record in restore.records] == list(range(30))


def test_gzip_is_read_whoever_wrote_it(world: World) -> None:
    archive(world, JSON)
    key = world.objects()[0]
    lines = world.get(key)
    put(world, key, gzip.compress(lines[:20]) + gzip.compress(lines[20:]))
    assert ids(Restore(world, JSON)) == list(range(30))


@pytest.mark.parametrize("content", [b"", b"\n\n"], ids=["nothing", "blank lines"])
def test_an_object_without_a_record_is_damaged_since_its_name_tells_of_one(world: World, content: bytes) -> None:
    key = archive(world, JSON)[1]
    put(world, key, content)
    with pytest.raises(DataError, match="it has no record"):
        Restore(world, JSON).drain()
    assert ids(Restore(world, {**JSON, **ALL})) == [*range(10), *range(20, 30)]


def test_objects_that_are_none_of_the_archives_are_named(world: World, caplog: pytest.LogCaptureFixture) -> None:
    folder = archive(world, JSON)[0].rpartition("/")[0]
    for name in ("README.txt", "orders+0+0000000100.avro", "orders+0+0000000200.json.tmp", "deeper/"):
        put(world, f"{folder}/{name}", b"{}")
    assert ids(Restore(world, JSON)) == list(range(30))
    (told,) = [each.getMessage() for each in caplog.records if "skipped objects" in each.getMessage()]
    assert [name in told for name in ("README.txt", "0100.avro", "0200.json.tmp", "deeper/")] == [True] * 3 + [False]
