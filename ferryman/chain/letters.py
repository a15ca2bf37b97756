"""Dead letters decoded as the records in them: by the topics whose records they are, each at its letter's place."""

from collections.abc import Callable
from dataclasses import replace

from ferryman.chain.narrowing import Failure
from ferryman.record import Batch, Polled

Decode = Callable[[Polled], tuple[list[Batch], list[Failure]]]


def decoded(letters: Polled, decode: Decode) -> tuple[list[Batch], list[Failure]]:
    """What ``decode`` makes of the records of each topic and partition; batches and failures have their places among
    the letters, by which is committed what was delivered."""
    assert letters.originals is not None
    homes: dict[tuple[str, str, int], list[int]] = {}
    for at, original in enumerate(letters.originals):
        lay = letters.lay(at)
        homes.setdefault((original.topic, lay.topic, lay.partition), []).append(at)
    batches, failures = list[Batch](), list[Failure]()
    for (topic, _, partition), places in homes.items():
        records = replace(letters.take(places), topic=topic, partition=partition, originals=None)
        done, failed = decode(records)
        batches += [
            replace(each, origin=letters, positions=[places[position] for position in each.positions]) for each in done
        ]
        failures += [replace(each, origin=letters, position=places[each.position]) for each in failed]
    return batches, sorted(failures, key=lambda failure: failure.position)
