"""The connectors of Kafka Connect's own integration tests, in Python: the same names, configs and log lines."""

from pathlib import Path

from tests.plugin_folder import installed

_CONNECTORS = {
    "testable": ("TestableSourceConnector", "TestableSinkConnector"),
    "faulty": ("ErrantRecordSinkConnector", "NaughtyConnector"),
    "blocking": (
        *("BlockingConnector", "ValidateBlockingConnector", "BlockingSourceConnector", "BlockingSinkConnector"),
    ),
}
_TRANSFORMS = {"faulty": ("FaultyPassthrough",)}


def install(directory: Path) -> Path:
    """Installs them as anybody's are; the folder for PYTHONPATH."""
    for module, connectors in _CONNECTORS.items():
        code = Path(__file__).with_name(f"{module}.py").read_text()
        home = installed(directory, module, code, *connectors, transforms=_TRANSFORMS.get(module, ()))
    return home
