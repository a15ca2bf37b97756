"""Processes: killed, ended, paused and restarted, with records flowing."""

import signal
from contextlib import suppress
from pathlib import Path

from confluent_kafka.admin import AdminClient

from tests.reliability.flows import committed, file_sink, lines
from tests.running import Worker, alive, create_topic, produce, send, settings, until, worker


def numbered(first: int, last: int) -> list[bytes]:
    return [b"line %d" % number for number in range(first, last)]


def family(running: Worker) -> list[int]:
    """The worker and everything that descends from it."""
    assert running.process is not None
    found = [running.process.pid]
    for pid in found:
        children = Path(f"/proc/{pid}/task").glob("*/children")
        found += [int(child) for file in children for child in file.read_text().split()]
    return found


def test_a_killed_worker_leaves_no_process(tmp_path: Path, kafka: str, unique: str) -> None:
    create_topic(kafka, unique)
    with worker(tmp_path, settings(kafka, unique)) as running:
        running.create(file_sink(unique, tmp_path / "out.txt"))
        running.running(unique)
        family_of_it = family(running)
        assert running.pids(unique)[-1] in family_of_it
        running.kill()
        until(lambda: not any(alive(pid) for pid in family_of_it), 10)


def test_a_killed_task_is_started_again_by_itself(tmp_path: Path, kafka: str, running: Worker, unique: str) -> None:
    create_topic(kafka, unique)
    out = tmp_path / "out.txt"
    running.create(file_sink(unique, out))
    produce(kafka, unique, numbered(0, 10))
    until(lambda: len(lines(out)) == 10, 60)
    send(running.pids(unique)[-1], signal.SIGKILL)
    produce(kafka, unique, numbered(10, 20))
    until(lambda: len(lines(out)) == 20 and running.states(unique) == ["RUNNING", "RUNNING"], 60)
    assert len(running.pids(unique)) == 2
    assert lines(out) == numbered(0, 20)


def test_a_worker_that_is_asked_to_end_commits_and_says_so_with_zero(tmp_path: Path, kafka: str, unique: str) -> None:
    create_topic(kafka, unique)
    out = tmp_path / "out.txt"
    chosen = settings(kafka, unique, offset_flush_interval_ms="600000")
    with worker(tmp_path, chosen) as running:
        running.create(file_sink(unique, out))
        produce(kafka, unique, numbered(0, 10))
        until(lambda: len(lines(out)) == 10, 60)
        assert running.process is not None
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(120) == 0
    with worker(tmp_path, chosen) as again:
        again.create(file_sink(unique, out))
        produce(kafka, unique, numbered(10, 12))
        until(lambda: len(lines(out)) >= 12, 60)
    assert lines(out) == numbered(0, 12)


def test_pause_resume_stop_restart_and_delete_do_what_rest_says(
    tmp_path: Path, kafka: str, running: Worker, unique: str
) -> None:
    create_topic(kafka, unique)
    out = tmp_path / "out.txt"
    running.create(file_sink(unique, out))
    running.running(unique)
    running.call("PUT", f"/connectors/{unique}/pause", expect=202)
    until(lambda: running.states(unique) == ["PAUSED", "PAUSED"], 30)
    produce(kafka, unique, numbered(0, 5))
    running.call("POST", f"/connectors/{unique}/tasks/0/restart", expect=204)
    until(lambda: running.states(unique) == ["PAUSED", "PAUSED"], 30)
    assert lines(out) == []
    running.call("PUT", f"/connectors/{unique}/resume", expect=202)
    until(lambda: len(lines(out)) == 5, 60)
    answer = running.call("POST", f"/connectors/{unique}/restart?includeTasks=true&onlyFailed=false", expect=202)
    assert [task["state"] for task in answer["tasks"]] == ["RESTARTING"]
    produce(kafka, unique, numbered(5, 8))
    until(lambda: len(lines(out)) == 8, 60)
    running.call("PUT", f"/connectors/{unique}/stop", expect=204)
    assert running.states(unique) == ["STOPPED"]
    pids = running.pids(unique)
    assert not any(alive(pid) for pid in pids)
    running.call("PUT", f"/connectors/{unique}/resume", expect=202)
    produce(kafka, unique, numbered(8, 9))
    until(lambda: len(lines(out)) == 9, 60)
    running.delete(unique)
    running.call("GET", f"/connectors/{unique}/status", expect=404)
    assert lines(out) == numbered(0, 9)


