"""A backfill beside a live connector, asked for over REST, and by `ferryman connectors backfill`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from confluent_kafka.admin import AdminClient

from ferryman.commands import main
from tests.reliability.flows import file_sink
from tests.running import Worker, create_topic, group, produce, until
from tests.running import distributed as of_a_group

VALUES = [str(number).encode() for number in range(20)]


def live(worker: Worker, kafka: str, unique: str, folder: Path) -> dict[str, str]:
    """A sink that has written all of its topic."""
    create_topic(kafka, unique)
    produce(kafka, unique, VALUES)
    config = file_sink(unique, folder / "live.txt")
    worker.create(config)
    until(lambda: lines(folder / "live.txt") == VALUES, what="the live connector's lines")
    return config


def lines(file: Path) -> list[bytes]:
    return file.read_bytes().splitlines() if file.exists() else []


def done(worker: Worker, name: str) -> dict[str, Any]:
    """The run's status, when it is complete and stopped."""

    def probe() -> Any:
        status = worker.call("GET", f"/connectors/{name}/status")
        is_over = status.get("run", {}).get("complete") and status["connector"]["state"] == "STOPPED"
        return status if is_over else None

    found: dict[str, Any] = until(probe, what=f"{name} to be complete")
    return found


def test_a_run_is_made_beside_its_live_connector_and_ends_by_itself(
    running: Worker, kafka: str, unique: str, tmp_path: Path
) -> None:
    live(running, kafka, unique, tmp_path)
    again = tmp_path / "again.txt"
    body = {"offsets": {unique: {"0": [5, 15]}}, "config": {"file": str(again)}, "name": f"{unique}-again"}
    told = running.call("POST", f"/connectors/{unique}/backfill", {**body, "dry_run": True}, expect=200)
    assert (told["records"], told["ranges"]) == (10, {unique: {"0": [5, 15]}})
    assert told.pop("bytes") == sum(len(value) for value in VALUES[5:15])
    assert f"{unique}-again" not in running.call("GET", "/connectors")
    made = running.call("POST", f"/connectors/{unique}/backfill", body, expect=202)
    assert made == told
    assert "elsewhere" in made["target"]
    status = done(running, f"{unique}-again")
    assert (status["run"]["of"], status["run"]["records_done"]) == (unique, 10)
    assert lines(again) == VALUES[5:15]
    assert lines(tmp_path / "live.txt") == VALUES
    assert running.states(unique) == ["RUNNING", "RUNNING"]
    running.call("POST", f"/connectors/{unique}/backfill", body, expect=409)


def test_a_dry_run_tells_what_the_command_line_tells(running: Worker, kafka: str, unique: str, tmp_path: Path) -> None:
    live(running, kafka, unique, tmp_path)
    body = {"from": "2000-01-01T00:00:00Z", "to": "2001-01-01T00:00:00Z", "rate": 10, "dry_run": True}
    elsewhere = {"config": {"file": str(tmp_path / "again.txt")}}
    told = running.call("POST", f"/connectors/{unique}/backfill", {**body, **elsewhere}, expect=200)
    count = len(VALUES)
    assert (told["records"], told["records_in_period"], told["seconds"]) == (count, 0, count / 10)
    asked = ("--from", body["from"], "--to", body["to"], "--rate", "10", "--set", f"file={tmp_path / 'again.txt'}")
    said = verb(running, "backfill", unique, *map(str, asked), "--dry-run").output
    assert "about 0 records in the period" in said
    assert "MB of keys and values, by a sample" in said
    assert "at this rate: " in said


def test_a_run_of_a_name_that_was_there_before_goes_on_or_says_that_nothing_is_left(
    running: Worker, kafka: str, unique: str, tmp_path: Path
) -> None:
    live(running, kafka, unique, tmp_path)
    run, path, again = f"{unique}-again", f"/connectors/{unique}/backfill", tmp_path / "again.txt"
    body = {"offsets": {unique: {"0": [5, 10]}}, "config": {"file": str(again)}, "name": run}
    running.call("POST", path, body, expect=202)
    done(running, run)
    running.delete(run)
    refused = running.call("POST", path, body, expect=409)["message"]
    assert f"A run named {run} has already completed" in refused
    slow = body | {"name": f"{run}-2", "offsets": {unique: {"0": [0, 20]}}, "rate": 2}
    running.call("POST", path, slow, expect=202)
    until(lambda: len(lines(again)) > 5, what="the first lines of the slow run")
    running.delete(f"{run}-2")
    first = lines(again)
    more = running.call("POST", path, slow | {"rate": 0}, expect=202)
    assert 0 < more["records_done"] < 20
    assert done(running, f"{run}-2")["run"]["records_done"] == 20
    assert lines(again)[: len(first)] == first
    assert lines(again) == [*VALUES[5:10], *VALUES], "each once"


