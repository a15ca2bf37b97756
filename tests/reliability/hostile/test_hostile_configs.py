"""Hostile configs are refused with the key by name; nothing is started, read, written or called."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.reliability.hostile.configs import Surroundings, cases, sane
from tests.reliability.scoreboard.plugin import Trials
from tests.running import Worker

SECRET = "canary-of-the-secret-file"


@contextmanager
def nobody_comes() -> Iterator[str]:
    """An address; AssertionError at the end if anybody connected to it."""
    came: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def listen() -> None:
            while True:
                try:
                    connection, who = listener.accept()
                except OSError:
                    return
                came.append(who)
                connection.close()

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
    assert came == []


@pytest.mark.scoreboard("R20")
def test_each_is_refused_by_name_and_nothing_is_touched(running: Worker, tmp_path: Path, trials: Trials) -> None:
    folder = tmp_path / "canary"
    folder.mkdir()
    (folder / "secret").write_text(SECRET)
    accepted, silent = [], []
    with nobody_comes() as listener, httpx.Client(base_url=running.url, timeout=60) as client:
        tried = list(cases(Surroundings(folder, listener)))
        for what, config in tried:
            answer = client.post("/connectors", json={"name": config["name"], "config": config})
            assert SECRET not in answer.text
            if answer.status_code != 400 and "Failed to find any class that implements Connector" not in answer.text:
                accepted.append((what, answer.status_code, answer.text[:200]))
            if len(answer.json().get("message", "")) < 10:
                silent.append(what)
        assert accepted == []
        assert client.get("/connectors").json() == []
    assert silent == []
    assert [file.name for file in folder.iterdir()] == ["secret"]
    assert SECRET not in running.said
    assert "runs as process" not in running.said
    trials.held(len(tried))


def test_their_sane_relatives_are_accepted(running: Worker) -> None:
    for name, config in sane().items():
        plugin = config["connector.class"].rpartition(".")[2]
        found = running.call("PUT", f"/connector-plugins/{plugin}/config/validate", config, expect=200)
        assert found["error_count"] == 0, name
