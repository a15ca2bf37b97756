"""A worker of Kafka Connect itself in our group, and one of ours in its."""

from pathlib import Path

import pytest

from tests.membership.jvm_worker import jvm_worker
from tests.membership.workers import group
from tests.running import until


def test_the_jvms_worker_gets_no_work_from_us_and_we_join_no_group_of_its(
    kafka: str, unique: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"bootstrap.servers": kafka, "group.id": unique}
    for name in ("config", "offset", "status"):
        settings |= {f"{name}.storage.topic": f"{unique}-{name}", f"{name}.storage.replication.factor": "1"}
    settings |= {"offset.storage.partitions": "1", "status.storage.partitions": "1"}
    with group(kafka, unique, a=2, b=2) as workers:
        workers.configs.offset = -1  # what the JVM's worker knows of an empty config topic
        workers.join("w1")
        workers.join("w2")
        workers.settle()
        with jvm_worker(tmp_path, settings) as url:
            until(lambda: "not a Ferryman one" in caplog.text, 60, "the stranger to be seen")
            said = next(record.getMessage() for record in caplog.records if "not a Ferryman one" in record.getMessage())
            assert f" at {url}/ is a Kafka Connect worker, not a Ferryman one" in said
            assert f"group {unique}" in said
            assert said.endswith("It is given no work.")
            workers.settle()
            assert all(worker.times("lost") == 0 for worker in workers.workers.values())
            for name in ("w1", "w2"):
                workers.close(name)
            workers.join("w3")
            until(lambda: workers.members["w3"].failure, 60, "the refusal")
            assert f" at {url}/ is a Kafka Connect worker" in str(workers.members["w3"].failure)
            assert not workers.workers["w3"].heard
        workers.settle()
        assert workers.members["w3"].failure is None
