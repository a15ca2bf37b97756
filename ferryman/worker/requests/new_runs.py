"""Makes runs of connectors that the worker has: asks Kafka, and creates the run."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from confluent_kafka import KafkaException

from ferryman.backfill.making import Run
from ferryman.backfill.request import Request
from ferryman.dead_letters import query
from ferryman.errors import RequestError, RetriableError, TaskError
from ferryman.facts.states import TargetState
from ferryman.kafka.clients import Clients
from ferryman.plugin_process import runs
from ferryman.plugins import named
from ferryman.plugins.named import Row
from ferryman.replay import request as replays
from ferryman.replay.making import Making
from ferryman.replay.taking import Plan, Taking
from ferryman.runs.harm import ReplayVerdict
from ferryman.task.setup.crash_points import crash_point
from ferryman.telemetry.redaction import redact
from ferryman.telemetry.subject import about
from ferryman.worker.control.plane import Plane
from ferryman.worker.herder import ConnectorInfo
from ferryman.worker.plugin_code.processes import Asked
from ferryman.worker.pool import DEADLINE_SECONDS, Pool
from ferryman.worker.requests.runs import Runs

Outcome = TypeVar("Outcome")
LOOKING = "finding out what a backfill of {} would read"


class Acts(Protocol):
    """What makes connectors, and has them go."""

    async def create(
        self, name: str, config: Mapping[str, str], target: TargetState = TargetState.RUNNING
    ) -> ConnectorInfo:
        """See ``Herder``."""

    async def resume(self, name: str) -> None:
        """See ``Herder``."""

    async def delete(self, name: str) -> None:
        """See ``Herder``."""


class Backfills:
    """Backfills that REST asks for. ``runs`` knows of those that there were."""

    def __init__(self, plane: Plane, runs: Runs, act: Acts) -> None:
        self._plane, self._runs, self._act = plane, runs, act
        self._pool = Pool("backfills", 2, 16)

    async def make(self, name: str, request: Request) -> Run:
        """Creates a run of a connector, unless the request is only to say what it would be. RequestError 404 if there
        is no such connector, 409 if the run is there already, or was; ConfigError for what cannot be or would do
        harm."""
        await self._plane.members.lead()
        found = self._plane.journal.facts.of(name)
        if found.properties is None:
            raise RequestError(404, f"Connector {name} not found")
        live = {key: value for key, value in found.properties.items() if value is not None} | {"name": name}
        wanted = request.run_name(name)
        if self._plane.journal.facts.of(wanted).properties is not None:
            raise RequestError(409, f"Connector {wanted} already exists")
        made = await self._made(live, request)
        made = replace(made, done=await self._runs.left(made.name, made.config, name))
        if not request.dry_run:
            await self._act.create(made.name, made.config)
        return made

    async def _made(self, live: Mapping[str, str], request: Request) -> Run:
        resources, owner, stage = self._plane.resources, self._plane.owner(live["name"]), LOOKING.format(live["name"])
        merged = request.merged(live)
        resolved, with_sets = await self._pool.run(
            stage, lambda: [resources.resolved(owner, raw).values for raw in (live, merged)]
        )
        rows = named.named(with_sets, resources.settings.values)
        asked = Asked(runs.question(live, request, resolved, with_sets), rows, stage, once=True)
        return runs.run_of(await resources.plugins.ask(asked))


class Replays:
    """Replays of dead letters that REST asks for. ``runs`` knows of those that there are."""

    def __init__(self, plane: Plane, runs: Runs, act: Acts) -> None:
        self._plane, self._runs, self._act = plane, runs, act
        self._pool = Pool("replays", 2, 16)

    async def make(self, name: str, request: replays.Request) -> Mapping[str, Any]:
        """Has letters of a connector replayed, or sent to their topics, or only says what that would be. The answer's
        ``name`` is the run's, if one was made. RequestError 404 if there is no such connector or letter, 409 if
        somebody has taken the letters; ConfigError for what cannot be or would do harm."""
        await self._plane.members.lead()
        found = self._plane.journal.facts.of(name)
        if found.properties is None:
            raise query.unknown(name)
        live = {key: value for key, value in found.properties.items() if value is not None} | {"name": name}
        if request.to_topic:
            text = f"sending dead letters of {name} to their topics"
            return await self._with(text, live, request, Taking.sent)
        run = request.run_name(name, datetime.now(UTC))
        if self._plane.journal.facts.of(run).properties is not None:
            raise RequestError(409, f"Connector {run} already exists")
        text = f"finding out which dead letters of {name} can be replayed"
        plan = await self._with(text, live, request, lambda taking: taking.planned(run))
        if request.name and (done := await self._runs.left(run, plan.config, name)):
            plan = replace(plan, told={**plan.told, "records_done": done})
        return {**plan.told, "name": None} if request.dry_run else await self._begun(live, request, plan)

    async def _begun(self, live: Mapping[str, str], request: replays.Request, plan: Plan) -> Mapping[str, Any]:
        # It is stopped until its letters are marked: killed in between, it owns none and does no harm.
        await self._act.create(plan.name, plan.config, TargetState.STOPPED)
        crash_point("replay.made")
        text = f"marking the dead letters that {plan.name} replays"
        try:
            done = await self._with(text, live, request, lambda taking: taking.marked(plan))
        except RequestError as error:
            if error.status == 409:  # after others it is not known whether they are marked, and the run may own them
                await self._act.delete(plan.name)
            raise
        crash_point("replay.marked")
        await self._act.resume(plan.name)
        return done.told

    async def _with(
        self, stage: str, live: Mapping[str, str], request: replays.Request, call: Callable[[Taking], Outcome]
    ) -> Outcome:
        resources, owner, loop = self._plane.resources, self._plane.owner(live["name"]), asyncio.get_running_loop()

        def asked(
            question: Mapping[str, Any], rows: Sequence[Row], within: float = DEADLINE_SECONDS, once: bool = False
        ) -> Any:
            answer = resources.plugins.ask(Asked(question, rows, stage, once), within)
            return asyncio.run_coroutine_threadsafe(answer, loop).result()

        def judged(question: Mapping[str, Any]) -> ReplayVerdict:
            found: ReplayVerdict = asked(question, named.connector(question["config"]), once=True)
            return found

        def taken() -> Outcome:
            with owner.keeps(), about(live["name"]):
                resolution = resources.resolved(owner, live)
                clients = Clients(live["name"], 0, resources.settings.values, resolution.values, resources.identity)
                making = Making(live, lambda raw: resources.resolved(owner, raw).values, judged)
                try:
                    return call(Taking(making, request, clients, self._runs.replaying(), resolution, asked))
                except KafkaException as error:
                    text = f"Kafka does not answer what a replay needs to know: {error.args[0].str()}"
                    raise RequestError(500, redact(text)) from error
                except (RetriableError, TaskError) as error:
                    raise RequestError(500, str(error)) from error

        return await self._pool.run(stage, taken)
