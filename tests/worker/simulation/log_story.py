"""What workers rely on in Kafka's topics: one story for the models of its clients and for a real broker.

KafkaLog and FencedWriter are production's own in both.
"""

from collections.abc import Callable, Sequence

from ferryman.errors import FencedError
from ferryman.internal_topics import of_worker
from ferryman.internal_topics.kafka_log import LogRecord
from ferryman.internal_topics.writers import FencedWriter
from ferryman.settings.settings import Settings

SOON = 60.0
"""Seconds, for what usually takes no time."""


def story(settings: Settings) -> None:
    """Two readers and two who would lead, on one config topic of which the writes are fenced. Blocks."""
    heard: tuple[list[bytes], list[bytes]] = [], []
    readers = [of_worker.config_log(settings, _notes(each)) for each in heard]
    writers = [of_worker.leader_writer(settings) for _ in readers]
    first, second = (each for each in writers if each is not None)
    for reader in readers:
        reader.start(SOON)
    # Nothing is written without the right to; what is written together comes in its order.
    _refused(first, b"never")
    first.claim(SOON)
    ends = first.send([(b"k", b"1"), (b"k", b"2"), (b"l", b"3")], SOON)
    for reader in readers:
        reader.read_up_to(ends, SOON)
    assert heard == ([b"1", b"2", b"3"],) * 2, heard
    # Whoever claims the right has it alone, and the other learns of it when it writes.
    second.claim(SOON)
    _refused(first, b"late")
    assert not first.claimed
    ends = second.send([(b"k", b"4")], SOON)
    readers[0].read_up_to(ends, SOON)
    # Anybody writes without transactions; who reads to the end has read it, and all that came before.
    readers[1].send([(b"t", b"5")], SOON)
    for reader in readers:
        reader.read_to_end(SOON)
    assert heard == ([b"1", b"2", b"3", b"4", b"5"],) * 2, heard
    # The right can be had again, and given up.
    first.claim(SOON)
    _refused(second, b"later")
    readers[0].read_up_to(first.send([(b"k", b"6")], SOON), SOON)
    # Who has slept over its claim writes nothing by it.
    first.leads = lambda: False
    _refused(first, b"slept")
    assert not first.claimed
    first.leads = lambda: True
    first.claim(SOON)
    first.relinquish()
    _refused(first, b"last")
    # Who comes later reads the same.
    late: list[bytes] = []
    reader = of_worker.config_log(settings, _notes(late))
    reader.start(SOON)
    assert late == [b"1", b"2", b"3", b"4", b"5", b"6"] == heard[0], (late, heard)
    for each in (*readers, reader):
        each.close()


def _notes(values: list[bytes]) -> Callable[[Sequence[LogRecord]], None]:
    return lambda records: values.extend(each.value for each in records if isinstance(each.value, bytes))


def _refused(writer: FencedWriter, value: bytes) -> None:
    try:
        writer.send([(b"k", value)], SOON)
    except FencedError:
        return
    raise AssertionError(f"{value!r} was written")
