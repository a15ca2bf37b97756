"""Tags of the S3 sink's objects."""

import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pytest

from ferryman.connectors.s3.bucket.bucket import Bucket
from ferryman.errors import TaskError
from tests.connectors.s3.archives import BY_FIELD, numbered, write
from tests.connectors.s3.s3_task import P0, Log, World
from tests.connectors.sink_world import Killed


@pytest.fixture
def world(s3_server: str, unique: str) -> Iterator[World]:
    """A bucket of the test's own."""
    made = World(s3_server, unique)
    yield made
    made.kill()


def tagged(world: World) -> list[tuple[str, dict[str, str]]]:
    """Answers requests for tags instead of the server, which has none, and keeps what they ask for."""
    asked = []

    def answer(params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        tags = dict(re.findall(r"<Key>(.*?)</Key><Value>(.*?)</Value>", params["body"].decode()))
        asked.append((unquote(params["url_path"]).rpartition("/")[2].removesuffix("?tagging"), tags))
        return SimpleNamespace(status_code=200), {"ResponseMetadata": {"HTTPStatusCode": 200}}

    world.running._completion.bucket.client.meta.events.register("before-call.s3.PutObjectTagging", answer)
    return asked


def test_objects_are_tagged_with_their_offsets(world: World) -> None:
    world.more = {**BY_FIELD, "s3.object.tagging": "true", "s3.object.tagging.key.value.pairs": "team:a:b,env:prod"}
    world.produce(P0, *(Log({"id": number, "kind": "ab"[number % 2]}) for number in range(3)))
    world.begin()
    asked = tagged(world)
    world.put(P0)
    world.commit()
    more = {"team": "a:b", "env": "prod"}
    assert sorted(asked) == [
        ("orders+0+0000000000.json", {"startOffset": "0", "endOffset": "2", "recordCount": "2", **more}),
        ("orders+0+0000000001.json", {"startOffset": "1", "endOffset": "1", "recordCount": "1", **more}),
    ]


def test_an_object_whose_tags_a_kill_prevented_gets_them_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(Bucket, "tag", lambda self, key, tags: asked.append(tags["recordCount"]))
    world.more = {"s3.object.tagging": "true"}
    world.produce(P0, *numbered(3))
    world.begin()
    world.put(P0)
    world.die_at = ("s3.after_complete", 1)
    with pytest.raises(Killed):
        world.commit()
    assert asked == []
    world.die_at = None
    world.begin()
    assert asked == ["3"]


def test_a_server_without_tags_matters_if_the_config_says_so(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.more = {"s3.object.tagging": "true"}
    assert len(write(world, *numbered(3))) == 1
    assert "Cannot tag topics/orders/partition=0/orders+0+0000000000.json: NotImplemented" in caplog.text
    world.more = {"s3.object.tagging": "true", "s3.object.behavior.on.tagging.error": "fail"}
    world.produce(P0, *numbered(3))
    world.begin()
    world.put(P0)
    with pytest.raises(TaskError, match="Cannot tag"):
        world.commit()
