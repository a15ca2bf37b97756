"""A mail server that answers what it is told, byte for byte: what no proper server says, and some real ones do."""

import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

_USUAL = {"CONNECT": b"220 ready", "EHLO": b"250 hello", "DATA": b"354 go on", "QUIT": b"221 bye", ".": b"250 kept"}


@dataclass
class ScriptedServer:
    """What it answers to each command, ``.`` being the end of a message, and what it has heard."""

    answers: Mapping[str, bytes] = field(default_factory=dict)
    """By command, without the line's end; any other is answered with 250. Empty: it hangs up without a word."""
    heard: list[str] = field(default_factory=list)
    """The commands, without the messages."""
    messages: list[bytes] = field(default_factory=list)
    """The messages that were sent to it whole, whatever it then said."""
    address: str = ""


class _Session(socketserver.StreamRequestHandler):
    script: ScriptedServer

    def handle(self) -> None:
        on = self._answer("CONNECT")
        while on and (line := self.rfile.readline()):
            command = line.decode("latin-1").strip()
            self.script.heard.append(command)
            verb = command.partition(" ")[0].upper()
            on = self._answer(verb) and verb != "QUIT"
            if on and verb == "DATA" and self._said("DATA").startswith(b"354"):
                self._take_message()
                on = self._answer(".")

    def _take_message(self) -> None:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line)
        self.script.messages.append(b"".join(lines))

    def _said(self, verb: str) -> bytes:
        return self.script.answers.get(verb, _USUAL.get(verb, b"250 fine"))

    def _answer(self, verb: str) -> bool:
        said = self._said(verb)
        if said:
            self.wfile.write(said + b"\r\n")
        return bool(said)


@contextmanager
def scripted(**answers: bytes) -> Iterator[ScriptedServer]:
    """Runs a server while the block runs; ``end`` is its answer to a whole message."""
    by_command = {"." if name == "end" else name.upper(): answer for name, answer in answers.items()}
    script = ScriptedServer(by_command)
    handler = type("Session", (_Session,), {"script": script})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        script.address = "{}:{}".format(*server.server_address)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()
