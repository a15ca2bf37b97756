"""The file sink under kills: after any of them, at any point, the file holds each partition's records exactly once."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ferryman.api import Committed
from ferryman.errors import Indeterminate
from ferryman.record import TopicPartition
from tests.connectors.file.file_task import P0, P1, World
from tests.connectors.sink_world import Killed

POINTS = ("file.before_write", "file.after_write", "file.after_flush", "file.after_head")
events = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from([P0, P1]), st.integers(1, 4)),
        st.tuples(st.just("commit"), st.booleans(), st.none()),
        st.tuples(st.just("produce"), st.sampled_from([P0, P1]), st.integers(1, 3)),
        st.tuples(st.just("kill"), st.sampled_from(["", "P", "lines-0:9\nlin"]), st.none()),
        st.tuples(st.just("die at"), st.sampled_from(POINTS), st.none()),
        st.tuples(st.just("late commit"), st.integers(0, 20), st.none()),
        st.tuples(st.just("restart"), st.none(), st.none()),
    ),
    max_size=30,
)


@given(events)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_after_any_kills_the_file_holds_each_log_once(tmp_path: Path, script: list[tuple[object, ...]]) -> None:
    path = tmp_path / "lines.txt"
    path.write_text("before\n")
    world = World(path)
    world.begin()
    commits: list[dict[TopicPartition, Committed]] = []
    for step in script:
        if world.group and world.group not in commits:
            commits.append(dict(world.group))
        try:
            _play(world, *step)
            if step[0] == "late commit" and commits:
                # A group of the consumer protocol takes it from a member that was asleep.
                world.group |= commits[int(str(step[1])) % len(commits)]
        except (Killed, Indeterminate):
            world.kill()
            world.die_at = None
            world.begin()
    world.die_at = None
    world.drain()
    world.end()
    lines = path.read_text().splitlines()
    assert lines[0] == "before"
    assert world.found(P0) == world.logs[P0]
    assert world.found(P1) == world.logs[P1]
    assert len(lines) == 1 + len(world.logs[P0]) + len(world.logs[P1])
    path.unlink()


def _play(world: World, what: object, one: object, two: object) -> None:
    match what, one, two:
        case "produce", TopicPartition() as source, int(count):
            log = world.logs[source]
            log += [f"{source}:{number}" for number in range(len(log), len(log) + count)]
        case "put", TopicPartition() as source, int(count):
            world.put(source, count)
        case "commit", bool(answered), _:
            world.commit(answered)
        case "die at", str(point), _:
            world.die_at = point, 1
        case "restart", _, _:
            world.end()
            world.begin()
        case "kill", str(torn), _:
            if world.group:
                # A write that was under way leaves its beginning; without a baseline none could be under way.
                with world.path.open("a") as file:
                    file.write(torn)
            raise Killed
