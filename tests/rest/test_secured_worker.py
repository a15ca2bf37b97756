"""A whole worker whose REST API speaks TLS and asks who is there."""

from contextlib import ExitStack
from pathlib import Path

import httpx

from ferryman.stack.runtime.ports import free_port
from ferryman.tls.trusting import trusting
from tests.reliability.flows import file_sink
from tests.rest.listening import AUTHORITY, https
from tests.running import Worker
from tests.running import settings as worker_settings


def test_a_worker_serves_tls_admin_listeners_and_whoever_it_knows(tmp_path: Path, kafka: str, unique: str) -> None:
    plain, secure, admin = free_port(), free_port(), free_port()
    given = (
        worker_settings(kafka, unique)
        | https()
        | {
            "listeners": f"http://127.0.0.1:{plain},https://127.0.0.1:{secure}",
            "admin.listeners": f"http://127.0.0.1:{admin}",
            "rest.advertised.listener": "https",
            "rest.auth": "basic:alice:canary-worker-1,token:canary-worker-2",
            "rest.auth.health": "false",
        }
    )
    context = trusting(AUTHORITY)
    one = Worker(tmp_path, given, port=plain)
    with ExitStack() as stack:
        stack.callback(one.stop)
        one.start()
        client = stack.enter_context(httpx.Client(verify=context, timeout=120))
        address = f"https://127.0.0.1:{secure}"
        assert client.get(f"{address}/health").status_code == 200
        assert client.get(f"{address}/connectors").status_code == 401
        client.auth = ("alice", "canary-worker-1")
        config = file_sink(unique, tmp_path / "out.txt")
        created = client.post(f"{address}/connectors", json={"name": config["name"], "config": dict(config)})
        assert created.status_code == 201
        status = client.get(f"{address}/connectors/{config['name']}/status").json()
        assert status["connector"]["worker_id"] == f"127.0.0.1:{secure}"
        assert client.get(f"{address}/admin/loggers").status_code == 404
        token = {"Authorization": "Bearer canary-worker-2"}
        assert "root" in httpx.get(f"http://127.0.0.1:{admin}/admin/loggers", headers=token).json()
        assert f"answers on http://127.0.0.1:{plain}, {address}, http://127.0.0.1:{admin}" in one.said
        assert "canary" not in one.said
