"""Which questions can be answered: all that a connector had committed was read, and nobody waits for another's
transaction."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ferryman.offset_reader.reading_progress import ReadingProgress


def progress(*ends: int) -> ReadingProgress:
    """The progress with a topic whose partitions were read up to there, which is their end for now."""
    made = ReadingProgress()
    for partition, end in enumerate(ends):
        made.begins(partition, 0)
        made.ended(partition, end)
    return made


def test_a_question_is_answered_when_every_partition_was_read_up_to_its_fence() -> None:
    found = progress(3, 5)
    assert found.in_the_way("c", {0: 3, 1: 5}) == {}
    assert found.in_the_way("c", {0: 4, 1: 5}) == {0: 3}
    found.read(0, 4)
    assert found.in_the_way("c", {0: 4, 1: 5}) == {}


def test_what_hides_nothing_of_the_connector_is_not_waited_for() -> None:
    found = progress(3)
    assert found.unseen([{0: 7}]) == {0: (3, 7)}
    found.saw(0, 4, "d")
    found.saw_all(0, 7)
    assert found.in_the_way("c", {0: 7}) == {}
    assert found.in_the_way("d", {0: 7}) == {0: 3}
    found.read(0, 5)
    assert found.in_the_way("d", {0: 7}) == {}


def test_only_what_was_not_seen_is_looked_through_and_only_up_to_the_fences() -> None:
    found = progress(3)
    found.saw_all(0, 7)
    assert found.unseen([{0: 6}, {0: 7}]) == {}
    assert found.unseen([{0: 9}, {0: 8}]) == {0: (7, 9)}
    assert found.in_the_way("c", {0: 9}) == {0: 3}


def test_while_committed_records_come_nothing_is_looked_through() -> None:
    found = progress(3)
    found.read(0, 4)
    assert found.unseen([{0: 9}]) == {}


EVENTS = st.lists(st.tuples(st.sampled_from(["commit", "open", "close", "read", "look", "ask"]), st.sampled_from("cd")))


@settings(max_examples=300)
@given(EVENTS)
def test_in_any_order_of_events_an_answer_has_all_that_was_committed_before_its_question(
    events: list[tuple[str, str]],
) -> None:
    """One partition. A transaction of either connector may be open, and hides what the other one commits behind it."""
    log: list[str] = []
    opened: dict[str, int] = {}
    found = progress(0)
    seen, fences = set[int](), list[tuple[str, int, set[int]]]()
    committed = set[int]()

    def stable() -> int:
        return min(opened.values(), default=len(log))

    for event, connector in events:
        match event:
            case "commit" if connector not in opened:
                committed.add(len(log))
                log.append(connector)
            case "open" if connector not in opened:
                opened[connector] = len(log)
                log.append(connector)
            case "close" if connector in opened:
                committed.add(opened.pop(connector))
            case "read":
                seen |= {at for at in range(stable()) if at in committed}
                found.ended(0, stable())
            case "look":
                for partition, (begins, ends) in found.unseen([{0: fence} for _, fence, _ in fences]).items():
                    for at in range(begins, ends):
                        found.saw(partition, at, log[at])
            case "ask" if connector not in opened:  # it is fenced: none of its own is open
                fences.append((connector, len(log), {at for at in committed if log[at] == connector}))
        for whose, fence, before in fences:
            if not found.in_the_way(whose, {0: fence}):
                assert before <= seen
