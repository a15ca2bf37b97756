"""Dead letters that a run has left which is deleted."""

from tests.replay.test_into_a_table import done, ids, letters, narrow_table, replay, row, shown, sink, widen
from tests.running import Worker, create_topic, produce


def test_its_letters_are_replayed_by_a_connector_of_its_name(
    running: Worker, kafka: str, unique: str, postgres: str
) -> None:
    create_topic(kafka, unique)
    produce(kafka, unique, [row(1), row(2, 500), row(3)])
    narrow_table(postgres, f"{unique}-again")
    live = sink(unique, postgres)
    running.call("POST", "/connectors", {"name": unique, "config": live, "initial_state": "STOPPED"}, expect=201)
    elsewhere = {"table.name.format": f"{unique}-again"}
    run = running.call("POST", f"/connectors/{unique}/backfill", {"config": elsewhere}, expect=202)["name"]
    done(running, run)
    letters(kafka, unique, 1)
    running.delete(run)
    for answer in (
        running.call("GET", f"/connectors/{run}/dead-letters", expect=404),
        replay(running, run, expect=404, all=True),
    ):
        assert f"Connector {run} not found. If it is gone and has left dead letters, create" in answer["message"]
    config = live | elsewhere | {"name": run}
    running.call("POST", "/connectors", {"name": run, "config": config, "initial_state": "STOPPED"}, expect=201)
    assert len(shown(running, run)) == 1
    widen(postgres, f"{unique}-again")
    done(running, replay(running, run, all=True)["name"])
    assert ids(postgres, f"{unique}-again") == [1, 2, 3]