@pytest.mark.parametrize(
    "other",
    [
        lambda topic, folder: {"config": {"file": str(folder / "elsewhere.txt")}},
        lambda topic, folder: {"offsets": {topic: {"0": [5, 15]}}},
        lambda topic, folder: {"offsets": {topic: {"0": [0, 10]}}},
        lambda topic, folder: {"from": "1970-01-01T00:00:00Z"},
        lambda topic, folder: {"to": "2100-01-01T00:00:00Z", "offsets": {}},
    ],
    ids=["another target", "a later end", "an earlier beginning", "a first time", "a last time"],
)
def test_what_was_asked_for_otherwise_is_not_taken_for_done(
    running: Worker, kafka: str, unique: str, tmp_path: Path, other: Callable[[str, Path], dict[str, Any]]
) -> None:
    live(running, kafka, unique, tmp_path)
    path = f"/connectors/{unique}/backfill"
    body = {"offsets": {unique: {"0": [5, 10]}}, "config": {"file": str(tmp_path / "again.txt")}}
    name = running.call("POST", path, body, expect=202)["name"]
    done(running, name)
    running.delete(name)
    wish = body | other(unique, tmp_path)
    refused = running.call("POST", path, wish | {"name": name}, expect=409)["message"]
    assert f"{name} was begun with other bounds or other keys" in refused
    made = running.call("POST", path, wish, expect=202)
    assert made["name"] != name
    assert "records_done" not in made
    status = done(running, made["name"])["run"]
    assert status["records_done"] == status["records_total"] == made["records"]


def test_a_run_is_in_a_group_of_its_own_though_the_live_connector_names_its_group(
    running: Worker, kafka: str, unique: str, tmp_path: Path
) -> None:
    create_topic(kafka, unique)
    produce(kafka, unique, VALUES)
    named = {"consumer.override.group.id": f"{unique}-named"}
    # Blanks around the name are no part of it.
    running.create(file_sink(unique, tmp_path / "live.txt") | {name: f"{value} " for name, value in named.items()})
    until(lambda: lines(tmp_path / "live.txt") == VALUES, what="the live connector's lines")
    path, sets = f"/connectors/{unique}/backfill", {"file": str(tmp_path / "r.txt")}
    body = {"name": f"{unique}-again", "config": sets}
    refused = running.call("POST", path, {**body, "config": sets | named}, expect=400)
    assert "must not be the live connector's" in refused["message"]
    running.call("POST", path, body, expect=202)
    done(running, f"{unique}-again")
    assert lines(tmp_path / "r.txt") == VALUES
    assert lines(tmp_path / "live.txt") == VALUES
    assert "consumer.override.group.id" not in running.call("GET", f"/connectors/{unique}-again/config")


def test_what_would_do_harm_is_refused_until_it_is_allowed_by_name(
    running: Worker, kafka: str, unique: str, tmp_path: Path
) -> None:
    live(running, kafka, unique, tmp_path)
    path, body = f"/connectors/{unique}/backfill", {"name": f"{unique}-twice"}
    refused = running.call("POST", path, body, expect=400)
    assert "allow_duplicates" in refused["message"] or "allow-duplicates" in refused["message"]
    assert running.call("GET", "/connectors").count(f"{unique}-twice") == 0
    assert lines(tmp_path / "live.txt") == VALUES
    allowed = {**body, "offsets": {unique: {"0": [0, 2]}}, "allow_duplicates": True, "config": {"file": None, "x": "y"}}
    running.call("POST", path, {**allowed, "config": {"file": str(tmp_path / "live.txt")}, "dry_run": True}, expect=200)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ([], "An object is expected"),
        ({"form": "2026-11-01"}, 'Unrecognized field "form"'),
        ({"from": "yesterday"}, "from=yesterday"),
        ({"from": "2026-11-02T00:00:00Z", "to": "2026-11-01T00:00:00Z"}, "is not later than"),
        ({"offsets": {"t": {"0": [3, 1]}}}, "offsets of t-0"),
        ({"offsets": [1]}, "offsets must be"),
        ({"config": "x"}, "config must be an object"),
        ({"config": {"ferryman.run.of": "x"}}, "ferryman.run.of cannot be set for a run"),
        ({"rate": "fast"}, "rate must be a number"),
        ({"rate": -1}, "rate must be a number"),
        ({"dry_run": "yes"}, "dry_run must be true or false"),
    ],
)
def test_what_cannot_be_is_said(running: Worker, kafka: str, unique: str, tmp_path: Path, body: Any, text: str) -> None:
    running.create(file_sink(unique, tmp_path / "live.txt"))
    assert text in running.call("POST", f"/connectors/{unique}/backfill", body, expect=400)["message"]
    assert running.call("POST", f"/connectors/{unique}x/backfill", {}, expect=404)["error_code"] == 404


def verb(worker: Worker, *words: str) -> Result:
    return CliRunner().invoke(main, ["connectors", *words, "--url", worker.url])


