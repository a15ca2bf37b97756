"""What each REST endpoint does: a call of the herder, and its outcome as an answer."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from starlette.requests import Request

from ferryman import __version__
from ferryman.config import trim
from ferryman.config_fields import NULL
from ferryman.dead_letters import query
from ferryman.errors import ConfigError, KeyProblem, RequestError
from ferryman.facts.states import TargetState
from ferryman.java.numbers import parsed_integer
from ferryman.java.version_ranges import LATEST
from ferryman.metrics import exposition
from ferryman.replay import request as replays
from ferryman.rest import answers, backfill_body, http_messages, offsets_body
from ferryman.rest.http_messages import Answer, PlainText
from ferryman.settings.settings import Settings
from ferryman.telemetry.loggers import named
from ferryman.worker.herder import Herder

KAFKA_VERSION = "4.1.0"
"""The release whose REST API this is. Clients switch features on by it (kcctl reads the first two numbers)."""
AT_ONCE = 32
"""How many connectors of a list are described at a time, in less than a millisecond: other requests are answered in
between."""
CLUSTER_TIMEOUT = 5.0
HEALTH_TIMEOUT = 10.0
_NOT_IN_TIME = "Worker was unable to handle this request and may be unable to handle other requests."
_STARTING = "Worker is still starting up."
_HEALTH_STATUS = {"healthy": 200, "starting": 503, "unhealthy": 500}


@dataclass(slots=True)
class Rest:
    """What the endpoints of one worker share."""

    herder: Herder
    settings: Settings
    was_healthy: bool = False
    """Whether the worker has ever been healthy: one that is not is starting before, unhealthy after."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request on its way to an endpoint."""

    request: Request
    parts: tuple[str, ...]
    """The variable parts of its path, from the left."""

    @property
    def name(self) -> str:
        """The connector's, plugin's or logger's name."""
        return self.parts[0]

    @property
    def task(self) -> int:
        """The task's number in the path; raises RequestError 404 for what is no number."""
        try:
            return parsed_integer(self.parts[1], 32)
        except ValueError:
            raise RequestError(404, "HTTP 404 Not Found") from None


async def root(rest: Rest, call: Call) -> Answer:
    """Answers even while the herder or Kafka does not."""
    try:
        cluster = await asyncio.wait_for(rest.herder.cluster_id(), CLUSTER_TIMEOUT)
    except Exception:
        cluster = None
    return Answer(200, {"version": KAFKA_VERSION, "commit": f"ferryman-{__version__}", "kafka_cluster_id": cluster})


async def health(rest: Rest, call: Call) -> Answer:
    """How the worker is (KIP-1017): 200 when healthy, 503 while it starts, 500 when unhealthy."""
    try:
        found = await asyncio.wait_for(rest.herder.health(), HEALTH_TIMEOUT)
        status, message = found.status, found.message
        rest.was_healthy |= status == "healthy"
    except TimeoutError:
        status, message = ("unhealthy", _NOT_IN_TIME) if rest.was_healthy else ("starting", _STARTING)
    stage = None if status == "healthy" else rest.herder.stage()
    text = f"{message} {stage.summary}" if stage else message
    return Answer(_HEALTH_STATUS[status], {"status": status, "message": text})


async def metrics(rest: Rest, call: Call) -> Answer:
    """What Prometheus scrapes, as text or as OpenMetrics; 404 where there are no metrics."""
    form, media_type = exposition.format_for(",".join(call.request.headers.getlist("accept")))
    found = rest.herder.metrics(form)
    if found is None:
        raise RequestError(404, "There are no metrics: ferryman.metrics.enable is false in the worker's settings")
    return Answer(200, PlainText(found, media_type))


async def connectors(rest: Rest, call: Call) -> Answer:
    """Names, or an object by name if any ``expand`` is asked for; connectors deleted meanwhile are left out."""
    names = await rest.herder.connectors()
    if "expand" not in call.request.query_params:
        return Answer(200, list(names))
    wanted = call.request.query_params.getlist("expand")
    found = {}
    for number, name in enumerate(names, 1):
        if number % AT_ONCE == 0:
            await asyncio.sleep(0)
        try:
            found[name] = {part: await _expanded(rest, name, part) for part in wanted if part in {"status", "info"}}
        except RequestError:
            continue
    return Answer(200, found)


