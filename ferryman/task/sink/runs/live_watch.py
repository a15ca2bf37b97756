"""Where a run sees how far its live connector is: what the sink keeps beside the data, else the group."""

from collections.abc import Mapping
from typing import Any

from ferryman.api import TaskContext
from ferryman.kafka.admin import Admin
from ferryman.kafka.clients import QUIET, Clients
from ferryman.runs.delays import Delays
from ferryman.runs.yielding import Yielding
from ferryman.task.setup.setup import Setup
from ferryman.task.sink.runs.live import Live, Watching
from ferryman.task.sink.runs.live_topics import LiveTopics

GROUP_ID = "consumer.override.group.id"


def begin(setup: Setup, yielding: Yielding, facts: Mapping[str, Any]) -> Watching | None:
    """What has a run give way to its live connector; None where there is none. ``facts``: those of a task's context."""
    run = setup.run
    if run is None or not run.ferryman_run_of:
        return None
    raw = {key: value for key, value in setup.spec.config.items() if key != GROUP_ID}
    raw |= {GROUP_ID: run.ferryman_run_live_group} if run.ferryman_run_live_group else {}
    clients = Clients(run.ferryman_run_of, setup.spec.task, setup.spec.worker, raw, setup.spec.identity)
    reached = setup.plugin.reached(setup.config, TaskContext(**facts), run.ferryman_run_of)
    topics = LiveTopics(clients.group_reader() | QUIET, Admin(setup.clients.admin()))
    live = Live(
        dict if reached is None else reached.offsets,
        # The letters of a replay are in a topic that the live connector does not read.
        topics.all_committed if run.ferryman_run_letters else lambda: topics.committed(run.ranges.of),
        setup.worker.offset_flush_interval_ms / 1000,
        topics,
        yielding,
        Delays(learns=reached is None and setup.plugin.keeps_back),
    )
    return Watching(live, reached)
