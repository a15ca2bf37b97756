"""Makes runs of connectors that the worker has: has a process look at Kafka, and creates what comes of it."""

from collections.abc import Awaitable, Callable, Mapping

from ferryman.backfill.making import Run
from ferryman.backfill.request import Request
from ferryman.errors import RequestError
from ferryman.plugin_process import runs
from ferryman.task.setup import plugins
from ferryman.worker.control.plane import Plane
from ferryman.worker.herder import ConnectorInfo
from ferryman.worker.plugin_code.processes import Asked
from ferryman.worker.pool import Pool

LOOKING = "looking what a backfill of {} would read"
Create = Callable[[str, Mapping[str, str]], Awaitable[ConnectorInfo]]


class Backfills:
    """Those that REST asks for. ``create`` is what makes a connector."""

    def __init__(self, plane: Plane, create: Create) -> None:
        self._plane, self._create = plane, create
        self._pool = Pool("backfills", 2, 16)

    async def make(self, name: str, request: Request) -> Run:
        """Creates a run of a connector, unless the request is only to say what it would be. RequestError 404 if there
        is no such connector, 409 if the run is there already; ConfigError for what cannot be or would do harm."""
        await self._plane.members.lead()
        found = self._plane.journal.facts.of(name)
        if found.properties is None:
            raise RequestError(404, f"Connector {name} not found")
        live = {key: value for key, value in found.properties.items() if value is not None} | {"name": name}
        wanted = request.run_name(name)
        if self._plane.journal.facts.of(wanted).properties is not None:
            raise RequestError(409, f"Connector {wanted} already exists")
        made = await self._made(live, request)
        if not request.dry_run:
            await self._create(made.name, made.config)
        return made

    async def _made(self, live: Mapping[str, str], request: Request) -> Run:
        launch, owner, stage = self._plane.launch, self._plane.owner(live["name"]), LOOKING.format(live["name"])
        merged = request.merged(live)
        resolved, with_sets = await self._pool.run(
            stage, lambda: [launch.resolved(owner, raw).values for raw in (live, merged)]
        )
        rows = plugins.named(with_sets, launch.settings.values)
        asked = Asked(runs.question(live, request, resolved, with_sets), rows, stage, once=True)
        return runs.made(await launch.plugins.ask(asked))
