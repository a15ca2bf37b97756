"""Kafka Connect's REST API: a table of endpoints over a herder."""

import asyncio
from collections.abc import Awaitable
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ferryman.config import split_list
from ferryman.errors import RequestError
from ferryman.rest import routes
from ferryman.rest.authentication import Authentication
from ferryman.rest.bodies import Bodies
from ferryman.rest.endpoints import Call, Rest
from ferryman.rest.forwarding import SPENT, OtherWorkers
from ferryman.rest.http_messages import Answer, Guard, failure, plain, segments, takes_json
from ferryman.rest.openapi.description import JSON
from ferryman.rest.routes import Endpoint
from ferryman.settings import response_headers
from ferryman.settings.settings import Settings
from ferryman.settings.worker_keys import WorkerConfig
from ferryman.worker import askers
from ferryman.worker.herder import Forward, Herder

HERDER_SECONDS = 90.0
"""Seconds that a request waits for the herder. What it asked for goes on without it."""
ADMIN = "admin"
"""Begins the paths that ``admin.listeners`` may serve apart."""


def app(herder: Herder, settings: Settings) -> Starlette:
    """The application for the ASGI server of ``listeners``. Its answers show no resolved reference and no secret but
    those in configs as they were posted."""
    return apps(herder, settings)[0]


def apps(herder: Herder, settings: Settings) -> tuple[Starlette, Starlette]:
    """The applications for ``listeners`` and for ``admin.listeners``."""
    shared = _Shared(herder, settings)
    main, admin = Starlette(middleware=_cross_origin(settings)), Starlette()
    # A route's pattern would not match every path, such as one with a line end.
    main.router.default = _Dispatch(shared, settings.config, admin=False)
    admin.router.default = _Dispatch(shared, settings.config, admin=True)
    return main, admin


class _Shared:
    """What all listeners of a worker have in common."""

    def __init__(self, herder: Herder, settings: Settings) -> None:
        self.rest = Rest(herder, settings)
        self.bodies = Bodies()
        self.authentication = Authentication(settings)
        self.others = OtherWorkers(settings)


def _cross_origin(settings: Settings) -> list[Middleware]:
    config = settings.config
    origins = [part for part in split_list(config.access_control_allow_origin) if part]
    if not origins:
        return []
    methods = [part for part in split_list(config.access_control_allow_methods) if part]
    asks = settings.rest.access is not None or settings.rest.login_files is not None
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=methods or ["GET", "POST", "HEAD"],
            allow_headers=[
                "X-Requested-With",
                "Content-Type",
                "Accept",
                "Origin",
                *(("Authorization",) if asks else ()),
            ],
        )
    ]


class _Dispatch:
    """Finds a request's endpoint by the parts of its raw path, and makes an answer of whatever happens."""

    def __init__(self, shared: _Shared, settings: WorkerConfig, *, admin: bool) -> None:
        self.shared, self.admin = shared, admin
        self.guard = Guard.from_config(settings, admin=admin)
        self.headers = response_headers.parse(settings.response_http_headers_config)
        self.admin_elsewhere = settings.admin_listeners is not None
        self.running: set[asyncio.Future[Answer]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._respond(Request(scope, receive))
        own = {name.lower() for name in response.headers}
        for rule in self.headers:
            if rule.name.lower() in own:
                continue  # what the answer says itself, such as of which type it is
            if rule.replaces:
                response.headers[rule.name] = rule.text()
            else:
                response.headers.append(rule.name, rule.text())
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        try:
            return _at_the_address_asked(request, (await self._answer(request)).response())
        except Exception as error:
            return failure(error, _said(request)).response()

    async def _answer(self, request: Request) -> Answer:
        refusal = self.guard.refuses(request)
        if refusal:
            raise RequestError(403, refusal)
        path = segments(request)
        methods = routes.methods(path) if self._serves(path) else None
        if methods is None:
            return await self._refused(request, path, known=False) or plain(HTTPStatus.NOT_FOUND)
        allowed = ", ".join([*methods, *(["HEAD"] if "GET" in methods else []), "OPTIONS"])
        route = methods.get("GET" if request.method == "HEAD" else request.method)
        if not (routes.is_internal(request.method, path) and self._spared()):
            known = route is not None or request.method == "OPTIONS"
            if unknown := await self._refused(request, path, known=known):
                return unknown
        if request.method == "OPTIONS":
            return Answer(200, headers={"Allow": allowed})
        if route is None:
            return plain(HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": allowed})
        if route[1].media_type == JSON and not takes_json(request):
            return plain(HTTPStatus.NOT_ACCEPTABLE)
        call = Call(request, routes.variables(path))
        if request.method not in routes.WITH_BODY:
            return await self._done_here_or_there(route[0], call)
        async with self.shared.bodies.read(request) as content:
            request.state.content = content
            return await self._done_here_or_there(route[0], call)

    def _spared(self) -> bool:
        signed = self.shared.rest.herder.session() is not None
        return self.shared.authentication.spares_internal(signed=signed)

    def _serves(self, path: tuple[str, ...]) -> bool:
        if not self.admin_elsewhere:
            return True
        return (path[:1] == (ADMIN,)) == self.admin

    async def _refused(self, request: Request, path: tuple[str, ...], *, known: bool) -> Answer | None:
        return await self.shared.authentication.refuses(request, path, admin=self.admin or not known)

    async def _done_here_or_there(self, endpoint: Endpoint, call: Call) -> Answer:
        try:
            return await self._within_time(_asked(endpoint(self.shared.rest, call), call.request))
        except Forward as target:
            if await _nobody_waits(call.request):
                raise RequestError(409, SPENT) from None
            return await _asked(self.shared.others.forward(call, target), call.request)

    async def _within_time(self, call: Awaitable[Answer]) -> Answer:
        # Not cancelled when the client gives up: half of a create or delete would be worse than all of it.
        running = asyncio.ensure_future(call)
        self.running.add(running)
        running.add_done_callback(self._done)
        try:
            return await asyncio.wait_for(asyncio.shield(running), HERDER_SECONDS)
        except TimeoutError:
            stage = self.shared.rest.herder.stage()
            raise RequestError(500, f"Request timed out. {stage.summary}" if stage else "Request timed out") from None

    def _done(self, call: asyncio.Future[Answer]) -> None:
        self.running.discard(call)
        if not call.cancelled():
            call.exception()  # the client that waited for it may have gone


async def _asked(doing: Awaitable[Answer], request: Request) -> Answer:
    with askers.on_behalf_of(lambda: _nobody_waits(request)):
        return await doing


async def _nobody_waits(request: Request) -> bool:
    """Whether the client has gone. A request may have lain in the socket of a worker that slept, while whoever made it
    gave up and asked another worker, perhaps for more; done after that it would undo it."""
    # The first look may find the body that nobody has read.
    return await request.is_disconnected() or await request.is_disconnected()


def _at_the_address_asked(request: Request, response: Response) -> Response:
    """The same with a Location that is a whole URL, as Jersey has it: of whomever the client asked."""
    if path := response.headers.get("location"):
        response.headers["location"] = f"{str(request.base_url).rstrip('/')}{path}"
    return response


def _said(request: Request) -> tuple[str, ...]:
    """The words in a request's path. They may be shown to the client, which sent them; hiding one would reveal that it
    is somebody's secret."""
    try:
        return segments(request)
    except RequestError:
        return ()
