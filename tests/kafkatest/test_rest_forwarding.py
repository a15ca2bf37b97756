"""What RestForwardingIntegrationTest asks of a group of workers: a follower sends a request on to the leader, whichever
listeners the two have and advertise."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from ferryman.stack.runtime.ports import free_port
from ferryman.tls.trusting import trusting
from tests.kafkatest.configs import source
from tests.kafkatest.connect import Connect, Node, worker_settings
from tests.kafkatest.whose import Whose
from tests.running import until

STORES = Path(__file__).parents[1] / "tls" / "stores"
TLS = {
    "listeners.https.ssl.keystore.location": str(STORES / "server.jks"),
    "listeners.https.ssl.keystore.password": "changeit",
    "listeners.https.ssl.key.password": "keysecret",
    "listeners.https.ssl.truststore.location": str(STORES / "trust.jks"),
    "listeners.https.ssl.truststore.password": "changeit",
}


@contextmanager
def group(whose: Whose, folder: Path, settings: dict[str, str], both: bool, *schemes: str) -> Iterator[Connect]:
    """Workers that advertise listeners of these schemes; with ``both`` each has one of the other scheme as well. The
    first one leads, since it is there first."""
    made = Connect(whose, folder, settings)
    try:
        with httpx.Client(verify=trusting(STORES / "ca.crt"), timeout=120) as web:
            for scheme in schemes:
                node = Node(whose, folder, {}, scheme=scheme, web=web)
                other = f"{'http' if scheme == 'https' else 'https'}://127.0.0.1:{free_port()}"
                listeners = ",".join([node.url, other] if both else [node.url])
                node.settings = {**settings, **TLS, "listeners": listeners, "rest.advertised.listener": scheme}
                made.nodes.append(node)
                node.start()
            yield made
    finally:
        for node in made.nodes:
            node.stop()


@pytest.mark.long
@pytest.mark.modes("distributed")
@pytest.mark.parametrize(
    ("both", "follower", "leader"),
    [
        pytest.param(False, "http", "http", id="testRestForwardNoSsl"),
        pytest.param(False, "https", "https", id="testRestForwardSsl"),
        pytest.param(False, "http", "https", id="testRestForwardLeaderSsl"),
        pytest.param(False, "https", "http", id="testRestForwardFollowerSsl"),
        pytest.param(True, "https", "https", id="testRestForwardSslDualListener"),
        pytest.param(True, "http", "http", id="testRestForwardNoSslDualListener"),
    ],
)
def test_a_follower_sends_a_request_on_to_the_leader(
    whose: Whose, kafka: str, unique: str, tmp_path: Path, both: bool, follower: str, leader: str
) -> None:
    settings = worker_settings(kafka, unique)
    with group(whose, tmp_path, settings, both, leader, follower) as connect:
        body = {"name": unique, "config": source(unique, tasks_max="1")}
        answer = connect.ask("POST", "/connectors", body, node=1)
        assert answer.status_code == 201, answer.text
        assert answer.json()["name"] == unique
        assert answer.headers["location"].endswith(f"/connectors/{unique}")
        connect.runs(unique, 1)
        connect.call("DELETE", f"/connectors/{unique}", expect=204, node=1)
        until(lambda: connect.ask("GET", f"/connectors/{unique}", node=1).status_code == 404)