async def _expanded(rest: Rest, name: str, part: str) -> answers.Json:
    if part == "status":
        return answers.status(await rest.herder.status(name))
    return answers.connector(await rest.herder.info(name))


async def create(rest: Rest, call: Call) -> Answer:
    """CreateConnectorRequest: name, config and initial_state (KIP-980)."""
    posted = await http_messages.body(call.request, numbers_as_text=True)
    if not isinstance(posted, dict) or not isinstance(posted.get("config"), dict):
        raise RequestError(400, "An object with name and config is expected")
    for key in posted.keys() - {"name", "config", "initial_state"}:
        raise RequestError(400, f'Unrecognized field "{key}": known are name, config, initial_state')
    name = trim(http_messages.text("name", posted.get("name")) or "")
    config = await _config(rest, name, http_messages.config(posted["config"]))
    target = _target(http_messages.text("initial_state", posted.get("initial_state")))
    info = await rest.herder.create(name, config, target)
    return Answer(201, answers.connector(info), _location(name))


def _target(state: str | None) -> TargetState:
    if state is None:
        return TargetState.RUNNING
    try:
        return TargetState(state.upper())
    except ValueError:
        raise RequestError(400, f"initial_state {state} is none of {', '.join(TargetState)}") from None


def _location(name: str) -> Mapping[str, str]:
    return {"Location": f"/connectors/{quote(name, safe='')}"}


async def _config(rest: Rest, name: str, config: dict[str, str | None]) -> dict[str, str]:
    """The config with its name, as the herder wants it; null values are reported with all else that is wrong."""
    named = _check_name(name, config)
    named.setdefault("name", name)
    given = {key: value for key, value in named.items() if value is not None}
    if len(given) == len(named):
        return given
    found = await rest.herder.plugins.validated(named)
    nulls = [KeyProblem(key, NULL) for key in named if key not in given]
    raise ConfigError(*(found.problems or nulls))


def _check_name(name: str, config: dict[str, str | None]) -> dict[str, str | None]:
    own = config.get("name")
    if own is not None and own != name:
        raise RequestError(
            400, f"Connector name configuration ({own}) doesn't match connector name in the URL ({name})"
        )
    return {key: value for key, value in config.items() if key != "name" or value is not None}


async def connector(rest: Rest, call: Call) -> Answer:
    """The connector as it was posted (ConnectorInfo)."""
    return Answer(200, answers.connector(await rest.herder.info(call.name)))


async def delete(rest: Rest, call: Call) -> Answer:
    """Forgets the connector; its offsets stay."""
    await rest.herder.delete(call.name)
    return Answer(204)


async def config(rest: Rest, call: Call) -> Answer:
    """The config exactly as posted, references unresolved."""
    return Answer(200, dict((await rest.herder.info(call.name)).config))


async def put_config(rest: Rest, call: Call) -> Answer:
    """Creates the connector (201) or replaces its config (200)."""
    posted = http_messages.config(await http_messages.body(call.request, numbers_as_text=True))
    done = await rest.herder.put(call.name, await _config(rest, call.name, posted))
    if done.created:
        return Answer(201, answers.connector(done.info), _location(call.name))
    return Answer(200, answers.connector(done.info))


async def patch_config(rest: Rest, call: Call) -> Answer:
    """Merges; null removes a key (KIP-477)."""
    posted = http_messages.config(await http_messages.body(call.request, numbers_as_text=True))
    if posted.get("name", "") is None:
        raise ConfigError.for_key("name", 'Missing required configuration "name" which has no default value.')
    return Answer(200, answers.connector(await rest.herder.patch(call.name, _check_name(call.name, posted))))


async def status(rest: Rest, call: Call) -> Answer:
    """The states of the connector and of its tasks (ConnectorStateInfo)."""
    return Answer(200, answers.status(await rest.herder.status(call.name)))


