"""The connectors of Kafka Connect's own integration tests, in Python: the same names, configs and log lines."""

from pathlib import Path

from tests.plugin_folder import installed

_CONNECTORS = ("MonitorableSourceConnector", "MonitorableSinkConnector")


def install(directory: Path) -> Path:
    """Installs them as anybody's are; the folder for PYTHONPATH."""
    code = Path(__file__).with_name("monitorable.py").read_text()
    return installed(directory, "monitorable", code, *_CONNECTORS)
