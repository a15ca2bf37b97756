"""The requests that the Stripe source makes, listened to where they would leave for the server."""

from collections.abc import Callable, Iterator

import httpx

from ferryman.effects import Effect

_HIDDEN = "authorization"
_USUAL = ("accept", "accept-encoding", "connection", "host", "user-agent")


def first_requests(poll: Callable[[httpx.BaseTransport], None]) -> Iterator[Effect]:
    """What a poll asks, whose every request is answered with no event."""
    made: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        made.append(request)
        return httpx.Response(200, json={"object": "list", "data": [], "has_more": False})

    poll(httpx.MockTransport(answer))
    for request in made:
        url = str(request.url)
        headers = {name: _shown(name, value) for name, value in request.headers.items() if name not in _USUAL}
        lines = [f"{name}: {value}" for name, value in headers.items()]
        yield Effect("request", f"{request.method} {url}", "\n".join(lines), {"headers": headers})


def _shown(name: str, value: str) -> str:
    return f"{value.partition(' ')[0]} [hidden]" if name == _HIDDEN else value
