"""What ConnectorRestartApiIntegrationTest asks of a worker: which instances each kind of restart starts."""

import re
from collections import Counter

import pytest

from tests.kafkatest.configs import source
from tests.kafkatest.connect import Connect
from tests.kafkatest.report.differences import ANSWER_TO_A_RESTART, STARTED_AGAIN
from tests.running import until

TASKS = 2


def tasks(name: str) -> list[str]:
    return [f"{name}-{number}" for number in range(TASKS)]


def restart(connect: Connect, name: str, only_failed: bool, include_tasks: bool) -> set[str]:
    """Restarts; returns what of it the answer shows as RESTARTING."""
    query = f"onlyFailed={str(only_failed).lower()}&includeTasks={str(include_tasks).lower()}"
    answer = connect.ask("POST", f"/connectors/{name}/restart?{query}")
    if not only_failed and not include_tasks:
        assert (answer.status_code, answer.content) == (204, b"")
        return {name}
    assert answer.status_code == 202, answer.text
    shown = answer.json()
    states = {name: shown["connector"]["state"]}
    states |= {f"{name}-{task['id']}": task["state"] for task in shown["tasks"]}
    return {each for each, state in states.items() if state == "RESTARTING"}


def settles(connect: Connect, name: str, expected: "Counter[str]") -> None:
    """Waits until connector and tasks have started as often as this; later ones would be seen by the next restart."""
    until(lambda: connect.starts(name) >= expected, what=f"{dict(expected)}, not {dict(connect.starts(name))}")
    assert connect.starts(name) == expected


@pytest.mark.parametrize("only_failed", [False, True])
@pytest.mark.parametrize("include_tasks", [False, True])
def test_nobody_is_restarted_who_is_not_there(connect: Connect, only_failed: bool, include_tasks: bool) -> None:
    query = f"onlyFailed={str(only_failed).lower()}&includeTasks={str(include_tasks).lower()}"
    assert connect.refused(404, "POST", f"/connectors/nobody/restart?{query}") == "Unknown connector: nobody"


def test_a_restart_starts_what_it_names_of_a_running_connector_and_nothing_else(connect: Connect, unique: str) -> None:
    connect.configure(unique, source(unique))
    connect.runs(unique, TASKS)
    known = Counter([unique, *tasks(unique)])
    settles(connect, unique, known)
    for only_failed, include_tasks, again in (
        (True, False, []),
        (True, True, []),
        (False, False, [unique]),
        (False, True, [unique, *tasks(unique)]),
    ):
        assert restart(connect, unique, only_failed, include_tasks) == set(again)
        known += Counter(again)
        settles(connect, unique, known)
        connect.runs(unique, TASKS)
    until(lambda: connect.stops(unique) == Counter(tasks(unique)), what="the end of each task, once")


@pytest.mark.parametrize(("only_failed", "include_tasks"), [(False, False), (False, True), (True, True)])
def test_a_failed_connector_is_restarted_and_has_no_tasks(
    connect: Connect, unique: str, only_failed: bool, include_tasks: bool
) -> None:
    connect.configure(unique, source(unique, connector_start_inject_error="true"))
    connect.has_failed(unique, 0)
    before = connect.starts(unique)
    if connect.whose.differs(ANSWER_TO_A_RESTART) or only_failed or include_tasks:
        restart(connect, unique, only_failed, include_tasks)
    else:
        connect.refused(500, "POST", f"/connectors/{unique}/restart")
    until(lambda: connect.starts(unique) > before, what="another start")
    connect.has_failed(unique, 0)
    assert connect.whose.differs(STARTED_AGAIN) or connect.starts(unique) == before + Counter([unique])


@pytest.mark.parametrize(
    ("only_failed", "include_tasks", "itself", "its_tasks"),
    [(False, False, 1, 0), (True, True, 0, 1), (True, False, 0, 0), (False, True, 1, 1)],
)
def test_failed_tasks_are_restarted_where_tasks_are_included(
    connect: Connect, unique: str, only_failed: bool, include_tasks: bool, itself: int, its_tasks: int
) -> None:
    failing = {f"task-{task}.start.inject.error": "true" for task in tasks(unique)}
    connect.configure(unique, {**source(unique), **failing})
    connect.becomes(unique, "RUNNING", ["FAILED"] * TASKS)
    before = connect.starts(unique)
    again = [unique] * itself + tasks(unique) * its_tasks
    assert restart(connect, unique, only_failed, include_tasks) == set(again)
    settles(connect, unique, before + Counter(again))
    connect.becomes(unique, "RUNNING", ["FAILED"] * TASKS)


def test_of_several_tasks_only_the_failed_one_is_restarted(connect: Connect, unique: str) -> None:
    connect.configure(unique, {**source(unique), f"task-{unique}-1.start.inject.error": "true"})
    connect.becomes(unique, "RUNNING", ["RUNNING", "FAILED"])
    until(lambda: connect.starts(unique)[f"{unique}-0"] == 1)
    before = connect.starts(unique)
    assert restart(connect, unique, only_failed=True, include_tasks=True) == {f"{unique}-1"}
    settles(connect, unique, before + Counter([f"{unique}-1"]))
    connect.becomes(unique, "RUNNING", ["RUNNING", "FAILED"])


def test_the_answer_to_a_restart_says_why_what_it_restarts_had_failed(connect: Connect, unique: str) -> None:
    connect.configure(unique, {**source(unique), f"task-{unique}-1.start.inject.error": "true"})
    connect.becomes(unique, "RUNNING", ["RUNNING", "FAILED"])
    trace = connect.status(unique)["tasks"][1]["trace"]
    answer = connect.call("POST", f"/connectors/{unique}/restart?includeTasks=true", expect=202)
    shown = {task["id"]: task.get("trace") for task in answer["tasks"]}
    assert shown == {0: None, 1: trace}


def test_a_single_task_is_restarted(connect: Connect, unique: str) -> None:
    connect.configure(unique, source(unique))
    connect.runs(unique, TASKS)
    known = Counter([unique, *tasks(unique)])
    settles(connect, unique, known)
    connect.call("POST", f"/connectors/{unique}/tasks/1/restart", expect=204)
    settles(connect, unique, known + Counter([f"{unique}-1"]))
    connect.runs(unique, TASKS)
    text = connect.refused(404, "POST", f"/connectors/{unique}/tasks/7/restart")
    assert re.fullmatch(rf"Unknown task: {unique}-7", text)
