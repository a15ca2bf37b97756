"""Where sources write: whether the topics of two configs may be the same."""

from collections.abc import Mapping

import pytest

from ferryman.runs import topics
from ferryman.runs.harm import Target

ROUTER = {"transforms": "a", "transforms.a.type": "org.apache.kafka.connect.transforms.RegexRouter"}
CAST = {"transforms": "a", "transforms.a.type": "org.apache.kafka.connect.transforms.Cast$Value"}
ELSEWHERE = {topics.BROKERS: "other:9092"}


def named(name: str, raw: Mapping[str, str] | None = None) -> Target:
    return topics.target(raw or {}, "topic", names=[name])


def begun(prefix: str) -> Target:
    return topics.target({}, "topic", prefixes=[prefix])


@pytest.mark.parametrize(
    ("kind", "more", "may"),
    [
        ("Cast$Value", {}, False),
        ("org.apache.kafka.connect.transforms.ValueToKey", {}, False),
        ("TimestampRouter", {}, True),
        ("EventRouter", {}, True),
        ("io.debezium.transforms.outbox.EventRouter", {}, True),
        ("io.debezium.transforms.ExtractNewRecordState", {}, False),
        ("ExtractNewRecordState", {"transforms.a.route.by.field": "kind"}, True),
        ("com.example.Cast$Value", {}, True),
        ("MyRouter", {}, True),
    ],
)
def test_only_transforms_that_are_known_to_keep_topics_keep_them(kind: str, more: dict[str, str], may: bool) -> None:
    assert topics.renaming({"transforms": "a", "transforms.a.type": kind, **more}) == (["a"] if may else [])


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        (named("orders"), named("orders"), True),
        (named("orders"), named("orders2"), False),
        (named("stripe.x"), begun("stripe."), True),
        (named("stripes"), begun("stripe."), False),
        (begun("stripe."), begun("again."), False),
        (begun(""), named("anything"), True),
        (named("orders"), named("orders", ELSEWHERE), False),
        (named("orders"), named("again", ROUTER), True),
        (named("orders", CAST), named("again", CAST), False),
    ],
)
def test_they_meet_where_a_record_of_both_could_go(one: Target, other: Target, meet: bool) -> None:
    assert one.meets(other) is other.meets(one) is meet
