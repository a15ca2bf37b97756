"""What is not taken away goes on while that which is takes its time to end."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.reliability.moves.flowing import logbook_sink
from tests.reliability.moves.logbook import Entry, entries, logbook_plugin
from tests.running import Worker, create_topic, distributed, group, produce, until

PARTITIONS = 3


def owned(written: list[Entry]) -> Mapping[int, int]:
    """The process that has each partition, or is about to give it up."""
    found: dict[int, int] = {}
    for each in written:
        if each.what == "open":
            found[each.partition] = each.pid
        elif each.what == "closed" and found.get(each.partition) == each.pid:
            del found[each.partition]
    return found


def shared_out(logbook: Path) -> Mapping[int, int]:
    """Which process has which partition, once each has one."""

    def found() -> Mapping[int, int]:
        now = owned(entries(logbook))
        return now if len(now) == len(set(now.values())) == PARTITIONS else {}

    return dict(until(found, what="a partition for each task"))


def put(written: list[Entry]) -> list[int]:
    return sorted(each.number for each in written if each.what == "put")


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_tasks_that_stay_put_records_between_the_revocation_of_others_and_its_end(
    tmp_path: Path, kafka: str, unique: str, protocol: str
) -> None:
    create_topic(kafka, unique, PARTITIONS)
    held, logbook, sent = tmp_path / "held", tmp_path / "logbook", list[int]()
    more = {"consumer.override.group.protocol": protocol, "tasks.max": str(PARTITIONS), "held": str(held)}
    chosen = distributed(kafka, unique, task_shutdown_graceful_timeout_ms="120000", rebalance_timeout_ms="240000")
    with group(tmp_path, chosen, 1, PYTHONPATH=str(logbook_plugin(tmp_path))) as (first,):
        first.create(logbook_sink(unique, logbook, **more))
        before = shared_out(logbook)
        quiet = len(entries(logbook))
        held.touch()
        second = Worker(tmp_path, chosen, environment=first.environment, mode="distributed")

        def staying(what: str) -> bool:
            """Whether all that is not to end has done that since."""
            since = entries(logbook)[quiet:]
            ending = {each.pid for each in since if each.what == "close"}
            expected = {pid for pid in before.values() if pid not in ending}
            return bool(ending and expected) and expected <= {each.pid for each in since if each.what == what}

        def fed_and_staying() -> bool:
            for partition in range(PARTITIONS):
                produce(kafka, unique, [str(len(sent)).encode()], partition=partition)
                sent.append(len(sent))
            return staying("put")

        try:
            second.start()
            until(lambda: "close" in {each.what for each in entries(logbook)[quiet:]}, what="a revocation")
            until(fed_and_staying, what="all tasks that stay to put something")
            assert "closed" not in {each.what for each in entries(logbook)[quiet:]}
            held.unlink()
            until(
                lambda: set(shared_out(logbook).values()) != set(before.values()), what="the others to go on elsewhere"
            )
            until(lambda: len(put(entries(logbook))) >= len(sent), what="all records")
            assert put(entries(logbook)) == sent
        finally:
            held.unlink(missing_ok=True)
            second.stop()
