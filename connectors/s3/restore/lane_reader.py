"""Reads one lane: its objects one after the other, each from where the last poll or process stopped."""

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from ferryman.connectors.s3.bucket.bucket import Bucket
from ferryman.connectors.s3.restore.contents import Archived, Contents, Opened
from ferryman.connectors.s3.restore.listing import Lane
from ferryman.connectors.s3.restore.object_bytes import EMPTY, Damaged
from ferryman.connectors.s3.restore.positions import Position
from ferryman.connectors.s3.restore.records import BadRecord, Piece
from ferryman.errors import DataError

log = logging.getLogger(__name__)

LAST_OFFSET = "ferryman-last-offset"
"""The sink's metadata of an object: the offset of its last record."""
SETTLING_SECONDS = 5.0
"""How long a sink may take to make visible what it closes together. What a listing has shown for so long has all beside
it that came before it."""
Judge = Callable[[DataError], None]
"""Decides about what cannot be read: raises, or lets it be skipped."""
Order = tuple[int, str]
"""The place of an object in its lane, by start offset and name."""


@dataclass
class LaneReader:
    """One lane, with its next record already read."""

    lane: Lane
    bucket: Bucket
    contents: Contents
    judge: Judge
    position: Position | None = None
    """What is behind us; None at the beginning."""
    waiting: deque[Archived] = field(default_factory=deque)
    """Objects that are known, the one that is read not among them."""
    current: Archived | None = None
    _settled: Order | None = None
    """The last object that is there for long enough."""
    _shown: deque[tuple[float, Order]] = field(default_factory=deque)
    """Last objects of listings that are not, and when they were shown first, in monotonic seconds."""
    _opened: Opened | None = None
    _piece: Piece | None = None

    def take_listing(self, objects: list[Archived], began: float, now: float) -> None:
        """Takes what a listing found, in order; what was read, and what is being read, is passed over. It began, and it
        is now, at these monotonic seconds."""
        while self._shown and self._shown[0][0] <= began - SETTLING_SECONDS:
            self._settled = self._shown.popleft()[1]
        latest = self._shown[-1][1] if self._shown else self._settled
        if objects and (latest is None or objects[-1].order > latest):
            self._shown.append((now, objects[-1].order))
        self.waiting = deque(
            each
            for each in objects
            if (self.position is None or not self.position.is_past(each))
            and (self.current is None or each.order > self.current.order)
        )

    def head(self) -> tuple[int, str] | None:
        """The offset of the next record, as far as it is known, and the object that it is in; None at the end."""
        if self._piece is not None and self._piece.offsets is not None and self.current is not None:
            return self._piece.offsets[0], self.current.listed.key
        found = self.current or (self.waiting[0] if self.waiting else None)
        return None if found is None else found.order

    def incomplete(self, bounded: bool) -> bool:
        """Whether the next object waits for those of its keys or headers; where none are to come, it is damaged."""
        if self.current is not None:
            return False
        while self.waiting and (missing := self.contents.missing(self.waiting[0])):
            if not bounded:
                return True
            self._skip(self.waiting[0], Damaged(f"there is no object of its {' and '.join(missing)}"))
            self.waiting.popleft()
        return False

    @property
    def settled(self) -> bool:
        """Whether the object that is read was shown so long before the last listing that it had all beside it that
        belongs before it."""
        return self.current is not None and self._settled is not None and self.current.order <= self._settled

    @property
    def reads(self) -> bool:
        """Whether an object is being read."""
        return self._opened is not None

    def peek(self, ahead: int) -> Piece | None:
        """The records that come next; None if the next object has none (left), and is passed. Of an object that is
        begun, so many bytes are asked for at once.

        Raises RetriableError, after which the object is read anew, and whatever ``judge`` raises.
        """
        if self._piece is not None:
            return self._piece
        if self.current is None:
            self.current = self.waiting.popleft()
        if self._opened is None:
            skip = 0 if self.position is None else self.position.skip(self.current)
            self._opened = self.contents.open(self.bucket, self.current, skip, ahead)
        self._piece = self._next(self.current, self._opened)
        if self._piece is None:
            self._done(self.current)
        return self._piece

    def take(self, count: int) -> Piece:
        """Some of what ``peek`` has shown; they are behind us now."""
        assert self._piece is not None
        assert self.current is not None
        taken, left = self._piece.slice(0, count), self._piece.slice(count, len(self._piece))
        self._piece = left if len(left) else None
        following = None if taken.offsets is None else taken.offsets[-1] + 1
        self.position = Position(self.current.order, taken.indices[-1] + 1, end=False, following=following)
        return taken

    def range(self) -> tuple[int | None, int | None]:
        """The offsets of the first record of the object that is read, and of a last one that none of it is behind."""
        assert self.current is not None
        first = self.current.place.start
        noted = "" if self._opened is None else self._opened.source.metadata.get(LAST_OFFSET, "")
        if noted.isascii() and noted.isdigit() and len(noted) < 20:
            return first, int(noted)
        # A partition's files are closed together, so none has a record behind the beginning of the next one here.
        following = next((each.place.start for each in self.waiting), None)
        return first, None if following is None else following - 1

    def forget(self) -> None:
        """After an error: what was read ahead is read again."""
        self._opened = self._piece = None

    def _next(self, found: Archived, opened: Opened) -> Piece | None:
        while True:
            try:
                item = next(opened.pieces, None)
            except DataError as error:
                self._skip(found, error)
                return None
            if not isinstance(item, BadRecord):
                return item
            # Behind it, whatever becomes of it: if it is passed over, it is once for all.
            self._judged(found, DataError(f"record {item.at}: {item.error}"))
            self._passed(found, item.at + 1, end=False)

    def _skip(self, found: Archived, error: DataError) -> None:
        at = 0 if self.position is None else self.position.skip(found)
        self._judged(found, DataError(f"{error} (its first {at} records were read)" if at else f"{error}"))
        self._passed(found, at, end=True)

    def _judged(self, found: Archived, error: DataError) -> None:
        self.judge(DataError(f"s3://{self.bucket.name}/{found.listed.key}: {error}"))

    def _done(self, found: Archived) -> None:
        read = 0 if self.position is None else self.position.skip(found)
        is_judged = self.position is not None and self.position.is_past(found)
        if read == 0 and found.place.start is not None and not is_judged:
            self._judged(found, Damaged(EMPTY))
        self._passed(found, read, end=True)
        self.current = None
        self.forget()

    def _passed(self, found: Archived, records: int, *, end: bool) -> None:
        following = None if self.position is None else self.position.following
        self.position = Position(found.order, records, end, following)
