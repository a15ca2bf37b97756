"""What TLS has to say when a handshake fails. asyncio closes the connection and throws it away, so that a client which
shows no certificate where one is required would only see that nobody answers."""

import ssl
from contextvars import ContextVar

_said: ContextVar[list[bytes]] = ContextVar("said")


def listen() -> list[bytes]:
    """What is said, when they fail, in handshakes that begin from here on in this asyncio task."""
    found = list[bytes]()
    _said.set(found)
    return found


class _OverheardObject(ssl.SSLObject):
    outgoing: ssl.MemoryBIO
    said: list[bytes]

    def do_handshake(self) -> None:
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError:
            self.said.append(self.outgoing.read())
            raise


class OverheardContext(ssl.SSLContext):
    """A context whose handshakes can be listened to."""

    sslobject_class = _OverheardObject

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """As ssl does it."""
        found = super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)
        assert isinstance(found, _OverheardObject)
        found.outgoing, found.said = outgoing, _said.get([])
        return found
