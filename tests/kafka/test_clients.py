"""The identity of a sink's task in its group."""

import itertools

from ferryman.kafka.clients import LONGEST_ID, Clients, instance_id


def identity(connector: str, task: int, whose: str = "127.0.0.1_8083") -> str:
    return str(Clients(connector, task, {}, {}, whose).sink_consumer()["group.instance.id"])


def test_tasks_of_connectors_with_long_or_strange_names_have_identities_of_their_own() -> None:
    names = ["plain", "x" * 240, "x" * 300, "x" * 299 + "y", "a b", "a_b", "a/b", "ä", "ö", "plain-1"]
    found = [identity(name, task) for name, task in itertools.product(names, (0, 1, 10, 11))]
    assert len(set(found)) == len(found)
    assert all(len(each) <= LONGEST_ID for each in found)
    assert all(each.isascii() and set(each) <= set("._-") | {c for c in each if c.isalnum()} for each in found)


def test_an_ordinary_name_can_be_read_in_it() -> None:
    assert identity("orders", 3) == "127.0.0.1_8083-orders-3"
    assert identity("orders", 3, "workers") == "workers-orders-3"


def test_where_one_name_ends_and_the_next_begins_is_told_apart() -> None:
    assert instance_id("a-b", "c", 0) != instance_id("a", "b-c", 0)
    assert instance_id("a", "b-1", 0) != instance_id("a-b", "1", 0)
    assert instance_id("a", "b_c", 0) != instance_id("a", "b c", 0)
