"""Endpoints that workers of one group call on their leader. Their requests are signed (KIP-507)."""

from typing import Any

from ferryman.errors import RequestError
from ferryman.rest import http_messages
from ferryman.rest.endpoints import Call, Rest
from ferryman.rest.http_messages import Answer
from ferryman.rest.signatures import Signature, check

VERSION = "version"


async def put_task_configs(rest: Rest, call: Call) -> Answer:
    """Takes over what a connector that runs elsewhere wants its tasks to be."""
    configs = _configs(await http_messages.body(call.request, numbers_as_text=True))
    _check_signature(rest, call)
    await rest.herder.put_task_configs(call.name, configs, _version(call))
    return Answer(204)


async def fence(rest: Rest, call: Call) -> Answer:
    """Makes sure that no former task of a source can still write."""
    _check_signature(rest, call)
    await rest.herder.fence(call.name)
    return Answer(204)


def _version(call: Call) -> int | None:
    """The version of the config that the tasks are made of; None if that is not said."""
    given = http_messages.parameter(call.request, VERSION)
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and len(given) < 20):
        raise RequestError(400, f"{VERSION} must be an offset of the config topic")
    return int(given)


def _check_signature(rest: Rest, call: Call) -> None:
    signature = Signature.read(call.request.headers, call.request.state.content)
    session = rest.herder.session()
    if session is not None:
        check(signature, session.key, session.algorithms)


def _configs(posted: Any) -> list[dict[str, str]]:
    if not isinstance(posted, list):
        raise RequestError(400, "A list of task configs is expected")
    found = [http_messages.config(each, "a task config") for each in posted]
    return [{key: value for key, value in each.items() if value is not None} for each in found]
