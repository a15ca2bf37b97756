"""Debezium's own JDBC sink in this process, on a PostgreSQL database, beside ours on another one."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jpype
import sqlalchemy as sa

from ferryman.record import Record
from ferryman.stack.runtime.artifacts import read_lock, unpacked
from ferryman.stack.runtime.download import download
from tests.differential.jvm import java, to_java

_JARS = Path(__file__).with_name("jars.toml")
_GIVEN = ("connect-api", "kafka-clients", "slf4j")
"""What the JVM has already: classes of the same name from two loaders are two classes."""


@cache
def _loader() -> Any:
    artifacts = read_lock(_JARS)["debezium_sink"]
    download(artifacts)
    files = [file for each in artifacts for file in unpacked(each).glob("*/*.jar") if not file.name.startswith(_GIVEN)]
    urls = [java("java.io.File")(str(file)).toURI().toURL() for file in sorted(files)]
    system = java("java.lang.ClassLoader").getSystemClassLoader()
    return java("java.net.URLClassLoader")(jpype.JArray(java("java.net.URL"))(urls), system)


class _Context:
    """What a sink task may ask its worker."""

    def __init__(self, config: Any) -> None:
        self._config = config

    def configs(self) -> Any:
        return self._config

    def assignment(self) -> Any:
        return java("java.util.HashSet")()

    def errantRecordReporter(self) -> None:  # noqa: N802 - Kafka's name
        """Nobody takes what cannot be written: it is raised."""

    def pluginMetrics(self) -> None:  # noqa: N802
        """None are kept."""


@contextlib.contextmanager
def sink(url: str, config: Mapping[str, str]) -> Iterator[Any]:
    """A running task, to which ``put`` hands records. It stops in order."""
    place = sa.make_url(url)
    settings = java("java.util.HashMap")()
    for key, value in {
        **config,
        "name": "theirs",
        "connection.url": f"jdbc:postgresql://{place.host}:{place.port}/{place.database}",
        "connection.username": str(place.username),
        "connection.password": str(place.password),
    }.items():
        settings.put(key, value)
    java("java.lang.Thread").currentThread().setContextClassLoader(_loader())
    # Hibernate's notes about itself.
    java("java.util.logging.LogManager").getLogManager().reset()
    task = jpype.JClass("io.debezium.connector.jdbc.JdbcSinkConnectorTask", loader=_loader())()
    task.initialize(jpype.JProxy("org.apache.kafka.connect.sink.SinkTaskContext", inst=_Context(settings)))
    task.start(settings)
    try:
        yield task
    finally:
        task.stop()


def put(task: Any, records: Sequence[Record]) -> None:
    """Hands records over. Raises jpype.JException for what it cannot write."""
    task.put(java("java.util.ArrayList")([to_java(record) for record in records]))