def test_the_command_makes_a_run_waits_for_it_and_shows_how_far_it_is(
    running: Worker, kafka: str, unique: str, tmp_path: Path
) -> None:
    live(running, kafka, unique, tmp_path)
    again, run = tmp_path / "again.txt", f"{unique}-again"
    asked = ("backfill", unique, "--name", run, "--offsets", f"{unique}:0:5-15", "--set", f"file={again}")
    planned = verb(running, *asked, "--dry-run")
    assert planned.exit_code == 0, planned.output
    assert f"{unique}-0: 10 records, 5 up to 15" in planned.output
    assert "Nothing was started." in planned.output
    assert run not in running.call("GET", "/connectors")
    made = verb(running, *asked, "--watch")
    assert made.exit_code == 0, made.output
    assert f"{run}: 100 %, 10 of 10 records; complete" in made.output
    assert lines(again) == VALUES[5:15]
    done(running, run)
    shown = verb(running, "show", run).output
    assert "10 of 10 records; complete" in shown
    told = json.loads(verb(running, "show", run, "--json").output)["run"]
    assert (told["pace"], told["held_back_by_live"], told["records_done"]) == (1.0, False, 10)
    refused = verb(running, *asked)
    assert (refused.exit_code, "already exists" in refused.stderr) == (1, True)


def test_a_run_that_has_refused_records_says_how_many_and_ends_with_a_code_of_its_own(
    running: Worker, kafka: str, unique: str, tmp_path: Path
) -> None:
    live(running, kafka, unique, tmp_path)
    produce(kafka, unique, [b"{", b"["])
    converter = "value.converter=org.apache.kafka.connect.json.JsonConverter"
    run, sets = f"{unique}-again", ("--set", f"file={tmp_path / 'again.txt'}", "--set", converter)
    more = ("--set", "value.converter.schemas.enable=false", "--set", "errors.tolerance=all")
    made = verb(running, "backfill", unique, "--name", run, *sets, *more, "--wait")
    assert (made.exit_code, f"2 records refused: `ferryman dlq list {run}`" in made.output) == (3, True), made.output
    assert len(lines(tmp_path / "again.txt")) == len(VALUES)


def test_a_run_that_fails_or_is_stopped_ends_the_command_that_waits_for_it(
    running: Worker, kafka: str, unique: str, tmp_path: Path
) -> None:
    live(running, kafka, unique, tmp_path)
    converter = "value.converter=org.apache.kafka.connect.json.JsonConverter"
    produce(kafka, unique, [b"{"])
    sets = ("--set", f"file={tmp_path / 'r.txt'}", "--set", converter)
    failed = verb(running, "backfill", unique, "--name", f"{unique}-f", *sets, "--wait", "--json")
    assert failed.exit_code == 1, failed.output
    assert json.loads(failed.output.splitlines()[-1])["tasks"][0]["state"] == "FAILED"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--from", "yesterday"), "from=yesterday must be a time"),
        (("--offsets", "what"), "is not TOPIC:PARTITION:FIRST-BEHIND"),
        (("--set", "what"), "is neither KEY=VALUE nor KEY-"),
        (("--dry-run", "--wait"), "starts nothing"),
        ((), "allow it by --allow-duplicates"),
    ],
)
def test_what_the_command_is_refused_is_said(
    running: Worker, kafka: str, unique: str, tmp_path: Path, words: tuple[str, ...], text: str
) -> None:
    create_topic(kafka, unique)
    running.create(file_sink(unique, tmp_path / "live.txt"))
    refused = verb(running, "backfill", unique, *words)
    assert refused.exit_code in (1, 2)
    assert text in refused.stderr


def test_any_worker_of_a_group_makes_a_run_and_all_tell_of_it(kafka: str, unique: str, tmp_path: Path) -> None:
    with group(tmp_path, of_a_group(kafka, unique), 2) as workers:
        live(workers[0], kafka, unique, tmp_path)
        for number, worker in enumerate(workers):
            again = tmp_path / f"{number}.txt"
            body = {"config": {"file": str(again)}, "name": f"{unique}-{number}"}
            worker.call("POST", f"/connectors/{unique}/backfill", body, expect=202)
            for each in workers:
                assert done(each, f"{unique}-{number}")["run"]["records_total"] == len(VALUES)
            assert lines(again) == VALUES
        assert json.dumps(workers[0].call("GET", f"/connectors/{unique}-0/config")).count("ferryman.run.ranges") == 1


def test_a_run_whose_topic_is_deleted_fails_and_does_not_bring_it_back(
    running: Worker, kafka: str, admin: AdminClient, unique: str, tmp_path: Path
) -> None:
    live(running, kafka, unique, tmp_path)
    running.call("PUT", f"/connectors/{unique}/stop", expect=204)
    until(lambda: not members(admin, f"connect-{unique}"), what="the live connector's task to be gone")
    run = f"{unique}-again"
    body = {"name": run, "rate": 1, "config": {"file": str(tmp_path / "again.txt")}}
    running.call("POST", f"/connectors/{unique}/backfill", body, expect=202)
    until(lambda: lines(tmp_path / "again.txt"), what="the run's first line")
    admin.delete_topics([unique])[unique].result()
    assert f"The run was made for records of {unique}, which is no longer there" in running.trace(run)
    assert unique not in admin.list_topics(timeout=60).topics


def members(admin: AdminClient, named: str) -> int:
    return len(admin.describe_consumer_groups([named])[named].result().members)
