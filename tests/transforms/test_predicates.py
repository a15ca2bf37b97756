"""The predicates, for single records and for batches."""

import pytest

from ferryman.api import Predicate
from ferryman.config import Config
from ferryman.errors import ConfigError
from ferryman.plugins import catalog
from ferryman.record import Batch, Header, Record, batches

RECORDS = [
    Record(topic="orders", value={"a": 1}, headers=(Header("x", 1), Header("y", 2))),
    Record(topic="orders", value=None),
]


def predicate(name: str, /, **config: str) -> Predicate[Config]:
    plugin = catalog.find("predicate", f"org.apache.kafka.connect.transforms.predicates.{name}")
    assert plugin is not None
    made: Predicate[Config] = plugin(plugin.config_class.parse(config))
    return made


def one_batch() -> Batch:
    (batch,) = batches(RECORDS, RECORDS, [0, 1])
    return batch


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        (predicate("TopicNameMatches", pattern="ord(?<rest>.*)"), [True, True]),
        (predicate("TopicNameMatches", pattern="ord"), [False, False]),
        (predicate("RecordIsTombstone"), [False, True]),
        (predicate("HasHeaderKey", name="y"), [True, False]),
        (predicate("HasHeaderKey", name="z"), [False, False]),
    ],
)
def test_batches_and_records_agree(held: Predicate[Config], expected: list[bool]) -> None:
    assert [held.test(record) for record in RECORDS] == expected
    assert list(held.test_batch(one_batch())) == expected


def test_bad_configs_name_their_key() -> None:
    for name, config, key in [
        ("TopicNameMatches", {"pattern": "["}, "pattern"),
        ("HasHeaderKey", {"name": ""}, "name"),
    ]:
        with pytest.raises(ConfigError) as caught:
            predicate(name, **config)
        assert [problem.key for problem in caught.value.problems] == [key]
