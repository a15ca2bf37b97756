"""Kafka's own black-box suites, and where each is transcribed."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Suite:
    """One of Kafka's: a class of its package ``org.apache.kafka.connect.integration``, or a file of kafkatest's."""

    where: tuple[str, ...]
    """The files below tests/ that ask what it asks; none where a black box cannot ask it."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Its tests that no file transcribes, by name, with the reason."""


_JAVA = "is about what Java can do to a class: leave it abstract, without a fitting constructor or without a ConfigDef"
_TABLES = "is about the tables of Kafka's test helpers"
_VARIANTS = (
    *("AbstractConverter", "AbstractHeaderConverter", "ConverterWithNoSuitableConstructor"),
    *("HeaderConverterWithNoSuitableConstructor", "ConverterThatThrowsExceptionOnInstantiation"),
    *(
        "HeaderConverterThatThrowsExceptionOnInstantiation",
        "ConverterWithNoConfigDef",
        "HeaderConverterWithNoConfigDef",
    ),
)

SUITES: Mapping[str, Suite] = {
    "BlockingConnectorTest": Suite(("kafkatest/test_blocking.py",)),
    "ConnectWorkerIntegrationTest": Suite(
        ("kafkatest/test_worker.py", "kafkatest/groups/test_rebalance.py", "kafkatest/groups/test_brokers.py"),
        {
            "testPollTimeoutExpiry": "waits for Kafka's herder to be late with its poll; here nothing holds that up",
            "testRequestTimeouts": "waits for Kafka's herder to be at each of its stages; tests/worker/test_control.py "
            "asks what a worker answers meanwhile",
        },
    ),
    "ConnectorClientPolicyIntegrationTest": Suite(("kafkatest/test_policies.py",)),
    "ConnectorRestartApiIntegrationTest": Suite(("kafkatest/test_restarts.py",)),
    "ConnectorTopicsIntegrationTest": Suite(("kafkatest/test_topics.py",)),
    "ConnectorValidationIntegrationTest": Suite(
        ("kafkatest/test_validation.py", "kafkatest/errors/test_errors.py"),
        {f"testConnectorHas{variant}": _JAVA for variant in _VARIANTS},
    ),
    "ErrorHandlingIntegrationTest": Suite(("kafkatest/records/test_errors.py",)),
    "ExactlyOnceSourceIntegrationTest": Suite(("kafkatest/groups/test_exactly_once.py",)),
    "ExampleConnectIntegrationTest": Suite(("kafkatest/records/test_examples.py",)),
    "InternalTopicsIntegrationTest": Suite(("kafkatest/groups/test_internal_topics.py",)),
    "MonitorableSinkIntegrationTest": Suite((), {"*": "asks JMX for a metric that a Java plugin has made"}),
    "MonitorableSourceIntegrationTest": Suite((), {"*": "asks JMX for a metric that a Java plugin has made"}),
    "OffsetsApiIntegrationTest": Suite(("kafkatest/test_offsets_api.py",)),
    "RebalanceSourceConnectorsIntegrationTest": Suite(("kafkatest/groups/test_rebalance.py",)),
    "RestExtensionIntegrationTest": Suite((), {"*": "installs a REST extension written in Java"}),
    "RestForwardingIntegrationTest": Suite(("kafkatest/test_rest_forwarding.py",)),
    "SessionedProtocolIntegrationTest": Suite(("kafkatest/test_sessioned.py",)),
    "SinkConnectorsIntegrationTest": Suite(("kafkatest/records/test_sinks.py",)),
    "SourceConnectorsIntegrationTest": Suite(("kafkatest/records/test_sources.py",)),
    "StandaloneWorkerIntegrationTest": Suite(("kafkatest/test_standalone.py", "kafkatest/test_worker.py")),
    "StartAndStopCounterTest": Suite((), {"*": _TABLES}),
    "StartAndStopLatchTest": Suite((), {"*": _TABLES}),
    "TransformationIntegrationTest": Suite(("kafkatest/records/test_transforms.py",)),
    "connect_distributed_test.py": Suite(
        ("kafkatest/groups/test_bounces.py", "kafkatest/test_restarts.py", "kafkatest/records/test_transforms.py"),
        {"test_broker_compatibility": "needs brokers of Kafka 2 and 3, of which the stack has none"},
    ),
    "connect_plugin_discovery_test.py": Suite((), {"*": "tries the ways in which a JVM finds classes in jars"}),
    "connect_rest_test.py": Suite(("kafkatest/test_rest_flow.py",)),
    "connect_test.py": Suite(("kafkatest/records/test_files.py",)),
}
"""By the name that each has with Kafka."""