def test_a_new_config_replaces_the_tasks(tmp_path: Path, kafka: str, running: Worker, unique: str) -> None:
    create_topic(kafka, unique)
    running.create(file_sink(unique, tmp_path / "a.txt"))
    produce(kafka, unique, numbered(0, 3))
    until(lambda: len(lines(tmp_path / "a.txt")) == 3, 60)
    running.call("PUT", f"/connectors/{unique}/stop", expect=204)
    running.call("DELETE", f"/connectors/{unique}/offsets", expect=200)
    body = running.call("PUT", f"/connectors/{unique}/config", file_sink(unique, tmp_path / "b.txt"), expect=200)
    assert body["config"]["file"].endswith("b.txt")
    running.call("PUT", f"/connectors/{unique}/resume", expect=202)
    until(lambda: len(lines(tmp_path / "b.txt")) == 3, 60)


def members(kafka: str, connector: str) -> list[str]:
    """Who is in a sink's group."""
    group = f"connect-{connector}"
    admin = AdminClient({"bootstrap.servers": kafka})  # one that is gone answers nothing
    found = admin.describe_consumer_groups([group])[group].result()
    return [each.group_instance_id for each in found.members]


def test_sigterm_to_a_task_alone_is_a_restart(tmp_path: Path, kafka: str, running: Worker, unique: str) -> None:
    create_topic(kafka, unique)
    out = tmp_path / "out.txt"
    running.create(file_sink(unique, out))
    produce(kafka, unique, numbered(0, 10))
    until(lambda: len(lines(out)) == 10, 60)
    send(running.pids(unique)[-1], signal.SIGTERM)
    until(lambda: len(running.pids(unique)) == 2, 60, "another process")
    produce(kafka, unique, numbered(10, 20))
    until(lambda: len(lines(out)) == 20 and running.states(unique) == ["RUNNING", "RUNNING"], 60)
    assert lines(out) == numbered(0, 20)


def test_sigterm_to_all_processes_at_once_is_a_clean_stop(tmp_path: Path, kafka: str, unique: str) -> None:
    create_topic(kafka, unique, 2)
    out = tmp_path / "out.txt"
    with worker(tmp_path, settings(kafka, unique, offset_flush_interval_ms="600000")) as running:
        running.create(file_sink(unique, out))
        produce(kafka, unique, numbered(0, 10))
        until(lambda: len(lines(out)) == 10, 60)
        assert running.process is not None
        assert len(members(kafka, unique)) == 1
        everybody = family(running)
        for pid in reversed(everybody):
            with suppress(ProcessLookupError):  # what lived only for those before it has ended with them
                send(pid, signal.SIGTERM)
        assert running.process.wait(120) == 0
        until(lambda: not any(alive(pid) for pid in everybody), 10)
        assert "is killed" not in running.said
        assert members(kafka, unique) == []
        running.start().create(file_sink(unique, out))
        assert committed(running, unique) == 10


def test_a_task_that_is_stopped_while_it_joins_leaves_the_group(tmp_path: Path, kafka: str, unique: str) -> None:
    """Else a partition that it is given stands still until its session times out."""
    create_topic(kafka, unique, 2)
    out = tmp_path / "out.txt"
    patient = settings(kafka, unique, consumer_session_timeout_ms="45000")
    with worker(tmp_path, patient) as running:
        running.create(file_sink(unique, out))
        for _ in range(3):
            until(lambda: running.states(unique)[1:] == ["RUNNING"], 30, "the task to subscribe")
            running.call("PUT", f"/connectors/{unique}/stop", expect=204)
            assert members(kafka, unique) == []
            running.call("PUT", f"/connectors/{unique}/resume", expect=202)
        assert "is killed" not in running.said
        produce(kafka, unique, numbered(0, 10))
        until(lambda: len(lines(out)) == 10, 30, "the records, long before the session timeout")


def test_a_task_that_dies_again_and_again_is_restarting_and_then_failed(
    tmp_path: Path, kafka: str, running: Worker, unique: str
) -> None:
    create_topic(kafka, unique)
    seen: list[str] = []
    running.create(file_sink(unique, tmp_path / "out.txt"))
    for number in range(1, 6):
        _nth(running, unique, number)
        seen.append(running.states(unique)[1])
        send(running.pids(unique)[-1], signal.SIGKILL)
    assert "FAILED" not in seen
    trace = running.trace(unique)
    assert "was killed by SIGKILL; it has died 5 times in a row" in trace
    running.call("POST", f"/connectors/{unique}/restart?includeTasks=true&onlyFailed=true", expect=202)
    until(lambda: running.states(unique) == ["RUNNING", "RUNNING"], 60)


def _nth(running: Worker, name: str, number: int) -> None:
    until(lambda: len(running.pids(name)) == number, 60, "the next process")
