"""A mail server that keeps what it gets: aiosmtpd, in a process of its own. ``mailbox.py`` reads the messages."""

import socket
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from ferryman.stack.runtime.errors import StackError
from ferryman.stack.runtime.ports import HOST
from ferryman.stack.runtime.process import Launch
from ferryman.stack.runtime.service import Place, Service


def _launch(place: Place) -> Launch:
    if find_spec("aiosmtpd") is None:
        raise StackError("the embedded stack is an extra: pip install 'ferryman[stack]'")
    server = (sys.executable, "-P", "-m", "ferryman.stack.servers.mail_process")
    return Launch((*server, HOST, str(place.ports["smtp"]), str(place.directory)))


def _answers(_directory: Path, ports: Mapping[str, int]) -> bool:
    # A server that speaks TLS from the first byte says nothing until it is spoken to.
    with socket.create_connection((HOST, ports["smtp"]), timeout=2) as connection:
        connection.settimeout(0.3)
        try:
            greeting = connection.recv(4)
        except TimeoutError:
            return True
        connection.sendall(b"QUIT\r\n")
        return greeting == b"220 "


MAIL = Service(
    name="mail",
    ports={"smtp": 1025},
    address=lambda port: f"{HOST}:{port}",
    launch=_launch,
    answers=_answers,
)
