"""The connectors of Kafka Connect's own integration tests, in Python: the same names, configs and log lines."""

from pathlib import Path

from tests.plugin_folder import installed

_CONNECTORS = ("TestableSourceConnector", "TestableSinkConnector")


def install(directory: Path) -> Path:
    """Installs them as anybody's are; the folder for PYTHONPATH."""
    code = Path(__file__).with_name("testable.py").read_text()
    return installed(directory, "testable", code, *_CONNECTORS)
