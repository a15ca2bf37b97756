"""Whose worker is started, in which mode: ours, or Kafka's own from its jars. Tests know only what differs."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ferryman.stack.runtime.artifacts import class_path, read_lock
from ferryman.stack.runtime.download import download
from ferryman.stack.runtime.java import java
from tests.kafkatest.plugins import install
from tests.kafkatest.report.differences import DIFFERENCES, Difference
from tests.running import FERRYMAN

_JARS = Path(__file__).with_name("jars.toml")
_LOGGING = """\
status = warn
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d] %p %m (%c)%n
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = console
logger.plugins.name = org.apache.kafka.connect.integration
logger.plugins.level = TRACE
"""


@dataclass(frozen=True)
class Whose:
    """A kind of worker."""

    product: Literal["ferryman", "kafka"]
    mode: Literal["standalone", "distributed"]

    def __str__(self) -> str:
        return f"{self.product}-{self.mode}"

    @property
    def _ours(self) -> bool:
        return self.product == "ferryman"

    def differs(self, difference: Difference) -> bool:
        """Whether this worker does otherwise than Kafka's: ours does, in what is declared."""
        assert difference in DIFFERENCES, f"it is not declared: {difference}"
        return self._ours

    @property
    def mark_of_plugins(self) -> str:
        """What is in each line of the log that a plugin of these tests writes, and in none of the worker's own."""
        return "" if self._ours else "(org.apache.kafka.connect.integration."

    @property
    def distributed(self) -> bool:
        return self.mode == "distributed"

    def command(self, home: Path) -> tuple[str, ...]:
        """What comes before the worker's file. ``home`` is the process's own folder."""
        if self._ours:
            return FERRYMAN, self.mode
        jars = read_lock(_JARS)["kafkatest"]
        download(jars)
        logging = home / "log4j2.properties"
        logging.write_text(_LOGGING)
        main = f"org.apache.kafka.connect.cli.Connect{self.mode.capitalize()}"
        return (*java("512m", home, f"-Dlog4j2.configurationFile={logging}", "-cp", class_path(jars)), main)

    def settings(self, home: Path) -> Mapping[str, str]:
        """What only this kind of worker needs."""
        if self._ours:
            return {}
        # In distributed mode it would be a setting of the offsets topic.
        file = {} if self.distributed else {"offset.storage.file.filename": str(home / "offsets")}
        return {"plugin.discovery": "service_load", **file}

    def environment(self, home: Path) -> Mapping[str, str]:
        """With the plugins of these tests."""
        installed = {"PYTHONPATH": str(install(home))} if self._ours else {}
        return {**os.environ, "PYTHONUNBUFFERED": "1", **installed}


OURS = [Whose("ferryman", "standalone"), Whose("ferryman", "distributed")]
KAFKAS = [Whose("kafka", "standalone"), Whose("kafka", "distributed")]
"""Whose workers the tests are tried with, see ``conftest``."""
