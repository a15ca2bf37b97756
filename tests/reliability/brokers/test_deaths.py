"""A broker of three dies and comes back, others lead its partitions and groups: records flow on, each arrives once."""

import random
import time
from contextlib import closing
from pathlib import Path

import pytest

from ferryman.stack import Stack
from tests.reliability.brokers.leaders import Leaders
from tests.reliability.moves.flowing import Flowing, created, flowing
from tests.reliability.moves.logbook import logbook_plugin
from tests.reliability.scoreboard.plugin import Trials
from tests.running import distributed, group

BROKERS = (1, 2, 3)
PROGRESS = 100
"""Records of each flow that must come out between two events."""


def got_over(made: Flowing, what: str) -> None:
    """Waits until each flow has gone on, and tells how long that took."""
    began = time.monotonic()
    made.all_go_on(PROGRESS)
    print(f"{what}: {PROGRESS} records of each flow within {time.monotonic() - began:.1f} s", flush=True)


@pytest.mark.timeout(3600)
@pytest.mark.scoreboard("R7")
def test_whichever_broker_dies_and_whoever_leads_records_flow_on_and_each_arrives_once(
    tmp_path: Path,
    request: pytest.FixtureRequest,
    stack: dict[str, str],
    postgres: str,
    unique: str,
    trials: Trials,
) -> None:
    if not trials.required:
        pytest.skip("it takes minutes")
    brokers: Stack = request.getfixturevalue("brokers")
    seed, kafka = random.SystemRandom().getrandbits(32), brokers.addresses["kafka"]
    print(f"seed {seed}")
    chance, path = random.Random(seed), str(logbook_plugin(tmp_path))
    replicas = {f"{kind}.storage.replication.factor": "3" for kind in ("config", "offset", "status")}
    session = chance.choice(["6000", "30000"])  # a dead coordinator is missed after six seconds
    chosen = distributed(kafka, unique, exactly_once_source_support="enabled", session_timeout_ms=session) | replicas
    with (
        closing(Leaders(kafka)) as leaders,
        flowing(tmp_path, kafka, stack["s3"], postgres, unique, replicas=3) as made,
        group(tmp_path, chosen, 2, PYTHONPATH=path) as workers,
    ):
        created(made, workers[0])
        made.all_go_on(1)
        for _ in range(trials.required):
            victim = brokers[f"kafka-{chance.choice(BROKERS)}"]
            victim.kill()
            got_over(made, f"{victim.name} is dead")
            victim.start()
            got_over(made, f"{victim.name} is back")
            count = leaders.move()
            got_over(made, f"{count} partitions have other leaders")
            trials.held()
        made.end()
        made.check(again=True)
