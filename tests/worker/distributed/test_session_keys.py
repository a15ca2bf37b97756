"""Requests between workers while the key that they are signed with is changed all the time (KIP-507)."""

import json
import re
import time
from pathlib import Path

import httpx

from ferryman.facts.config_records import SessionKey, decode
from ferryman.rest.signatures import sign
from tests.running import WEB, Worker, consume, create_topic, distributed, group, until
from tests.worker.distributed.test_leaders import inventing, leading

SHORT = {"inter.worker.key.ttl.ms": "1000"}
ROTATIONS = 3
DAY = 86_400_000


def keys(kafka: str, name: str) -> list[SessionKey]:
    """The session keys of a group of this name, one after the other."""
    found = [decode(message.key(), message.value()) for message in consume(kafka, f"{name}-configs")]
    return [each for each in found if isinstance(each, SessionKey)]


def rotated(kafka: str, name: str) -> list[SessionKey]:
    """All keys, once there are some more."""
    before = len(keys(kafka, name))
    until(lambda: len(keys(kafka, name)) >= before + ROTATIONS, what="new keys", pause=0.3)
    return keys(kafka, name)


def asked(worker: Worker, path: str, key: SessionKey | None) -> httpx.Response:
    """An internal request, signed as another worker would."""
    content = json.dumps([]).encode()
    signed = {} if key is None else sign(key.key, content, key.algorithm)
    headers = {"content-type": "application/json", **signed}
    method = "PUT" if path.endswith("fence") else "POST"
    return WEB.request(method, worker.url + path, content=content, headers=headers)


def refusal(worker: Worker, path: str, key: SessionKey | None) -> tuple[int, str]:
    """The status and the message that an internal request is answered with."""
    answer = asked(worker, path, key)
    return answer.status_code, answer.json()["message"]


def leader(workers: list[Worker]) -> str:
    """The URL of the one that all of these say leads."""

    def named() -> set[str]:
        return {re.findall(r", led by (\S+?)/?[ ,]", each.said)[-1] for each in workers}

    until(lambda: len(named()) == 1, what="one leader")
    (url,) = named()
    return str(url)


def goes_on(workers: list[Worker], names: list[str], tasks: int) -> None:
    """What each worker is asked for reaches whom it is for: configs, restarts, and of a source the fencing, too."""
    for to, count in zip(workers, range(tasks, tasks + len(workers)), strict=True):
        for name in names:
            config = {**inventing(name, count), "exactly.once.support": "required"}
            until(lambda to=to, name=name, config=config: put(to, name, config), what=name, pause=0.3)  # type: ignore[misc]
        for name in names:
            for each in workers:
                all_run = ["RUNNING"] * (count + 1)
                until(lambda each=each, name=name, all_run=all_run: each.states(name) == all_run, what=f"{count} tasks")  # type: ignore[misc]
            for path in (f"tasks/{count - 1}/restart", "restart?includeTasks=true"):
                until(lambda to=to, name=name, path=path: restarted(to, name, path), what=path, pause=0.3)  # type: ignore[misc]


def put(worker: Worker, name: str, config: dict[str, str]) -> bool:
    """A group that shares its work out anew says 409, as Kafka Connect's."""
    status = WEB.put(f"{worker.url}/connectors/{name}/config", json=config).status_code
    assert status in (200, 201, 409)
    return status != 409


def restarted(worker: Worker, name: str, path: str) -> bool:
    status = WEB.post(f"{worker.url}/connectors/{name}/{path}").status_code
    assert status in (202, 204, 409)
    return status != 409


def test_workers_go_on_asking_each_other_while_keys_change_and_refuse_old_ones_whoever_leads(
    kafka: str, unique: str, tmp_path: Path
) -> None:
    names = [unique, f"{unique}-too"]  # one for each worker, so that one has to hand over what its connector makes
    for name in names:
        create_topic(kafka, name)
    chosen = distributed(kafka, unique, exactly_once_source_support="enabled") | SHORT
    with group(tmp_path, chosen, 2) as workers:
        for turn in range(2):
            known = rotated(kafka, unique)
            assert len({each.key for each in known}) == len(known)
            goes_on(workers, names, 1 + 2 * turn)
            for path in (f"/connectors/{unique}/tasks", f"/connectors/{unique}/fence"):
                for worker in workers:
                    for old in known[:-1]:
                        assert refusal(worker, path, old) == (403, "Internal request contained invalid signature.")
                    assert refusal(worker, path, None) == (400, "Internal request missing required signature")
            until(lambda: asked(workers[0], f"/connectors/{unique}/fence", keys(kafka, unique)[-1]).status_code == 204)
            if turn == 0:
                led = leader(workers)
                (former,) = [each for each in workers if each.url == led]
                (other,) = [each for each in workers if each.url != led]
                former.kill()
                until(lambda other=other: leader([other]) == other.url, what="another leader")  # type: ignore[misc]
                former.start()
        until(lambda: leader(workers) == other.url)


def test_a_key_of_a_time_to_come_is_replaced_at_once(kafka: str, unique: str, tmp_path: Path) -> None:
    future = SessionKey(b"k" * 32, "HmacSHA256", int(time.time() * 1000) + DAY)
    with leading(kafka, unique) as topic:
        topic.put_session_key(future)
    with group(tmp_path, distributed(kafka, unique, exactly_once_source_support="enabled"), 1):
        until(lambda: len(keys(kafka, unique)) == 2, what="another key")
    assert keys(kafka, unique)[-1].created < future.created - DAY / 2
