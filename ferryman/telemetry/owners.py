"""Whose secrets are kept from being written, for how long, and which words are public all the same.

A worker's own are kept for ever, and so are all in a task's process. A connector's are released with it, and those of a
config that was only looked at when that is done. What is released is kept for a while: lines of the log may still be on
their way, and are cleaned when they are written.
"""

import threading
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

LOCK = threading.RLock()
"""Held while what is protected is changed."""
MOST_RELEASED, MOST_HELD = 500, 5000
"""How many owners that are released are kept, and how many values of theirs; the latest is kept whatever it holds."""
LONGEST_WORD = 250
"""Characters of a word that counts as public; names are shorter."""

Shapes = frozenset[tuple[int, int]]
"""Where in public words a value stands, and how long these are."""


class Owner:
    """Somebody to whom secrets belong, and names that are public."""

    def __init__(self, *names: str) -> None:
        self.held: set[str] = set()
        self._names: Counter[str] = Counter()
        self._words: Counter[str] = Counter()
        self.is_called(*names)

    @contextmanager
    def keeps(self) -> Iterator[None]:
        """What is protected inside, in this thread, is his."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    def is_called(self, *names: str) -> None:
        """These are names: connectors, topics. No secret that is part of one hides it."""
        self._publish(self._names, _names, names)

    def says(self, words: Iterable[str]) -> None:
        """A config says these in plain words: nothing doubtful hides them."""
        self._publish(self._words, _words, (word for word in words if len(word) <= LONGEST_WORD))

    def _publish(self, own: Counter[str], all_: Counter[str], words: Iterable[str]) -> None:
        with LOCK:
            for word in words:
                if word not in own:
                    own[word] = 1
                    all_[word] += 1
            _shapes.clear()

    def release(self) -> None:
        """Nothing of his is needed any more, but for what is still on its way."""
        with LOCK:
            if self in _released:
                return
            _released.append(self)
            while len(_released) > 1 and (
                len(_released) > MOST_RELEASED or sum(len(each.held) for each in _released) > MOST_HELD
            ):
                _released.popleft()._forget()

    def _forget(self) -> None:
        for thing in self.held:
            kept = _held.get(thing, {})
            kept.pop(self, None)
            if thing in _held and not kept:
                del _held[thing]
                _forget.pop(thing)()
        self.held.clear()
        for own, all_ in ((self._names, _names), (self._words, _words)):
            all_.subtract(own)
            for word in own:
                if all_[word] <= 0:
                    del all_[word]
            own.clear()
        _shapes.clear()


_names: Counter[str] = Counter()
_words: Counter[str] = Counter()
_held: dict[str, dict[Owner, bool]] = {}
"""By what is held, whose it is, and whether it is a secret for certain."""
_forget: dict[str, Callable[[], object]] = {}
"""What ends the protection of each."""
_released: deque[Owner] = deque()
_shapes: dict[tuple[str, bool], Shapes] = {}
"""What ``_shapes_of`` has found; cleared when anything changes."""
FOREVER = Owner()
"""The owner of everything without another owner; never released."""
_current: ContextVar[Owner] = ContextVar("owner", default=FOREVER)


def hold(thing: str, forget: Callable[[], object], certain: bool) -> None:
    """The present owner has something; ``forget`` is called when no owner has it any more. LOCK is held."""
    owner = _current.get()
    kept = _held.setdefault(thing, {})
    if kept.get(owner) is not (certain or kept.get(owner, False)):
        kept[owner] = certain or kept.get(owner, False)
        _shapes.clear()
    owner.held.add(thing)
    _forget[thing] = forget


@contextmanager
def passing() -> Iterator[None]:
    """What is protected inside is needed no longer than that, unless an owner is there already."""
    if _current.get() is not FOREVER:
        yield
        return
    owner = Owner()
    try:
        with owner.keeps():
            yield
    finally:
        owner.release()


def is_public(text: str, start: int, value: str, said: Collection[str] = ()) -> bool:
    """Whether a protected value in a text is no more than part of a public word there. A secret is public only as part
    of a longer name; a doubtful value also as a name or a word of its own. What is ``said`` is public in any case."""
    with LOCK:
        certain = any(_held.get(value, {FOREVER: True}).values())
        for offset, length in _shapes_of(value, certain):
            word = text[start - offset : start - offset + length] if start >= offset else ""
            if word in _names or (not certain and word in _words):
                return True
    return any(text.startswith(word, start - at) for word in said for at in _places(word, value) if start >= at)


def _shapes_of(value: str, certain: bool) -> Shapes:
    known = _shapes.get((value, certain))
    if known is None:
        words = [*_names] if certain else [*_names, *_words]
        fitting = (word for word in words if value in word and not (certain and word == value))
        known = frozenset((at, len(word)) for word in fitting for at in _places(word, value))
        _shapes[value, certain] = known
    return known


def _places(word: str, value: str) -> Iterator[int]:
    at = word.find(value)
    while at >= 0:
        yield at
        at = word.find(value, at + 1)
