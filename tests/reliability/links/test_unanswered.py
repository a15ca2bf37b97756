"""A question of a sink's consumer that no broker ever answers, after its partition's leader has started again."""

from pathlib import Path

from tests.reliability.flows import file_sink, lines
from tests.reliability.links.broker import broker
from tests.running import create_topic, feed, settings, until, worker


def test_a_partition_is_read_on_though_nobody_says_that_its_position_is_still_there(
    unique: str, tmp_path: Path
) -> None:
    """As long as it is a member; who joins anew asks nothing."""
    longer = {"consumer_session_timeout_ms": "120000", "consumer_max_poll_interval_ms": "300000"}
    with broker(tmp_path) as one, worker(tmp_path, settings(one.proxied, unique, **longer)) as running:
        create_topic(one.address, unique)
        file = tmp_path / "out.txt"
        running.create(file_sink(unique, file))
        feed(one.address, unique, range(10))
        until(lambda: len(lines(file)) == 10, 60)
        one.link.swallow("OffsetForLeaderEpoch")
        one.component.stop()
        one.component.start()
        feed(one.address, unique, range(10, 20))
        until(lambda: one.link.swallowed, 60, "the question")
        until(lambda: len(lines(file)) == 20, 120)
        assert running.states(unique) == ["RUNNING", "RUNNING"]
