"""Static members that are gone for good are taken out of their group, and their partitions move at once."""

import pytest
from confluent_kafka import Consumer
from confluent_kafka.admin import AdminClient

from ferryman.errors import RetriableError
from ferryman.membership.client_settings import translated
from ferryman.membership.static_members import remove_members
from tests.membership.workers import client
from tests.running import create_topic, until


def test_a_static_member_that_is_gone_is_removed_and_one_that_is_not_there_is_no_error(
    kafka: str, unique: str, admin: AdminClient
) -> None:
    create_topic(kafka, unique, 2)
    config = {
        "bootstrap.servers": kafka,
        "group.id": unique,
        "session.timeout.ms": 1_000_000,
        "max.poll.interval.ms": 1_000_000,
    }
    consumers = [Consumer({**config, "group.instance.id": f"{unique}-{number}"}) for number in range(2)]
    for consumer in consumers:
        consumer.subscribe([unique])
    until(lambda: [consumer.poll(0.05) for consumer in consumers] and all(c.assignment() for c in consumers))
    stays, gone = consumers
    gone.close()  # a static member does not leave
    assert members(admin, unique) == {f"{unique}-0", f"{unique}-1"}
    removed = remove_members(client(kafka, "w"), unique, [f"{unique}-1", f"{unique}-7", f"{unique}-1"])
    assert removed == {f"{unique}-1"}
    assert members(admin, unique) == {f"{unique}-0"}
    until(lambda: stays.poll(0.05) or len(stays.assignment()) == 2, 60, "the partitions of the one that is gone")
    stays.close()


def members(admin: AdminClient, group: str) -> set[str]:
    found = admin.describe_consumer_groups([group])[group].result()
    return {member.group_instance_id for member in found.members}


def test_nobody_is_asked_about_nobody() -> None:
    assert remove_members(translated({"bootstrap.servers": "127.0.0.1:1"}, "w"), "g", []) == frozenset()


def test_a_group_that_does_not_exist_has_no_members(kafka: str, unique: str) -> None:
    assert remove_members(client(kafka, "w"), unique, ["x"]) == frozenset()


def test_a_cluster_that_is_away_is_an_outage() -> None:
    away = translated({"bootstrap.servers": "127.0.0.1:1"}, "w")
    with pytest.raises(RetriableError, match="members of groups cannot be asked for"):
        remove_members(away, "g", ["x"])
