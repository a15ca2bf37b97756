"""Which of the chosen letters may be replayed, and why the others may not. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ferryman.dead_letters import query
from ferryman.dead_letters.letter import DeadLetter
from ferryman.dead_letters.mark import Mark
from ferryman.dead_letters.settled import Settled
from ferryman.errors import RequestError
from ferryman.record import Original, TopicPartition
from ferryman.replay.request import Request
from ferryman.runs.ranges import Range

INCOMPLETE, HOMELESS, TIRED, TAKEN, DOUBLES = "incomplete", "homeless", "attempts", "replayed", "doubles"
REFUSED, INTERNAL, UNDATED = "refused", "internal", "undated"
_HEADERS = "with errors.deadletterqueue.context.headers.enable=true letters say it"
_TEXTS = {
    INCOMPLETE: "lacks a part of its record: {left_out}",
    HOMELESS: "does not say which topic its record was in, and the connector reads several ({headers})",
    TIRED: "was replayed {attempts} times already; attempts allows more",
    INTERNAL: "says of its record that it was in {topic}, an internal topic, to which no letter is sent",
}


def is_closed(topic: str, closed: Collection[str]) -> bool:
    """Whether a topic is Kafka's own, or one of these, whatever a letter says: somebody who may write letters must not
    be able to write there through a replay."""
    return topic.startswith("__") or topic in closed


@dataclass(slots=True)
class Chosen:
    """Letters of one topic."""

    request: Request
    only_topic: str
    """The topic that the connector reads; empty if these are several."""
    marks: Mapping[str, Mark]
    """What is marked already."""
    closed: Collection[str] = ()
    """Topics to which no letter is sent."""
    under_way: Collection[str] = ()
    """The runs that have not come to their end: what they have is not taken from them."""
    topics: set[str] = field(default_factory=set)
    """The topics of their records."""
    passed_over: Counter[str] = field(default_factory=Counter)
    """How many others there are, by why they may not; doubles of those that go apart."""
    taken_by: dict[str, int] = field(default_factory=dict)
    """How many are marked, by who has them."""
    _doubles: dict[str, list[str]] = field(default_factory=dict)
    """The letters that may go, in their order, with older ones of the same records."""
    _newest: dict[bytes, DeadLetter] = field(default_factory=dict)
    """The letter that may go, by record."""
    _settled: Settled = field(default_factory=Settled)

    def add(self, letters: Iterable[DeadLetter]) -> None:
        """Letters that are meant. RequestError for one that was named by itself and may not go."""
        for each in letters:
            original = each.original(self.only_topic)
            reason = self._against(each, original)
            if original is not None and reason is None:
                self._take(each, original)
            elif reason is not None and self.request.letters:
                raise self._refusal(each, reason)
            elif reason is not None:
                self.passed_over[reason] += 1
                if reason is TAKEN:
                    self._settle(each)

    def _settle(self, letter: DeadLetter) -> None:
        """What is open of the record of a letter that is marked goes only if it was refused again."""
        self._settled.add(letter, self.marks[letter.id])
        other = self._newest.get(letter.record or b"")
        if other is not None and self._settled.covers(other):
            del self._newest[letter.record or b""]
            self.passed_over[DOUBLES] += 1 + len(self._doubles.pop(other.id))

    def _against(self, letter: DeadLetter, original: Original | None) -> str | None:
        if original is None:
            return HOMELESS if letter.left_out is None else INCOMPLETE
        if self.request.to_topic and is_closed(original.topic, self.closed):
            return INTERNAL
        if letter.attempts >= self.request.attempts:
            return TIRED
        mark = self.marks.get(letter.id)
        if mark is None or (self.request.again and mark.run not in self.under_way):
            return None
        self.taken_by[mark.told] = self.taken_by.get(mark.told, 0) + 1
        return TAKEN

    def _take(self, letter: DeadLetter, original: Original) -> None:
        if self._settled.covers(letter):
            self.passed_over[DOUBLES] += 1
            return
        self.topics.add(original.topic)
        doubles, record = list[str](), letter.record
        if record is not None:
            other = self._newest.get(record)
            if other is not None and letter.place < other.place:
                self._doubles[other.id].append(letter.id)
                return
            if other is not None:
                doubles = self._doubles.pop(other.id)
                doubles.append(other.id)
            self._newest[record] = letter
        self._doubles[letter.id] = doubles

    @property
    def ids(self) -> Sequence[str]:
        """The letters that may go, in their order."""
        return list(self._doubles)

    def doubles(self, letter: str) -> Sequence[str]:
        """The other letters of the record of one that may go: a letter is written at least once, and of one record
        that a kill made two letters of, the newest goes."""
        return self._doubles[letter]

    @property
    def owned(self) -> Collection[str]:
        """All letters that are settled by this, doubles too."""
        return self._doubles.keys() | {double for each in self._doubles.values() for double in each}

    @property
    def told(self) -> Mapping[str, int]:
        """How many are passed over, by reason."""
        doubles = sum(map(len, self._doubles.values()))
        return dict(sorted((self.passed_over + Counter({DOUBLES: doubles})).items()))

    def _refusal(self, letter: DeadLetter, reason: str) -> RequestError:
        if reason == TAKEN:
            mark = self.marks[letter.id]
            return refusal_if_taken(letter.id, mark, mark.run in self.under_way)
        original = letter.original(self.only_topic)
        topic = original.topic if original else ""
        text = _TEXTS[reason].format(headers=_HEADERS, left_out=letter.left_out, attempts=letter.attempts, topic=topic)
        return RequestError(409 if reason == TIRED else 400, f"Dead letter {letter.id} {text}")

    def checked(self, looked_at: int | None = None) -> None:
        """RequestError 409 if there is none to replay among those that were read; there may be more."""
        if not self.ids:
            others = [f"{count} {who}" for who, count in sorted(self.taken_by.items())]
            others += [f"{count} {_OF[why]}" for why, count in sorted(self.passed_over.items()) if why != TAKEN]
            text = f"There is no dead letter to replay: {', '.join(others) or 'none is like that'}"
            if looked_at is not None:
                text += f". Only {looked_at:,} letters were looked at; there are more, which can be named"
            raise RequestError(409, text)

    def ranges(self, topic: str) -> dict[TopicPartition, Range]:
        """The least ranges that hold them."""
        bounds: dict[int, Range] = {}
        for partition, offset in map(query.place, self.ids):
            known = bounds.get(partition, Range(offset, offset + 1))
            bounds[partition] = Range(min(known.first, offset), max(known.behind, offset + 1))
        return {TopicPartition(topic, partition): range_ for partition, range_ in sorted(bounds.items())}


_OF = {
    INCOMPLETE: "without their whole record",
    HOMELESS: f"that do not say which topic their record was in ({_HEADERS})",
    TIRED: "that were replayed too often (attempts)",
    INTERNAL: "of an internal topic",
    UNDATED: "that do not say when they were refused",
    DOUBLES: "of records that were replayed by another letter",
}


def refusal_if_taken(letter: str, mark: Mark, is_under_way: bool) -> RequestError:
    """Why a letter that is being replayed is not taken once more."""
    if is_under_way:
        return RequestError(409, f"Dead letter {letter} is being replayed by {mark.run}, which has not come to its end")
    return RequestError(409, f"Dead letter {letter} was {mark.told} already; again=true replays it once more")
