"""What ConnectorClientPolicyIntegrationTest asks of a worker: which settings of clients a connector may override."""

import pytest

from tests.kafkatest.configs import sink
from tests.kafkatest.connect import Connect

ALLOWLIST = {
    "connector_client_config_override_policy": "Allowlist",
    "connector_client_config_override_allowlist": "client.id,security.protocol",
}
ID, PROTOCOL, JAAS = "client.id", "security.protocol", "sasl.jaas.config"
OVERRIDES = {ID: "test", PROTOCOL: "PLAINTEXT", JAAS: "sasl", "auto.offset.reset": "latest"}


def policy(name: str | None, *overridden: str, allowed: bool) -> object:
    """A case: a worker's policy, what a connector overrides, and whether it may."""
    settings = {} if name is None else {"connector_client_config_override_policy": name}
    mark = pytest.mark.settings(**(ALLOWLIST if name == "Allowlist" else settings))
    marks = [mark] if name == "Principal" else [mark, pytest.mark.long]
    shown = f"{name or 'the default'} {'allows' if allowed else 'refuses'} {', '.join(overridden) or 'nothing'}"
    return pytest.param(overridden, allowed, marks=marks, id=shown)


@pytest.mark.parametrize(
    ("overridden", "allowed"),
    [
        policy("None", JAAS, allowed=False),
        policy("None", allowed=True),
        policy("Principal", JAAS, "auto.offset.reset", allowed=False),
        policy("Principal", PROTOCOL, allowed=True),
        policy("All", ID, allowed=True),
        policy(None, ID, allowed=True),
        policy("Allowlist", JAAS, allowed=False),
        policy("Allowlist", ID, PROTOCOL, allowed=True),
        policy("Allowlist", allowed=True),
    ],
)
def test_a_connector_overrides_what_the_workers_policy_allows(
    other: Connect, unique: str, overridden: tuple[str, ...], allowed: bool
) -> None:
    config = sink(unique, tasks_max="1") | {f"consumer.override.{key}": OVERRIDES[key] for key in overridden}
    if allowed:
        other.configure(unique, config)
        other.runs(unique, 1)
    else:
        assert "policy does not allow" in other.refused(400, "PUT", f"/connectors/{unique}/config", config)
        assert unique not in other.connectors()