async def tasks(rest: Rest, call: Call) -> Answer:
    """The tasks' ids and configs."""
    return Answer(200, [answers.task_info(task) for task in await rest.herder.tasks(call.name)])


async def task_status(rest: Rest, call: Call) -> Answer:
    """The state of one task (TaskState)."""
    number = call.task
    try:
        found = (await rest.herder.status(call.name)).tasks[number]
    except (RequestError, KeyError):
        raise RequestError(404, f"No status found for task {call.name}-{number}") from None
    return Answer(200, answers.task(number, found))


async def logs(rest: Rest, call: Call) -> Answer:
    """The last lines of the log about the connector itself, from the worker that runs it."""
    return Answer(200, {"lines": list(await rest.herder.logs.of(call.name))})


async def task_logs(rest: Rest, call: Call) -> Answer:
    """The last lines of the log about one task, from the worker that runs it."""
    return Answer(200, {"lines": list(await rest.herder.logs.of(call.name, call.task))})


async def backfill(rest: Rest, call: Call) -> Answer:
    """Runs a part of a connector's history again, beside it: as a connector with bounds."""
    request = backfill_body.parsed(await http_messages.body(call.request))
    run = await rest.herder.backfills.make(call.name, request)
    if request.dry_run:
        return Answer(200, backfill_body.answer(run))
    return Answer(202, backfill_body.answer(run), {"Location": f"{_location(run.name)['Location']}/status"})


async def dead_letters(rest: Rest, call: Call) -> Answer:
    """The connector's dead letters by what was wrong with them, and the newest."""
    given = {name: http_messages.parameter(call.request, name) for name in query.PARAMETERS}
    wanted = {name: value for name, value in given.items() if value is not None}
    choice, scan, limit = query.parsed(wanted, call.name)
    found = await rest.herder.dead_letters.found(call.name, choice, scan, limit, query.only_open(wanted))
    return Answer(200, found)


async def dead_letter(rest: Rest, call: Call) -> Answer:
    """One dead letter: the record, where it lay, why it was refused, and what an edit would make of it."""
    partition, offset = query.place(call.parts[1])
    edit = http_messages.parameter(call.request, "edit")
    return Answer(200, await rest.herder.dead_letters.letter(call.name, partition, offset, edit))


async def replay(rest: Rest, call: Call) -> Answer:
    """Gives dead letters to the connector once more, in a run of their own, or sends them back to their topics."""
    request = replays.parsed(await http_messages.body(call.request), call.name)
    told = await rest.herder.replays.make(call.name, request)
    made = None if told["name"] is None else {"Location": f"{_location(told['name'])['Location']}/status"}
    return Answer(200, told) if made is None else Answer(202, told, made)


async def restart_task(rest: Rest, call: Call) -> Answer:
    """Starts the task's process anew, whatever state it is in."""
    await rest.herder.restart_task(call.name, call.task)
    return Answer(204)


async def restart(rest: Rest, call: Call) -> Answer:
    """The connector alone, or with what the parameters choose (KIP-745)."""
    include_tasks = http_messages.flag(call.request, "includeTasks", False)
    only_failed = http_messages.flag(call.request, "onlyFailed", False)
    planned = await rest.herder.restart(call.name, include_tasks, only_failed)
    return Answer(204) if planned is None else Answer(202, answers.status(planned))


async def pause(rest: Rest, call: Call) -> Answer:
    """Lets the tasks stand still; they keep what they hold. Of a paused connector it changes nothing."""
    await rest.herder.pause(call.name)
    return Answer(202)


async def resume(rest: Rest, call: Call) -> Answer:
    """Lets a paused or stopped connector go on. Of a running one it changes nothing."""
    await rest.herder.resume(call.name)
    return Answer(202)


async def stop(rest: Rest, call: Call) -> Answer:
    """Ends the tasks; config and offsets stay. Of a stopped connector it changes nothing."""
    await rest.herder.stop(call.name)
    return Answer(204)


async def topics(rest: Rest, call: Call) -> Answer:
    """Topics used; of an unknown connector none (KIP-558)."""
    _tracked(rest)
    return Answer(200, answers.topics(call.name, await rest.herder.topics(call.name)))


