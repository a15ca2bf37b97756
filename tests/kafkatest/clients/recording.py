"""What a client and a worker said to each other in the life of a connector, made anew or played again.

A recording is one JSON file for each client and mode of the worker: for each step what the client was asked, the
requests that it sent, what Kafka's own worker (4.3.1) answered, and what the client printed or returned.

    python -m tests.kafkatest.clients.recording [CLIENT …]

starts Kafka, Kafka's worker in each mode, brings the clients here, and writes the files anew.
"""

import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ferryman.stack import Stack
from tests.kafkatest.clients.clients import CLIENTS, Client
from tests.kafkatest.clients.life import AWAITED, FOLDER, LIFE, UNIQUE, WORKER, Step
from tests.kafkatest.clients.plain import plain
from tests.kafkatest.clients.tap import Answer, Exchange, Request, ask, tapped
from tests.kafkatest.connect import Connect, cluster, worker_settings
from tests.kafkatest.whose import KAFKAS, Whose
from tests.running import fresh

Said = dict[str, Any]
"""One step of a recording."""


def file_of(client: Client, whose: Whose) -> Path:
    return Path(__file__).parent / "recorded" / f"{client}-{whose.mode}.json"


def read(client: Client, whose: Whose) -> list[Said]:
    recording = json.loads(file_of(client, whose).read_text())
    assert recording["version"] == client.version, f"{file_of(client, whose)} is of {recording['version']}"
    return list(recording["steps"])


class Places:
    """What stands for the test's name, folder and worker in a recording, and what they are now."""

    def __init__(self, connect: Connect, unique: str, folder: Path) -> None:
        self.worker = connect.nodes[0].url.removeprefix("http://")
        self._now = {UNIQUE: unique, FOLDER: str(folder), WORKER: self.worker}
        (folder / "input").write_text("a\nb\n")

    def now(self, recorded: Any) -> Any:
        """A value of a recording with the places of this test."""
        return _replaced(recorded, self._now)

    def recorded(self, now: Any, tap: str = "") -> Any:
        """A value of this test with what stands for its places."""
        address = {tap.removeprefix("http://"): WORKER} if tap else {}
        return _replaced(now, {place: mark for mark, place in self._now.items()} | address)


def _replaced(value: Any, words: Mapping[str, str]) -> Any:
    text = json.dumps(value)
    for old, new in words.items():
        text = text.replace(json.dumps(old)[1:-1], json.dumps(new)[1:-1])
    return json.loads(text)


def lived(client: Client, connect: Connect, unique: str, folder: Path) -> Iterator[Said]:
    """What is said when a real client leads a connector through its life."""
    places = Places(connect, unique, folder)
    home = folder / "client"
    home.mkdir()
    with tapped(places.worker) as tap, client.opened(tap.url, home) as do:
        for step in LIFE:
            if step.do in client.lacks:
                continue
            now = Step(**places.now(step.__dict__))
            _await(connect, now)
            returned, exchanges = do(now), tap.taken()
            while any(_rebalancing(each.answer) for each in exchanges):
                returned, exchanges = do(now), tap.taken()
            yield {
                "step": step.__dict__,
                "exchanges": [_written(places, step.do, each, tap.url) for each in exchanges],
                "returned": plain(step.do, places.recorded(returned, tap.url), passing=step.do.startswith("restart")),
            }


def played(steps: list[Said], connect: Connect, unique: str, folder: Path) -> Iterator[tuple[Said, list[Said]]]:
    """Each step of a recording, with the exchanges when its requests are sent again, one after the other."""
    places = Places(connect, unique, folder)
    for said in steps:
        step = Step(**places.now(said["step"]))
        _await(connect, step)
        requests = [Request(**places.now(each["request"])) for each in said["exchanges"]]
        yield said, [_written(places, step.do, _asked(places.worker, each)) for each in requests]


def _asked(worker: str, request: Request) -> Exchange:
    answer, _ = ask(worker, request)
    while _rebalancing(answer):
        answer, _ = ask(worker, request)
    return Exchange(request, answer)


def _await(connect: Connect, step: Step) -> None:
    if step.after is not None:
        AWAITED[step.after](connect, step.name)


def _rebalancing(answer: Answer) -> bool:
    """Whether a worker of a group asks to try again; a client that lives through it is not what is tried here."""
    return answer.status == 409 and re.search("rebalance|stale", str(answer.body)) is not None


def _written(places: Places, do: str, exchange: Exchange, tap: str = "") -> Said:
    written: Said = places.recorded(exchange.written(), tap)
    passing = exchange.request.method == "GET" and do.startswith("restart")
    written["answer"]["body"] = plain(do, written["answer"]["body"], passing)
    return written


def main(*names: str) -> None:
    """Records the clients of these names, or all."""
    with Stack(("kafka",)) as stack, tempfile.TemporaryDirectory() as scratch:
        for whose in KAFKAS:
            name = fresh("recording")
            folder = Path(scratch) / name
            folder.mkdir()
            with cluster(whose, folder, worker_settings(stack.addresses["kafka"], name)) as connect:
                for client in CLIENTS:
                    if not names or client.name in names:
                        _record(client, connect, folder / client.name)


def _record(client: Client, connect: Connect, folder: Path) -> None:
    if client.needs is not None and shutil.which(client.needs) is None:
        sys.exit(f"{client} needs {client.needs}, which is not installed")
    folder.mkdir()
    steps = list(lived(client, connect, fresh("recording"), folder))
    lines = ",\n".join(json.dumps(each) for each in steps)
    version = json.dumps(client.version)
    file_of(client, connect.whose).write_text(f'{{"version": {version}, "steps": [\n{lines}\n]}}\n')
    print(f"{client}, {connect.whose}: {len(steps)} steps")


if __name__ == "__main__":
    main(*sys.argv[1:])
