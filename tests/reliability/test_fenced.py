"""A sink's task that was fenced by a member which is gone comes back by itself."""

from pathlib import Path

from confluent_kafka import Consumer

from ferryman.kafka.admin import Admin
from tests.reliability.flows import file_sink, lines
from tests.running import Worker, create_topic, produce, until


def test_a_task_whose_identity_is_held_by_nobody_who_is_there_goes_on(
    running: Worker, kafka: str, unique: str, tmp_path: Path
) -> None:
    create_topic(kafka, unique)
    running.create(file_sink(unique, tmp_path / "lines"))
    produce(kafka, unique, [b"1"])
    until(lambda: lines(tmp_path / "lines") == [b"1"])
    (identity,) = Admin({"bootstrap.servers": kafka}).static_members(f"connect-{unique}")
    group = {"group.id": f"connect-{unique}", "group.instance.id": identity, "session.timeout.ms": 6000}
    other = Consumer({"bootstrap.servers": kafka, "log_level": 0, **group})
    other.subscribe([unique])
    until(lambda: (other.poll(0.1), other.assignment())[1], what="the identity to be taken")
    until(lambda: "looks for" in running.said, what="the task to be fenced")
    other.close()  # a static member does not leave: it is not there any more, and its session goes on
    produce(kafka, unique, [b"2"])
    until(lambda: lines(tmp_path / "lines") == [b"1", b"2"], what="the task to come back")
    assert running.states(unique) == ["RUNNING", "RUNNING"]
