"""What ExampleConnectIntegrationTest asks of a worker: a sink that gets all of a topic, and a source that fills one."""

from tests.kafkatest.configs import sink, source
from tests.kafkatest.connect import Config, Connect
from tests.kafkatest.test_offsets_api import of_sink
from tests.running import consume, create_topic, produce, until

RECORDS, PARTITIONS = 600, 3


def checked(connect: Connect, name: str, config: Config) -> Config:
    """The config with the name that it lacks, which is all that is wrong with it."""
    assert list(connect.validated(config)) == ["name"]
    assert connect.validated({**config, "name": name}) == {}
    return {**config, "name": name}


def test_the_tasks_of_a_sink_share_a_topic_and_commit_all_of_it(connect: Connect, kafka: str, unique: str) -> None:
    create_topic(kafka, unique, PARTITIONS)
    connect.configure(unique, checked(connect, unique, sink(unique, tasks_max=str(PARTITIONS))))
    connect.runs(unique, PARTITIONS)
    until(lambda: all(connect.given(f"{unique}-{number}")[0] for number in range(PARTITIONS)))
    values = [f"simple-message-value-{number}" for number in range(RECORDS)]
    for number in range(PARTITIONS):
        part = [value.encode() for value in values[number::PARTITIONS]]
        produce(kafka, unique, part, [b"key"] * len(part), partition=number)
    until(lambda: len(connect.obtained(unique)) >= RECORDS, what="all records")
    assert sorted(connect.obtained(unique)) == sorted(values)
    ends = [of_sink(unique, number, RECORDS // PARTITIONS) for number in range(PARTITIONS)]
    until(lambda: all(each in connect.offsets(unique) for each in ends), what="all commits")
    connect.delete(unique)
    connect.is_gone(unique)


def test_the_tasks_of_a_source_fill_a_topic_and_commit(connect: Connect, kafka: str, unique: str) -> None:
    create_topic(kafka, unique, PARTITIONS)
    fast = source(unique, tasks_max=str(PARTITIONS), throughput="500")
    connect.configure(unique, checked(connect, unique, fast))
    connect.runs(unique, PARTITIONS)
    until(lambda: len(consume(kafka, unique)) >= RECORDS, what="as many records", pause=0.5)

    def committed() -> int:
        return sum(int(each["offset"]["saved"]) for each in connect.offsets(unique))

    until(lambda: committed() >= RECORDS, what="as many commits", pause=0.5)
    connect.delete(unique)
    connect.is_gone(unique)
