"""Apache Kafka: one node in KRaft mode, broker and controller in one."""

import base64
import uuid
from pathlib import Path

from ferryman.stack.artifacts import class_path
from ferryman.stack.java import java
from ferryman.stack.ports import HOST
from ferryman.stack.process import Launch
from ferryman.stack.service import Place, Service

_SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
listeners=PLAINTEXT://{host}:{broker},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{broker}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}

# One node, so one replica, and few partitions for the internal topics: they are made when first used.
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1

# Groups form at once, members may declare short session timeouts, and a dead producer's transaction ends soon.
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
transaction.abort.timed.out.transaction.cleanup.interval.ms=500

# The log cleaner reserves 128 MB by default, a quarter of this heap.
log.cleaner.dedupe.buffer.size=8388608
"""


def _launch(place: Place) -> Launch:
    data, settings = place.directory / "data", place.directory / "server.properties"
    settings.write_text(_SETTINGS.format(host=HOST, data=data, **place.ports))
    jvm = java(
        "512m",
        place.directory,
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-Dorg.slf4j.simpleLogger.showDateTime=true",
        "-cp",
        class_path(place.artifacts),
    )
    if not (data / "meta.properties").exists():
        _format(place, jvm, settings)
    return Launch((*jvm, "kafka.Kafka", str(settings)))


def _format(place: Place, jvm: tuple[str, ...], settings: Path) -> None:
    identity = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    place.run(
        Launch((*jvm, "kafka.tools.StorageTool", "format", f"--cluster-id={identity}", f"--config={settings}"))
    )


def _answers(port: int) -> bool:
    from confluent_kafka.admin import AdminClient

    client = AdminClient({"bootstrap.servers": f"{HOST}:{port}", "log_level": 0})
    return bool(client.list_topics(timeout=2).brokers)


KAFKA = Service(
    name="kafka",
    ports={"broker": 9092, "controller": 9093},
    address=lambda port: f"{HOST}:{port}",
    launch=_launch,
    answers=_answers,
    bundle="kafka",
)
