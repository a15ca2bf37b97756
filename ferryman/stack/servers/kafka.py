"""Apache Kafka in KRaft mode: nodes that are broker and controller in one, one alone or several as a cluster."""

import base64
import hashlib
import re
import shutil
import tempfile
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ferryman.stack.runtime.artifacts import class_path
from ferryman.stack.runtime.cache_paths import cache_directory
from ferryman.stack.runtime.class_cache import ClassCache
from ferryman.stack.runtime.java import java
from ferryman.stack.runtime.ports import HOST
from ferryman.stack.runtime.process import Launch
from ferryman.stack.runtime.service import Place, Service
from ferryman.stack.security.identity import Identity
from ferryman.stack.security.secrets import Secrets
from ferryman.stack.servers.kafka_settings import server_properties

_STORAGE_TOOL = "kafka.tools.StorageTool"
_CLIENTS, _CONTROLLERS, _BROKERS = 9092, 9093, 9091
_STEP = 100
_SETTINGS = "server.properties"
_CLUSTER = re.compile(r"(?m)^cluster\.id=(.*)$")
_LOG_DIRS = re.compile(r"(?m)^log\.dirs=.*$")
_NODE = re.compile(r"(?m)^(cluster\.id|directory\.id|node\.id)=.*$")


def _uuid() -> str:
    """A Kafka Uuid: 16 random bytes in base64."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


@dataclass(frozen=True)
class Cluster:
    """What the nodes of one cluster have in common."""

    nodes: int = 1
    secrets: Secrets | None = None
    """Who may do what; None: everybody everything, unencrypted."""
    id: str = field(default_factory=_uuid)

    def names(self) -> list[str]:
        """The components: ``kafka`` alone, or ``kafka-1`` and so on."""
        return ["kafka"] if self.nodes == 1 else [f"kafka-{number}" for number in range(1, self.nodes + 1)]

    def services(self) -> list[Service]:
        """The services of the cluster, one for each node."""
        return [self._service(number, name) for number, name in enumerate(self.names(), 1)]

    def super_user(self, directory: Path, ports: Mapping[str, int]) -> dict[str, Any]:
        """How a client that may do anything reaches the node whose directory and ports these are."""
        if self.secrets is None:
            return {"bootstrap.servers": f"{HOST}:{ports['broker']}", "log_level": 0}
        return Identity(directory).client(f"{HOST}:{ports['internal']}")

    def _service(self, number: int, name: str) -> Service:
        ports = {"broker": _CLIENTS, "controller": _CONTROLLERS}
        if self.secrets is not None:
            ports["internal"] = _BROKERS
        return Service(
            name=name,
            ports={each: port + (number - 1) * _STEP for each, port in ports.items()},
            address=lambda port: f"{HOST}:{port}",
            launch=lambda place: self._launch(number, place),
            answers=lambda directory, ports: self._answers(number, directory, ports),
            bundle="kafka",
        )

    def _launch(self, number: int, place: Place) -> Launch:
        controllers = {
            node: place.world[name]["controller"] for node, name in enumerate(self.names(), 1) if name in place.world
        }
        data, settings = place.directory / "data", place.directory / _SETTINGS
        identity = self._identity(place.directory)
        settings.write_text(server_properties(number, place.ports, controllers, data, identity))
        jvm = java(
            "512m" if self.nodes == 1 else "320m",
            place.directory,
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-cp",
            class_path(place.artifacts),
        )
        version = hashlib.sha256(" ".join(artifact.sha256 for artifact in place.artifacts).encode()).hexdigest()[:16]
        classes, template = ClassCache("kafka", version), cache_directory() / "formatted" / version
        if not (template.is_dir() and classes.is_there):
            with classes.filled(jvm, place.directory) as command:
                self._make_template(place, command, template)
        if not (data / "meta.properties").exists():
            self._format(number, place.directory, template)
        return Launch((*classes.used_by(jvm), "kafka.Kafka", str(settings)))

    def _identity(self, directory: Path) -> Identity | None:
        if self.secrets is None:
            return None
        identity = Identity(directory)
        identity.write(self.secrets)
        return identity

    def _make_template(self, place: Place, jvm: tuple[str, ...], template: Path) -> None:
        """What Kafka's tool makes of a node's directory, once per version; it loads much of what a broker does."""
        made, settings = place.directory / "template", place.directory / "template.properties"
        settings.write_text(_LOG_DIRS.sub(f"log.dirs={made}", (place.directory / _SETTINGS).read_text()))
        place.run(Launch((*jvm, _STORAGE_TOOL, "format", f"--cluster-id={self.id}", f"--config={settings}")))
        _keep(made, template)
        shutil.rmtree(made)

    def _format(self, number: int, directory: Path, template: Path) -> None:
        """Give the node its ids and the features that a new cluster of this version starts with: a copy of the
        template, which saves a second JVM at every start."""
        data, cluster = directory / "data", self._id_beside(directory)
        fresh = directory / "data.new"
        shutil.copytree(template, fresh, dirs_exist_ok=True)
        ids = {"cluster.id": cluster, "directory.id": _uuid(), "node.id": str(number)}
        properties = (fresh / "meta.properties").read_text()
        (fresh / "meta.properties").write_text(_NODE.sub(lambda line: f"{line[1]}={ids[line[1]]}", properties))
        fresh.rename(data)  # at once: the other nodes look for its ids

    def _id_beside(self, directory: Path) -> str:
        """The id of this cluster: that of a node which has kept its data, if one has."""
        for name in self.names():
            properties = directory.parent / name / "data" / "meta.properties"
            if properties.exists() and (found := _CLUSTER.search(properties.read_text())):
                return found[1]
        return self.id

    def _answers(self, number: int, directory: Path, ports: Mapping[str, int]) -> bool:
        from confluent_kafka.admin import AdminClient

        return number in AdminClient(self.super_user(directory, ports)).list_topics(timeout=2).brokers


def _keep(data: Path, template: Path) -> None:
    template.parent.mkdir(parents=True, exist_ok=True)
    copy = Path(tempfile.mkdtemp(prefix="formatting-", dir=template.parent))
    shutil.copytree(data, copy, dirs_exist_ok=True)
    try:
        copy.rename(template)
    except OSError:  # another process was first
        shutil.rmtree(copy)


(KAFKA,) = Cluster().services()
