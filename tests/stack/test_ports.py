"""Free ports: nobody else is given one before its server listens, and its server can."""

import socket
import subprocess
import sys

import pytest

from ferryman.stack.runtime import ports
from ferryman.stack.runtime.ports import HOST, free_port, is_free


def listening(port: int) -> socket.socket:
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((HOST, port))
    server.listen()
    return server


@pytest.fixture
def one_left(monkeypatch: pytest.MonkeyPatch) -> int:
    """The only port that there is to be given."""
    port = free_port()
    ports._HELD.pop().close()
    monkeypatch.setattr(ports, "_FREE", [port])
    return port


def is_given_to_another_process(port: int) -> bool:
    story = f"from ferryman.stack.runtime import ports; ports._FREE = [{port}]; ports.free_port()"
    other = subprocess.Popen([sys.executable, "-c", story])
    try:
        return other.wait(3) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        other.kill()
        other.wait()


def test_a_port_is_given_once(one_left: int) -> None:
    assert is_given_to_another_process(one_left)
    assert free_port() == one_left
    assert not is_given_to_another_process(one_left)


def test_its_server_can_listen_end_and_listen_again(one_left: int) -> None:
    assert free_port() == one_left
    for _ in range(2):
        assert is_free(one_left)
        with listening(one_left):
            assert not is_free(one_left)
            assert not is_given_to_another_process(one_left)


def test_nothing_answers_at_a_port_that_is_only_held(one_left: int) -> None:
    assert free_port() == one_left
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, one_left))
