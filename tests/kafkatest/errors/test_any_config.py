"""Configs that nobody thought of, from the keys of Kafka's plugins: what Kafka's worker says of one, ours says too.

Only in long runs, since both workers are asked side by side.
"""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.differential.search import count, search
from tests.kafkatest.conftest import Others
from tests.kafkatest.connect import Connect
from tests.kafkatest.errors.test_definitions import RECORDED
from tests.kafkatest.errors.test_errors import plain
from tests.kafkatest.whose import KAFKAS, OURS

Given = dict[str, str | int | bool | None]
VALUES = [
    *("", " ", "true", "TRUE", " no ", "1", "0", "-1", " 5 ", "5.0", "2147483648", "-9223372036854775809", "1e3", "+5"),
    *("\u0663", "null", "x", "a,b", "a, b", ",a", "a:int32", "a:int32,b:foo", "int8", ":", "\u00e9", "a\nb", "x" * 300),
    *("LOW", "none", "all", "All", "restart", "(", "a(b", "[a-", ".*", "(?<n>a)", "\\", "yyyy-MM-dd", "'", "string"),
    *("unix", "Date", "seconds", "V1", "v3", "move", "Move", "BASE64", "numeric", "utf-8", "key", "poll", "interval"),
    *("connector", "required", "[1,2]", "[,]", "json.JsonConverter", None, 7, True),
]
VALUE: st.SearchStrategy[Any] = st.sampled_from(VALUES)
PREFIX = "org.apache.kafka.connect."
FRAME = [each["name"] for each in RECORDED[PREFIX + "file.FileStreamSinkConnector"]]
FRAME += [each["name"] for each in RECORDED[PREFIX + "file.FileStreamSourceConnector"]]
LISTS = {"name", "connector.class", "connector.plugin.version", "transforms", "predicates"}
"""Keys that have values of their own here, and those for which Kafka's worker answers 500."""
MORE = ["topic.creation.groups", *(f"topic.creation.{each}" for each in ("g.partitions", "default.include", "g.x"))]
DECIDED = "must not be duplicated", "ClientConfigOverridePolicy does not implement"
"""What ours does not say on purpose (docs/differences.md), or of classes that no config can name here."""


def plugins(part: str) -> list[str]:
    return [name for name in RECORDED if name.startswith(PREFIX + part)]


@st.composite
def plugin(draw: st.DrawFn, key: str, prefix: str, names: list[str]) -> Given:
    """A plugin under its key, with some of its keys below the prefix."""
    name = draw(st.sampled_from(names))
    own = [f"{prefix}{each['name']}" for each in RECORDED[name]]
    return {key: name, **(draw(st.dictionaries(st.sampled_from(own), VALUE)) if own else {})}


@st.composite
def configs(draw: st.DrawFn) -> Given:
    """A connector of files with a transform, a predicate and converters, some of it wrong."""
    made: Given = {"name": "c", **draw(st.sampled_from([SINK, SOURCE]))}
    if draw(st.booleans()):
        made |= {"transforms": "t", **draw(plugin("transforms.t.type", "transforms.t.", plugins("transforms.")))}
        more = ("transforms.t.predicate", "transforms.t.negate", "transforms.t.plugin.version")
        made |= draw(st.dictionaries(st.sampled_from(more), VALUE, max_size=1))
    if draw(st.booleans()):
        kinds = plugins("transforms.predicates.")
        made |= {"predicates": "p", **draw(plugin("predicates.p.type", "predicates.p.", kinds))}
    for side in ("key", "value", "header"):
        if draw(st.integers(0, 3)) == 0:
            kinds = [*plugins("json."), *plugins("storage."), *plugins("converters.")]
            made |= draw(plugin(f"{side}.converter", f"{side}.converter.", kinds))
    others = st.sampled_from(sorted({*FRAME, *MORE} - LISTS))
    return made | draw(st.dictionaries(others, VALUE, max_size=3))


SINK: Mapping[str, str] = {"connector.class": "FileStreamSink", "topics": "t", "file": "/tmp/f"}
SOURCE: Mapping[str, str] = {"connector.class": "FileStreamSource", "topic": "t", "file": "/tmp/f"}


def said(connect: Connect, config: Given) -> dict[str, set[str]] | None:
    """The messages by key; None if there are none because of a fault of the worker's."""
    answer = connect.ask("PUT", f"/connector-plugins/{config['connector.class']}/config/validate", config)
    if answer.status_code == 500:
        return None
    assert answer.status_code == 200, answer.text
    found: dict[str, set[str]] = {}
    for each in answer.json()["configs"]:
        found.setdefault(each["value"]["name"], set()).update(each["value"]["errors"])
    return {key: {worded(key, text) for text in texts} for key, texts in found.items()}


def worded(key: str, text: str) -> str:
    """A message without what differs on purpose."""
    text = re.sub(r"Invalid value .* for configuration \S+: (?=Class class |This class is )", "", plain(key, text))
    return re.sub(r"available versions: .*", "", text)


@pytest.mark.timeout(1800)
def test_what_kafka_says_of_a_config_is_said_whatever_it_is(others: Others, long: bool) -> None:
    if not long:
        pytest.skip("Kafka's worker is asked in long runs only")
    theirs, ours = others.get(KAFKAS[0], {}), others.get(OURS[0], {})

    @search(200, long)
    @given(configs())
    def run(config: Given) -> None:
        expected, found = said(theirs, config), said(ours, config)
        assert found is not None, config
        count("configs", 1)
        missing = {
            (key, text)
            for key, texts in (expected or {}).items()
            for text in texts - found.get(key, set())
            if not any(each in text for each in DECIDED)
            and not (key.endswith(".type") and found.get(key))  # one reason why a class will not do is enough
        }
        assert not missing, f"{config}\n{missing}\nours: {found}"

    run()
