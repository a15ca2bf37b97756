"""Tasks fall asleep past their session in the middle of a durable step, others take over, and the sleepers wake up.

What a sleeper still has in hand is refused: by the database's row of offsets, by the bucket, by the transaction's
epoch.
"""

import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.connectors.s3.s3_task import World
from tests.connectors.stripe.stripe_stub import serving
from tests.reliability.flows import Table, gateway
from tests.reliability.scoreboard.plugin import Trials
from tests.reliability.test_crash_points import ROUND, Flow, FromGateway, IntoBucket, IntoTable, deaths
from tests.running import Worker, alive, create_topic, send, settings, until, worker

QUICK = {"consumer_session_timeout_ms": "1500", "consumer_heartbeat_interval_ms": "300"}
ASLEEP = [
    ("sql.before_commit", "s3.after_upload", "source.after_produce"),
    ("sql.before_rows", "s3.after_manifest", "source.before_commit"),
    ("sql.after_rows", "s3.before_complete", "source.before_produce"),
    ("sql.after_commit", "s3.after_complete", "source.after_commit"),
]
"""Where the task of each flow falls asleep, a wave after the other."""


@contextmanager
def sleeping(log: Path) -> Iterator[None]:
    """Wakes up all who are noted in the log, at the latest when the block ends."""
    try:
        yield
    finally:
        for pid in sleepers(log):
            with suppress(ProcessLookupError):
                send(pid, signal.SIGCONT)


def sleepers(log: Path) -> list[int]:
    return [int(line.split()[1]) for line in log.read_text().splitlines()] if log.exists() else []


def fall_asleep(flows: Sequence[Flow], log: Path) -> int:
    """Feeds the flows, in whose order their tasks fall asleep, until all do. How many records each got."""
    count = 0
    while deaths(log) < len(flows):
        assert count < 30 * ROUND, log
        for flow in flows:
            flow.feed(count, count + ROUND)
        count += ROUND
        until(lambda: all(len(each.found()) >= count for each in flows[deaths(log) :]), 120, pause=0.3)  # noqa: B023
    return count


def free_locks(table: Table) -> None:
    """Ends the sleeper's open transaction, as the server itself would after a while."""
    open_ones = "datname = current_database() AND state LIKE 'idle in transaction%'"
    table.run(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {open_ones}")


def wake_up_later(first: Worker, second: Worker, flows: Sequence[Flow], log: Path, table: Table) -> None:
    """The sleepers' work is done by others while they sleep, and is done once when they have woken up."""
    for flow in flows:
        create_topic(flow.kafka, flow.name, 3)
        first.create(flow.config())
    with sleeping(log):
        count = fall_asleep(flows, log)
        free_locks(table)
        for flow in flows:
            second.create(flow.config())
        for _ in range(2):
            wait_for(second, flows, count, "the successors to do the sleepers' work")
            for flow in flows:
                flow.feed(count, count + ROUND)
            count += ROUND
        assert all(alive(pid) for pid in sleepers(log))
    for flow in flows:
        flow.feed(count, count + ROUND)
    count += ROUND
    wait_for(second, flows, count, "all to go on")
    until(lambda: all(flow.is_over(second, count) for flow in flows), 120, "all to be committed", pause=0.3)
    for flow in flows:
        flow.check(count)


def wait_for(second: Worker, flows: Sequence[Flow], count: int, what: str) -> None:
    """Until so many records have come out of each flow."""
    for flow in flows:
        try:
            until(lambda flow=flow: len(flow.found()) >= count, 240, what, pause=0.3)  # type: ignore[misc]
        except AssertionError as error:
            status = second.call("GET", f"/connectors/{flow.name}/status")
            raise AssertionError(f"{flow.name}: {what}, {len(flow.found())} of {count} came out: {status}") from error


@pytest.mark.timeout(3600)
@pytest.mark.scoreboard("R3")
def test_what_a_sleeper_has_in_hand_is_written_once(
    tmp_path: Path, kafka: str, stack: dict[str, str], postgres: str, unique: str, trials: Trials
) -> None:
    for wave in range(trials.share(3)):
        name, points = f"{unique}-{wave}", ASLEEP[wave % len(ASLEEP)]
        log = tmp_path / f"{name}-asleep"
        crash = {
            "FERRYMAN_CRASH_AT": ",".join(f"{point}:2" for point in points),
            "FERRYMAN_CRASH_LOG": f"{log}:{len(points)}",
            "FERRYMAN_CRASH_WITH": "SIGSTOP",
        }
        chosen = settings(kafka, name, consumer_max_poll_records="40", **QUICK)
        with ExitStack() as closing:
            flows: list[Flow] = [
                IntoTable(kafka, f"{name}-sql", postgres),
                IntoBucket(kafka, f"{name}-s3", bucket=World(stack["s3"], name), layout="by count"),
                FromGateway(kafka, f"{name}-source", closing.enter_context(serving(gateway()))),
            ]
            first = closing.enter_context(worker(tmp_path, chosen, **crash))
            second = closing.enter_context(worker(tmp_path, chosen))
            wake_up_later(first, second, flows, log, Table(postgres, unique))
            trials.held(len(flows))