async def reset_topics(rest: Rest, call: Call) -> Answer:
    """Forgets which topics the connector has used; 403 where the worker's config forbids it."""
    _tracked(rest)
    if not rest.settings.config.topic_tracking_allow_reset:
        raise RequestError(403, "Topic tracking reset is disabled.")
    await rest.herder.reset_topics(call.name)
    return Answer(202)


def _tracked(rest: Rest) -> None:
    if not rest.settings.config.topic_tracking_enable:
        raise RequestError(403, "Topic tracking is disabled.")


async def offsets(rest: Rest, call: Call) -> Answer:
    """The offsets that the connector has committed (KIP-875)."""
    return Answer(200, {"offsets": [answers.offset(found) for found in await rest.herder.offsets(call.name)]})


async def alter_offsets(rest: Rest, call: Call) -> Answer:
    """Moves offsets of a stopped connector."""
    try:
        posted = await http_messages.body(call.request)
    except RequestError as error:
        raise offsets_body.unreadable(f"Cannot deserialize value: {error}") if error.status == 400 else error from None
    return Answer(200, {"message": await rest.herder.alter_offsets(call.name, offsets_body.offsets(posted))})


async def reset_offsets(rest: Rest, call: Call) -> Answer:
    """Forgets all offsets of a stopped connector."""
    return Answer(200, {"message": await rest.herder.reset_offsets(call.name)})


async def connector_plugins(rest: Rest, call: Call) -> Answer:
    """Connectors, and the other kinds with ``connectorsOnly=false`` (KIP-769)."""
    only = http_messages.flag(call.request, "connectorsOnly", True)
    found = await rest.herder.plugins.listed(only)
    return Answer(200, [answers.plugin(info) for info in found])


async def plugin_config(rest: Rest, call: Call) -> Answer:
    """The keys of a plugin of any kind, if it has the ``version`` asked for (KIP-891)."""
    version = http_messages.parameter(call.request, "version")
    found = await rest.herder.plugins.keys(call.name, LATEST if version is None else version)
    if found is None:
        raise RequestError(404, f"Unknown plugin {call.name}.")
    return Answer(200, list(found))


async def validate(rest: Rest, call: Call) -> Answer:
    """200 however many errors the config has."""
    posted = http_messages.config(await http_messages.body(call.request, numbers_as_text=True))
    given = posted.get("connector.class")
    if given is not None and not await _same(rest, trim(given), call.name):
        raise RequestError(400, f"Included connector type {given} does not match request type {call.name}")
    found = await rest.herder.plugins.validated(posted)
    return Answer(200, found.body)


async def _same(rest: Rest, given: str, asked: str) -> bool:
    return _short(given).endswith(_short(asked)) or await rest.herder.plugins.mean_the_same(given, asked)


def _short(name: str) -> str:
    return name.removesuffix("Connector") or name


async def loggers(rest: Rest, call: Call) -> Answer:
    """The root logger, our own, and those with a level of their own (KIP-495)."""
    return Answer(200, rest.herder.loggers.all())


async def logger(rest: Rest, call: Call) -> Answer:
    """The level of one logger (KIP-495); 404 if there is none of that name."""
    found = rest.herder.loggers.one(named(call.name))
    if found is None:
        raise RequestError(404, f"Logger {call.name} not found.")
    return Answer(200, found)


async def set_logger(rest: Rest, call: Call) -> Answer:
    """Here and in the tasks, until the worker restarts."""
    posted = await http_messages.body(call.request, numbers_as_text=True)
    level = http_messages.config(posted, "the level").get("level")
    if level is None:
        raise RequestError(400, "Desired 'level' parameter was not specified in request.")
    name = named(call.name)
    wanted = rest.herder.loggers.checked(name, level)
    cluster = (http_messages.parameter(call.request, "scope") or "").lower() == "cluster"
    touched = await rest.herder.set_level(name, wanted, cluster=cluster)
    return Answer(204) if cluster else Answer(200, touched)
