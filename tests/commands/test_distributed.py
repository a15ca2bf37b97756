"""``ferryman distributed`` in the place of Kafka's connect-distributed."""

import os
from pathlib import Path

from ferryman.stack.runtime.ports import free_port
from tests.prefork import start
from tests.running import FERRYMAN, until

WORKER = """\
bootstrap.servers=127.0.0.1:9
group.id=g
config.storage.topic=g-configs
offset.storage.topic=g-offsets
status.storage.topic=g-statuses
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.storage.StringConverter
"""


def test_arguments_behind_the_workers_file_are_named_and_the_worker_starts(tmp_path: Path) -> None:
    file, said = tmp_path / "worker.properties", tmp_path / "log"
    file.write_text(f"{WORKER}listeners=http://127.0.0.1:{free_port()}\n")
    with said.open("wb") as log:
        process = start([FERRYMAN, "distributed", str(file), "sink.properties"], log, dict(os.environ))
    try:
        until(lambda: "answers on" in said.read_text(), what="the worker's start")
    finally:
        process.terminate()
        process.wait(60)
    assert "The argument sink.properties has no effect" in said.read_text()
