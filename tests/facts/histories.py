"""Logs of the config topic as Hypothesis invents them: any record in any order, and what a leader writes."""

from collections.abc import Sequence

from hypothesis import strategies as st

from ferryman.facts.config_records import (
    ConfigRecord,
    ConnectorConfig,
    LoggerLevel,
    RestartRequest,
    SessionKey,
    TargetStateRecord,
    TaskConfig,
    TasksCommit,
    TasksFencing,
)
from ferryman.facts.states import TargetState

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
NAMES = st.sampled_from(["a", "b-1", "ü"])
"""Few, so that records meet."""
PROPERTIES = st.dictionaries(TEXTS, TEXTS, max_size=3)
TARGETS = st.sampled_from(TargetState)
COUNTS = st.integers(0, 3)


def records(
    names: st.SearchStrategy[str] = NAMES, tasks: st.SearchStrategy[int] = COUNTS
) -> st.SearchStrategy[ConfigRecord]:
    """Any record."""
    return st.one_of(
        st.builds(ConnectorConfig, names, st.none() | PROPERTIES),
        st.builds(TaskConfig, names, tasks, PROPERTIES),
        st.builds(TasksCommit, names, tasks),
        st.builds(TargetStateRecord, names, st.none() | TARGETS),
        st.builds(TasksFencing, names, tasks),
        st.builds(RestartRequest, names, st.booleans(), st.booleans()),
        st.builds(SessionKey, st.binary(min_size=1, max_size=9), st.just("HmacSHA256"), st.integers(0, 1 << 50)),
        st.builds(LoggerLevel, TEXTS, st.sampled_from(["DEBUG", "INFO"])),
    )


@st.composite
def written(draw: st.DrawFn) -> Sequence[ConfigRecord]:
    """What leaders write, one after the other, each whole: a connector's config is followed by its tasks'."""
    log: list[ConfigRecord] = []
    for _ in range(draw(st.integers(0, 12))):
        name = draw(NAMES)
        there = any(
            isinstance(each, ConnectorConfig) and each.connector == name and each.properties is not None
            for each in _last(log, name)
        )
        match draw(st.sampled_from(["put", "put", "target", "delete", "fence", "key"])):
            case "put":
                log += _put(draw, name)
            case "target" if there:
                log.append(TargetStateRecord(name, draw(TARGETS)))
            case "delete" if there:
                log += [ConnectorConfig(name, None), TargetStateRecord(name, None)]
            case "fence" if there:
                log.append(TasksFencing(name, draw(COUNTS)))
            case "key":
                log.append(SessionKey(draw(st.binary(min_size=1, max_size=3)), "HmacSHA256", draw(st.integers(0, 99))))
            case _:
                pass
    return log


def _last(log: Sequence[ConfigRecord], name: str) -> Sequence[ConfigRecord]:
    return [each for each in log if isinstance(each, ConnectorConfig) and each.connector == name][-1:]


def _put(draw: st.DrawFn, name: str) -> Sequence[ConfigRecord]:
    tasks = draw(COUNTS)
    return [
        *([TargetStateRecord(name, draw(TARGETS))] if draw(st.booleans()) else []),
        ConnectorConfig(name, draw(PROPERTIES)),
        *(TaskConfig(name, number, draw(PROPERTIES)) for number in range(tasks)),
        TasksCommit(name, tasks),
    ]
