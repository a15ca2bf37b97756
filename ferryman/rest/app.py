"""Kafka Connect's REST API: a table of endpoints over a herder."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ferryman.errors import RequestError
from ferryman.rest import endpoints as calls
from ferryman.rest.bodies import Bodies
from ferryman.rest.endpoints import Call, Rest
from ferryman.rest.http_messages import Answer, Guard, failure, plain, segments, takes_json
from ferryman.settings import response_headers
from ferryman.settings.settings import Settings
from ferryman.settings.worker_keys import WorkerConfig
from ferryman.worker.herder import Herder

TIMEOUT = 90.0
"""Seconds that a request waits for the herder. What it asked for goes on without it."""
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
Endpoint = Callable[[Rest, Call], Awaitable[Answer]]

ENDPOINTS: Mapping[str, Mapping[str, Endpoint]] = {
    "/": {"GET": calls.root},
    "/health": {"GET": calls.health},
    "/connectors": {"GET": calls.connectors, "POST": calls.create},
    "/connectors/*": {"GET": calls.connector, "DELETE": calls.delete},
    "/connectors/*/config": {"GET": calls.config, "PUT": calls.put_config, "PATCH": calls.patch_config},
    "/connectors/*/status": {"GET": calls.status},
    "/connectors/*/restart": {"POST": calls.restart},
    "/connectors/*/pause": {"PUT": calls.pause},
    "/connectors/*/resume": {"PUT": calls.resume},
    "/connectors/*/stop": {"PUT": calls.stop},
    "/connectors/*/tasks": {"GET": calls.tasks},
    "/connectors/*/tasks/*/status": {"GET": calls.task_status},
    "/connectors/*/tasks/*/restart": {"POST": calls.restart_task},
    "/connectors/*/topics": {"GET": calls.topics},
    "/connectors/*/topics/reset": {"PUT": calls.reset_topics},
    "/connectors/*/offsets": {"GET": calls.offsets, "PATCH": calls.alter_offsets, "DELETE": calls.reset_offsets},
    "/connector-plugins": {"GET": calls.connector_plugins},
    "/connector-plugins/*/config": {"GET": calls.plugin_config},
    "/connector-plugins/*/config/validate": {"PUT": calls.validate},
    "/admin/loggers": {"GET": calls.loggers},
    "/admin/loggers/*": {"GET": calls.logger, "PUT": calls.set_logger},
}
_PATTERNS = [(tuple(part for part in path.split("/") if part), methods) for path, methods in ENDPOINTS.items()]


def app(herder: Herder, settings: Settings) -> Starlette:
    """The application for an ASGI server. Its answers show no resolved reference and no secret but those in configs as
    they were posted."""
    dispatch = _Dispatch(Rest(herder, settings), settings.config)
    served = Starlette(middleware=_cross_origin(settings.config))
    served.router.default = dispatch  # a route's pattern would not match every path, such as one with a line end
    return served


def _cross_origin(settings: WorkerConfig) -> list[Middleware]:
    origins = [part.strip() for part in settings.access_control_allow_origin.split(",") if part.strip()]
    if not origins:
        return []
    methods = [part.strip() for part in settings.access_control_allow_methods.split(",") if part.strip()]
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=methods or ["GET", "POST", "HEAD"],
            allow_headers=["X-Requested-With", "Content-Type", "Accept", "Origin"],
        )
    ]


class _Dispatch:
    """Finds a request's endpoint by the parts of its raw path, and makes an answer of whatever happens."""

    def __init__(self, rest: Rest, settings: WorkerConfig) -> None:
        self.rest = rest
        self.guard = Guard.from_config(settings)
        self.headers = response_headers.parse(settings.response_http_headers_config)
        self.hidden = {"admin"} if settings.admin_listeners == [] else set[str]()
        self.bodies = Bodies()
        self.running: set[asyncio.Future[Answer]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._respond(Request(scope, receive))
        for rule in self.headers:
            if rule.replaces:
                response.headers[rule.name] = rule.text()
            else:
                response.headers.append(rule.name, rule.text())
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        try:
            return (await self._answer(request)).response()
        except Exception as error:
            return failure(error, _said(request)).response()

    async def _answer(self, request: Request) -> Answer:
        refusal = self.guard.refuses(request)
        if refusal:
            raise RequestError(403, refusal)
        path = segments(request)
        methods = None if path and path[0] in self.hidden else _methods(path)
        if methods is None:
            return plain(HTTPStatus.NOT_FOUND)
        allowed = ", ".join([*methods, "OPTIONS"])
        if request.method == "OPTIONS":
            return Answer(200, headers={"Allow": allowed})
        endpoint = methods.get("GET" if request.method == "HEAD" else request.method)
        if endpoint is None:
            return plain(HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": allowed})
        if not takes_json(request):
            return plain(HTTPStatus.NOT_ACCEPTABLE)
        call = Call(request, _variables(path))
        if request.method not in WITH_BODY:
            return await self._within_time(endpoint(self.rest, call))
        async with self.bodies.read(request) as content:
            request.state.content = content
            return await self._within_time(endpoint(self.rest, call))

    async def _within_time(self, call: Awaitable[Answer]) -> Answer:
        # Not cancelled when the client gives up: half of a create or delete would be worse than all of it.
        running = asyncio.ensure_future(call)
        self.running.add(running)
        running.add_done_callback(self._done)
        return await asyncio.wait_for(asyncio.shield(running), TIMEOUT)

    def _done(self, call: asyncio.Future[Answer]) -> None:
        self.running.discard(call)
        if not call.cancelled():
            call.exception()  # whoever waited for it may have gone


def _said(request: Request) -> tuple[str, ...]:
    """The words in a request's path. In an answer to whoever said them nothing is given away by them; to hide one would
    tell him that it is somebody's secret."""
    try:
        return segments(request)
    except RequestError:
        return ()


def _methods(path: tuple[str, ...]) -> Mapping[str, Endpoint] | None:
    for pattern, methods in _PATTERNS:
        if len(pattern) == len(path) and all(a in {"*", b} for a, b in zip(pattern, path, strict=True)):
            return methods
    return None


def _variables(path: tuple[str, ...]) -> tuple[str, ...]:
    return path[1::2] if path[:1] == ("connectors",) or path[:1] == ("connector-plugins",) else path[2:]
