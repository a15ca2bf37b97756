"""A database whose URL holds no password gets none that the worker happens to have."""

import os
import socket
import struct
import subprocess
import sys
from pathlib import Path
from threading import Thread

from ferryman.settings import ambient, config_providers

CONNECT = """
import sys
from ferryman.settings import ambient
ambient.withhold()
import psycopg
try:
    psycopg.connect(sys.argv[1], connect_timeout=5)
except psycopg.OperationalError as error:
    print(error)
"""


class Asking:
    """A server that asks every client for its password, in clear, and remembers what it got."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.passwords: list[bytes] = []
        Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        return f"postgresql://someone@127.0.0.1:{self.listening.getsockname()[1]}/x?sslmode=disable"

    def _serve(self) -> None:
        while True:
            client, _ = self.listening.accept()
            with client:
                client.recv(4096)
                client.sendall(b"R" + struct.pack("!ii", 8, 3))
                self.passwords.append(client.recv(4096))


def test_no_password_of_the_environment_or_of_a_file_is_sent(tmp_path: Path) -> None:
    passwords = tmp_path / ".pgpass"
    passwords.write_text("*:*:*:*:canary-file\n")
    passwords.chmod(0o600)
    for more in ({"PGPASSWORD": "canary-variable"}, {"HOME": str(tmp_path)}, {"PGPASSFILE": str(passwords)}):
        server = Asking()
        command = [sys.executable, "-c", CONNECT, server.url]
        said = subprocess.run(command, env={**os.environ, **more}, capture_output=True, text=True, check=True).stdout
        assert "no password supplied" in said
        assert [each for each in server.passwords if b"canary" in each] == []


def test_a_password_of_the_config_is_sent() -> None:
    server = Asking()
    url = server.url.replace("someone@", "someone:canary@")
    subprocess.run([sys.executable, "-c", CONNECT, url], env={**os.environ, "PGPASSWORD": "other"}, check=True)
    assert [each for each in server.passwords if b"canary" in each]


def test_a_config_provider_still_finds_what_was_there() -> None:
    lookup = config_providers.variable_provider({})
    environment = {"PGPASSWORD": "x", "PATH": "/bin"}
    ambient.withhold(environment)
    assert "PGPASSWORD" not in environment
    assert environment["PATH"] == "/bin"
    assert lookup("", "PATH") == os.environ["PATH"]
