"""What dead letters are left after replays, and how a replay that is waited for went."""

import json
from typing import Any

from click.testing import CliRunner, Result

from ferryman.commands import main
from tests.replay.test_into_a_table import (
    done,
    letters,
    mended,
    refused,
    replay,
    row,
    sink,
    transforms_nothing,
    widen,
)
from tests.running import Worker, create_topic, produce, until


def dlq(worker: Worker, *words: str) -> Result:
    return CliRunner().invoke(main, ["dlq", *words, "--url", worker.url])


def listed(worker: Worker, name: str, query: str = "") -> Any:
    return worker.call("GET", f"/connectors/{name}/dead-letters{query}")


def left(worker: Worker, name: str) -> tuple[int, int, int]:
    """How many letters are open, being replayed, and replayed."""
    found = listed(worker, name)
    assert found["count"] == found["open"] + found["replaying"] + found["replayed"] + found["left"] + found["doubles"]
    for state in ("open", "replaying", "replayed"):
        assert found[state] == sum(each[state] for each in found["groups"])
    return found["open"], found["replaying"], found["replayed"]


def test_a_replay_that_is_waited_for_says_what_was_refused_again_and_each_record_is_left_once(
    running: Worker, kafka: str, postgres: str, unique: str
) -> None:
    refused(running, kafka, postgres, unique)
    assert left(running, unique) == (2, 0, 0)
    widen(postgres, unique)  # the transform's letter stays as bad as it was
    went = dlq(running, "replay", unique, "--all", "--run", f"{unique}-one", "--wait")
    assert went.exit_code == 3
    assert (
        f"{unique}-one is complete: 1 dead letter went through, "
        f"1 refused again, with new letters: `ferryman dlq list {unique} --open`" in went.stdout
    )
    assert left(running, unique) == (1, 0, 2)
    shown = dlq(running, "list", unique).stdout
    assert f"{unique}: 3 dead letters in {unique}-dlq: 1 open, 2 replayed" in shown
    opened = json.loads(dlq(running, "list", unique, "--open", "--letters", "9", "--json").stdout)[unique]
    assert [(each["stage"], each["letters"], each["open"]) for each in opened["groups"]] == [("TRANSFORMATION", 1, 1)]
    assert [each["attempts"] for each in opened["letters"]] == [1]
    transforms_nothing(running, unique)
    went = dlq(running, "replay", unique, "--all", "--wait", "--json")
    answer, status = map(json.loads, went.stdout.splitlines())
    assert (went.exit_code, answer["letters"], status["run"]["records_refused"]) == (0, 1, 0)
    assert left(running, unique) == (0, 0, 3)
    assert listed(running, unique, "?open=true")["groups"] == []
    assert (
        "open must be true or false, not maybe"
        in running.call("GET", f"/connectors/{unique}/dead-letters?open=maybe", expect=400)["message"]
    )


def begun_in_vain(running: Worker, kafka: str, postgres: str, unique: str) -> str:
    """A replay of a letter whose cause is mended, but which cannot reach its database."""
    refused(running, kafka, postgres, unique)
    mended(running, postgres, unique)
    broken = {"connection.url": "postgresql://127.0.0.1:1/nowhere"}
    return str(replay(running, unique, stage="TASK_PUT", config=broken)["name"])


def test_letters_of_a_run_that_has_not_come_to_its_end_are_neither_open_nor_replayed(
    running: Worker, kafka: str, postgres: str, unique: str
) -> None:
    run = begun_in_vain(running, kafka, postgres, unique)
    assert left(running, unique) == (1, 1, 0)
    shown = dlq(running, "list", unique).stdout
    assert "1 open, 1 being replayed by runs that have not come to their end" in shown
    config = running.call("GET", f"/connectors/{run}/config") | {"connection.url": postgres}
    running.call("PUT", f"/connectors/{run}/config", config, expect=200)
    done(running, run)
    assert left(running, unique) == (1, 0, 1)


def test_letters_that_a_deleted_run_had_not_come_to_are_left_until_it_goes_on(
    running: Worker, kafka: str, postgres: str, unique: str
) -> None:
    run = begun_in_vain(running, kafka, postgres, unique)
    running.delete(run)
    until(lambda: listed(running, unique)["left"] == 1, what="the run to be gone")
    assert left(running, unique) == (1, 0, 0)
    shown = dlq(running, "list", unique).stdout
    assert "1 open, 1 left over by runs that were deleted before their end" in shown
    done(running, replay(running, unique, stage="TASK_PUT", again=True, name=run)["name"])
    assert left(running, unique) == (1, 0, 1)
    running.delete(run)
    until(lambda: running.call("GET", f"/connectors/{run}/status").get("error_code") == 404)
    assert left(running, unique) == (1, 0, 1)


def test_letters_are_chosen_by_when_they_were_refused_and_those_that_do_not_say_are_counted(
    running: Worker, kafka: str, postgres: str, unique: str
) -> None:
    create_topic(kafka, unique)
    running.create(sink(unique, postgres))
    produce(kafka, unique, [row(1), b"{"])
    letters(kafka, unique, 1)
    (first,) = listed(running, unique)["letters"]
    assert first["refused_at"] >= first["timestamp"]
    produce(kafka, unique, [b"["])
    letters(kafka, unique, 2)
    last = listed(running, unique)["letters"][0]
    stranger = [(f"__connect.errors.{name}", text.encode()) for name, text in {"topic": unique}.items()]
    produce(kafka, f"{unique}-dlq", [b"of a JVM"], headers=stranger)
    since = last["refused_at"]
    assert since > first["refused_at"]
    found = listed(running, unique, f"?refused_since={since}")
    assert ([each["id"] for each in found["letters"]], found["undated"]) == ([last["id"]], 1)
    found = listed(running, unique, f"?refused_until={since}")
    assert ([each["id"] for each in found["letters"]], found["undated"]) == ([first["id"]], 1)
    text = dlq(running, "list", unique, "--refused-since", str(since)).stdout
    assert "1 others do not say when they were refused, and are left out." in text
    shown = dlq(running, "show", unique, "0-2").stdout
    assert "at a time that the letter does not say" in shown
    told = replay(running, unique, 200, refused_since=str(since), dry_run=True)
    assert (told["letters"], told["passed_over"]) == (1, {"undated": 1})
    late = replay(running, unique, 409, refused_since="2100-01-01T00:00:00Z", dry_run=True)["message"]
    assert "1 that do not say when they were refused" in late
