"""Apache Kafka: one node in KRaft mode, broker and controller in one."""

import base64
import hashlib
import re
import shutil
import tempfile
import uuid
from pathlib import Path

from ferryman.stack.runtime.artifacts import class_path
from ferryman.stack.runtime.cache_paths import cache_directory
from ferryman.stack.runtime.java import java
from ferryman.stack.runtime.ports import HOST
from ferryman.stack.runtime.process import Launch
from ferryman.stack.runtime.service import Place, Service

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

# After SIGKILL the node must wait until its former self has timed out.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500

# The log cleaner reserves 128 MB by default, a quarter of this heap.
log.cleaner.dedupe.buffer.size=8388608
"""


_STORAGE_TOOL = "kafka.tools.StorageTool"


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
    """Give the node its cluster id and the features that a new cluster of this version starts with.

    Kafka's tool does that once per version; later nodes get a copy of its result with ids of their own, which saves a
    second JVM at every start.
    """
    version = hashlib.sha256(" ".join(artifact.sha256 for artifact in place.artifacts).encode()).hexdigest()[:16]
    template = cache_directory() / "formatted" / version
    data = place.directory / "data"
    if not template.is_dir():
        place.run(Launch((*jvm, _STORAGE_TOOL, "format", f"--cluster-id={_identity()}", f"--config={settings}")))
        _keep(data, template)
        return
    shutil.copytree(template, data, dirs_exist_ok=True)
    properties = (data / "meta.properties").read_text()
    fresh = re.sub(r"(?m)^(cluster|directory)\.id=.*$", lambda line: f"{line[1]}.id={_identity()}", properties)
    (data / "meta.properties").write_text(fresh)


def _keep(data: Path, template: Path) -> None:
    template.parent.mkdir(parents=True, exist_ok=True)
    copy = Path(tempfile.mkdtemp(prefix="formatting-", dir=template.parent))
    shutil.copytree(data, copy, dirs_exist_ok=True)
    try:
        copy.rename(template)
    except OSError:  # another process was first
        shutil.rmtree(copy)


def _identity() -> str:
    """A Kafka Uuid: 16 random bytes in base64."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


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
