"""What should run on a worker, as facts, assignment and restarts have it."""

from collections.abc import Mapping
from dataclasses import replace

from ferryman.facts.fold import ConnectorFacts
from ferryman.facts.states import TargetState
from ferryman.worker.control.wanted import Everything, Wanted, wanted

FACTS = ConnectorFacts(
    properties={"name": "c", "new": "1"},
    tasks=({"task": "0"}, {"task": "1"}),
    applied={"name": "c", "old": "1"},
    version=7,
    tasks_version=5,
)


class These:
    """An assignment."""

    def __init__(self, *mine: tuple[str, int | None]) -> None:
        self.mine = mine

    def has(self, connector: str, task: int | None = None) -> bool:
        return (connector, task) in self.mine


def here(facts: ConnectorFacts, restarts: Mapping[tuple[str, int | None], int] | None = None) -> Wanted:
    return wanted({"c": facts}, Everything(), restarts or {})


def changed(**facts: object) -> ConnectorFacts:
    return replace(FACTS, **facts)  # type: ignore[arg-type]


def test_a_connector_and_its_tasks_are_wanted() -> None:
    found = here(FACTS)
    assert found.connectors["c"].properties == FACTS.properties
    assert (found.connectors["c"].version, found.connectors["c"].target) == (7, TargetState.RUNNING)
    assert list(found.tasks) == [("c", 0), ("c", 1)]


def test_a_task_has_its_own_config_over_that_which_it_was_made_from() -> None:
    assert here(FACTS).tasks["c", 1].properties == {"name": "c", "old": "1", "task": "1"}


def test_a_newer_config_or_newer_task_configs_have_references_looked_up_again() -> None:
    assert here(FACTS).tasks["c", 0].version == 7
    assert here(changed(tasks_version=9)).tasks["c", 0].version == 9
    assert here(changed(version=None, tasks_version=None)).tasks["c", 0].version == 0


def test_paused_tasks_are_wanted_and_stopped_ones_are_not() -> None:
    paused, stopped = here(changed(target=TargetState.PAUSED)), here(changed(target=TargetState.STOPPED))
    assert [task.paused for task in paused.tasks.values()] == [True, True]
    assert [task.paused for task in here(FACTS).tasks.values()] == [False, False]
    assert stopped.tasks == {}
    assert stopped.connectors["c"].target is TargetState.STOPPED


def test_what_is_deleted_is_not_wanted_whatever_else_is_known_of_it() -> None:
    assert here(changed(properties=None)) == Wanted()


def test_only_what_is_assigned_is_wanted() -> None:
    assert list(wanted({"c": FACTS}, These(("c", 1)), {}).tasks) == [("c", 1)]
    assert wanted({"c": FACTS}, These(("c", 1)), {}).connectors == {}
    assert list(wanted({"c": FACTS}, These(("c", None)), {}).connectors) == ["c"]
    assert wanted({"c": FACTS}, These(("d", 0), ("d", None)), {}) == Wanted()


def test_a_restart_is_of_what_it_was_asked_for() -> None:
    before, after = here(FACTS), here(FACTS, {("c", 1): 2, ("d", 0): 1})
    assert before.connectors == after.connectors
    assert before.tasks["c", 0] == after.tasks["c", 0]
    assert (before.tasks["c", 1].restarts, after.tasks["c", 1].restarts) == (0, 2)
    assert here(FACTS, {("c", None): 1}).connectors["c"].restarts == 1


def test_task_configs_that_are_lost_are_to_be_made_again() -> None:
    assert not here(FACTS).connectors["c"].lacking
    lost = here(changed(tasks=(), inconsistent=True))
    assert lost.connectors["c"].lacking
    assert lost.tasks == {}


def test_configs_are_not_printed() -> None:
    assert "name" not in repr(here(FACTS)).replace("name='c'", "")
