"""Reads which letters a run is to replay: those that are marked as its own."""

from ferryman.connector import SinkConfig
from ferryman.dead_letters import mark
from ferryman.replay import marks
from ferryman.task.setup.setup import Setup
from ferryman.task.sink.runs.replayed_records import ReplayedRecords


def replayed_letters(setup: Setup) -> ReplayedRecords | None:
    """The letters of a task's run; None if it is not a replay. RetriableError when Kafka does not answer, TaskError
    when it refuses."""
    run = setup.run
    if run is None or not run.ferryman_run_letters:
        return None
    config: SinkConfig = setup.config
    held = marks.contents(setup.clients, run.ferryman_run_letters)
    marked = [mark.parsed(held, topic_id) for topic_id in run.ranges.ids.values()]
    own = {
        letter
        for each in marked
        for letter, found in each.items()
        if found.run == setup.spec.connector and found.instead is None
    }
    return ReplayedRecords(own, config.topics[0] if len(config.topics) == 1 else "", run.ferryman_run_edit)
