"""Topics that are created anew, offsets that are gone, a group that is reset behind the database's back."""

import re
from pathlib import Path

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.reliability.flows import Table, committed, file_sink, lines, rows, sql_sink
from tests.running import Worker, create_topic, produce, settings, until, worker


def recreate(admin: AdminClient, kafka: str, topic: str) -> None:
    """Delete and create it. A client that still knows the old one may ask the broker to create it a moment earlier."""
    old = topic_id(admin, topic)
    admin.delete_topics([topic])[topic].result()

    def created() -> bool:
        try:
            create_topic(kafka, topic)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
        return topic_id(admin, topic) not in ("", old)

    until(created, 30)


def topic_id(admin: AdminClient, topic: str) -> str:
    """Empty for one that is not there."""
    try:
        return str(admin.describe_topics(TopicCollection([topic]))[topic].result().topic_id)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise
        return ""


def test_a_topic_created_anew_fails_the_sql_sink_and_names_both_ids(
    kafka: str, admin: AdminClient, postgres: str, running: Worker, unique: str
) -> None:
    create_topic(kafka, unique)
    running.create(sql_sink(unique, postgres))
    produce(kafka, unique, rows(0, 5))
    until(lambda: committed(running, unique) == 5, 60)
    running.call("PUT", f"/connectors/{unique}/stop", expect=204)
    recreate(admin, kafka, unique)
    produce(kafka, unique, rows(100, 110))
    running.call("PUT", f"/connectors/{unique}/resume", expect=202)
    trace = running.trace(unique)
    assert f"The topic {unique} has the id" in trace
    assert "of the same name with the id" in trace
    assert Table(postgres, unique).ids() == [0, 1, 2, 3, 4]
    running.call("PUT", f"/connectors/{unique}/stop", expect=204)
    running.call("DELETE", f"/connectors/{unique}/offsets", expect=200)
    running.call("PUT", f"/connectors/{unique}/resume", expect=202)
    until(lambda: len(Table(postgres, unique).ids()) == 15, 60)


def test_records_that_retention_has_deleted_fail_the_sql_sink_and_name_the_offsets(
    kafka: str, admin: AdminClient, postgres: str, running: Worker, unique: str
) -> None:
    create_topic(kafka, unique)
    running.create(sql_sink(unique, postgres))
    produce(kafka, unique, rows(0, 5))
    until(lambda: committed(running, unique) == 5, 60)
    running.call("PUT", f"/connectors/{unique}/stop", expect=204)
    produce(kafka, unique, rows(5, 20))
    for future in admin.delete_records([TopicPartition(unique, 0, 12)]).values():
        future.result()
    running.call("PUT", f"/connectors/{unique}/resume", expect=202)
    assert f"The next offset of {unique}-0 is 5, but the topic holds 12 up to 20" in running.trace(unique)


def test_a_group_reset_behind_the_databases_back_doubles_nothing(
    kafka: str, admin: AdminClient, postgres: str, running: Worker, unique: str
) -> None:
    create_topic(kafka, unique)
    running.create(sql_sink(unique, postgres))
    produce(kafka, unique, rows(0, 5))
    until(lambda: committed(running, unique) == 5, 60)
    running.call("PUT", f"/connectors/{unique}/stop", expect=204)
    group = ConsumerGroupTopicPartitions(f"connect-{unique}", [TopicPartition(unique, 0, 1)])
    admin.alter_consumer_group_offsets([group])[group.group_id].result()
    produce(kafka, unique, rows(5, 8))
    running.call("PUT", f"/connectors/{unique}/resume", expect=202)
    until(lambda: committed(running, unique) == 8, 60)
    assert "the database has got to offset 5, the consumer group to 1; the database is right" in running.said
    assert Table(postgres, unique).ids() == list(range(8))


def test_the_offsets_api_moves_database_and_group_alike(
    kafka: str, postgres: str, running: Worker, unique: str
) -> None:
    create_topic(kafka, unique)
    running.create(sql_sink(unique, postgres))
    produce(kafka, unique, rows(0, 5))
    until(lambda: committed(running, unique) == 5, 60)
    running.call("PUT", f"/connectors/{unique}/stop", expect=204)
    wanted = {"partition": {"kafka_topic": unique, "kafka_partition": 0}, "offset": {"kafka_offset": 3}}
    answer = running.call("PATCH", f"/connectors/{unique}/offsets", {"offsets": [wanted]}, expect=200)
    assert answer == {"message": "The offsets for this connector have been altered successfully"}
    running.call("PUT", f"/connectors/{unique}/resume", expect=202)
    until(lambda: Table(postgres, unique).ids() == [0, 1, 2, 3, 3, 4, 4], 60)


def test_a_pattern_finds_topics_that_are_created_later(
    tmp_path: Path, kafka: str, running: Worker, unique: str
) -> None:
    out = tmp_path / "out.txt"
    config = file_sink(unique, out, topics_regex=f"{unique}-[a-z]+")
    del config["topics"]
    create_topic(kafka, f"{unique}-first")
    running.create(config | {"consumer.override.metadata.max.age.ms": "1000"})
    produce(kafka, f"{unique}-first", [b"one"])
    until(lambda: lines(out) == [b"one"], 60)
    create_topic(kafka, f"{unique}-second")
    create_topic(kafka, f"{unique}-3")
    produce(kafka, f"{unique}-second", [b"two"])
    produce(kafka, f"{unique}-3", [b"three"])
    until(lambda: lines(out) == [b"one", b"two"], 60)


def test_a_pattern_that_matches_everything_reads_nothing_of_kafkas_and_connects_own(
    tmp_path: Path, kafka: str, unique: str
) -> None:
    out = tmp_path / "out.txt"
    config = file_sink(unique, out, topics_regex=f"__.*|{unique}.*")
    del config["topics"]
    create_topic(kafka, unique)
    create_topic(kafka, f"{unique}-offsets", cleanup_policy="compact")
    produce(kafka, f"{unique}-offsets", [b"an offset"], [b"a source"])
    produce(kafka, unique, [b"one"])
    with worker(tmp_path, settings(kafka, unique)) as running:
        running.create(config)
        until(lambda: committed(running, unique) == 1, 60)
        produce(kafka, unique, [b"two"])
        until(lambda: committed(running, unique) == 2, 60)
        assert f"also matches __consumer_offsets, {unique}-offsets;" in re.sub(
            "__(?!consumer_offsets)[a-z_]+, ", "", running.said
        )
    assert lines(out) == [b"one", b"two"]
