"""Ferryman's side: a task's chain, in batches as a task gets them, in this process."""

import time
from collections.abc import Iterable, Mapping, Sequence
from zlib import crc32

from bench.transforms.cases import TIMESTAMP, TOPIC, Case
from bench.transforms.measure import Measured
from ferryman.chain import builder
from ferryman.chain.chain import Chain
from ferryman.chain.encoded import Encoded
from ferryman.conversion import ColumnsWherePossible
from ferryman.record import Payload, Polled
from ferryman.task.setup import garbage_collection

BATCH = 20_000
_NEVER = 1 << 60


def measure(
    side: str,
    case: Case,
    converters: Mapping[str, str],
    values: Sequence[bytes],
    skipped: int,
    counts: tuple[int, int, int],
) -> Measured:
    """A case in ``rows`` or ``columns``; ``counts`` as for the JVM."""
    chain = builder.chain(case.config, converters)
    if side == "rows":
        chain.value.forms = ColumnsWherePossible(_NEVER)
    batches = list(_batches(case, case.records(values)))
    left = [one for batch in batches for encoded in _passed(chain, batch) for one in _sums(encoded, skipped)]
    warm_up, records, repeat = counts
    _loop(chain, batches, warm_up)
    garbage_collection.hold_back()
    runs = [_timed(chain, batches, records) for _ in range(repeat)]
    return Measured(side, records, f"{len(left)} {sum(left)}", [cpu for cpu, _ in runs], [wall for _, wall in runs])


def _batches(case: Case, records: Sequence[Payload]) -> Iterable[Polled]:
    headers = [(name, text.encode()) for name, text in case.headers.items()]
    for start in range(0, len(records), BATCH):
        part = records[start : start + BATCH]
        offsets = range(start, start + len(part))
        yield Polled(
            topic=TOPIC,
            partition=0,
            offsets=list(offsets),
            timestamps=[TIMESTAMP + offset for offset in offsets],
            keys=[None] * len(part),
            values=part,
            headers=[headers] * len(part) if headers else None,
        )


def _passed(chain: Chain, polled: Polled) -> list[Encoded]:
    decoded, failures = chain.decode(polled)
    transformed, failed = chain.transform(decoded)
    failures += failed
    found: list[Encoded] = []
    for each in transformed:
        encoded, failed = chain.encode(each)
        found += encoded
        failures += failed
    if failures:
        raise failures[0].error
    return found


def _loop(chain: Chain, batches: Sequence[Polled], records: int) -> None:
    done = 0
    while done < records:
        batch = batches[(done // BATCH) % len(batches)]
        _passed(chain, batch)
        garbage_collection.collect_if_due()
        done += len(batch)


def _timed(chain: Chain, batches: Sequence[Polled], records: int) -> tuple[float, float]:
    cpu, began = time.process_time(), time.monotonic()
    _loop(chain, batches, records)
    return time.process_time() - cpu, time.monotonic() - began


def _sums(encoded: Encoded, skipped: int) -> Iterable[int]:
    """A checksum of each record, as Loop.java makes it."""
    headers = encoded.headers or [()] * len(encoded.values)
    for key, value, own in zip(encoded.keys, encoded.values, headers, strict=True):
        found = crc32(encoded.topic.encode())
        for part in (key, value):
            found = crc32(part[skipped:], found) if part is not None else found
        for name, text in own:
            found = crc32(text or b"", crc32(name.encode(), found))
        yield found
