"""Lines of sample records through a chain of transforms, as many at a time as there are; memory does not grow."""

from collections.abc import Iterator, Sequence
from typing import BinaryIO, Protocol

from ferryman.chain.chain import Chain, Step, assembled
from ferryman.dry_run.sample_lines import DROPPED, JSON, BadLine, failed, read, record_line
from ferryman.errors import FerrymanError
from ferryman.record import Record, batches

CHUNK_BYTES = 1 << 18
MAX_LINE_BYTES = 64 << 20
"""A line of more bytes is refused: it could not be held in memory however long it goes on."""


class Stream(Protocol):
    """What lines are read from."""

    def read1(self, size: int, /) -> bytes:
        """Some bytes, as soon as there are any; none at the end."""
        ...


def chain_of(steps: Sequence[Step]) -> Chain:
    """A task's chain that reads and writes JSON with schemas, with these steps between."""
    return assembled(JSON, JSON, JSON, steps)


def run(steps: Sequence[Step], source: Stream, out: BinaryIO) -> None:
    """A line for each line, in order. Raises BadLine after having written what came before."""
    chain, number = chain_of(steps), 1
    for lines in _chunks(source):
        records, results, bad = _read(lines, number)
        _transform(chain, records, results)
        out.write(b"".join(results[at] for at in sorted(results)))
        out.flush()
        if bad is not None:
            raise bad
        number += len(lines)


def _chunks(source: Stream) -> Iterator[list[bytes]]:
    """Whole lines as they come in, without their ends."""
    rest, number = b"", 1
    while piece := source.read1(CHUNK_BYTES):
        *lines, rest = (rest + piece).split(b"\n")
        if lines:
            yield lines
        number += len(lines)
        if len(rest) > MAX_LINE_BYTES:
            raise BadLine(f"line {number}: it is longer than {MAX_LINE_BYTES} bytes")
    if rest:
        yield [rest]


def _read(lines: Sequence[bytes], number: int) -> tuple[dict[int, Record], dict[int, bytes], BadLine | None]:
    """Records and, where a value fits no schema, results, by place; reading stops at a bad line."""
    records: dict[int, Record] = {}
    results: dict[int, bytes] = {}
    for at, line in enumerate(lines):
        if not line.strip():
            continue
        try:
            records[at] = read(line)
        except FerrymanError as error:
            results[at] = failed(error)
        except BadLine as error:
            return records, results, BadLine(f"line {number + at}: {error}")
    return records, results, None


def _transform(chain: Chain, records: dict[int, Record], results: dict[int, bytes]) -> None:
    places, origin = list(records), list(records.values())
    results |= dict.fromkeys(places, DROPPED)
    done, failures = chain.transform(batches(origin, origin, range(len(origin))))
    for failure in failures:
        results[places[failure.position]] = failed(failure.error)
    for piece in done:
        for position, record in zip(piece.positions, piece.records(), strict=True):
            results[places[position]] = _written(record)


def _written(record: Record) -> bytes:
    try:
        return record_line(record)
    except FerrymanError as error:
        return failed(error)
