"""The way to a database's server, for a look that says where it ends: the name, the port, what listens there."""

from ferryman.findings import Finding, mend
from ferryman.reach import connectivity, remedies
from ferryman.reach.remedies import Keys

ANSWER_SECONDS = 5.0
"""For a connection, and for a server's first words."""
_KEYS = Keys.of_url("connection.url", "connection.url")


def unreachable(subject: str, host: str, port: int) -> Finding | None:
    """What stands between us and something that listens there; None if nothing does."""
    found = connectivity.unreachable(host, port, ANSWER_SECONDS)
    return None if found is None else remedies.finding(subject, found, _KEYS)


def wrong_server(subject: str, host: str, port: int, name: str) -> Finding:
    """What listens there is not the server that is meant."""
    what = "correct host and port in connection.url"
    return mend(subject, f"what listens at {host}:{port} does not speak as {name} does", what)


def first_answer(host: str, port: int, said: bytes, size: int) -> bytes:
    """What a server says first, or to what it is told: up to so many bytes, as many as come at once; none in time are
    none."""
    return connectivity.answer(host, port, said, size, ANSWER_SECONDS)
