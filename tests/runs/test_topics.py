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
