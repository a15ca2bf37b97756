"""What is kept of schemas: those used last, as many as a config says, or more while their texts are short."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _Entry(NamedTuple, Generic[V]):
    value: V
    size: int


class Kept(Generic[K, V]):
    """Values by their keys. What was not used for longest goes first, the last one never."""

    free = 8 << 20
    """Bytes of texts up to which everything is kept, however many: two or three thousand schemas of change events."""
    most_bytes = 64 << 20
    """Bytes beyond which no more is kept, however few."""

    def __init__(self, most: int) -> None:
        self._most = max(1, most)
        self._entries: OrderedDict[K, _Entry[V]] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K) -> V | None:
        """A value that is kept, or None."""
        found = self._entries.get(key)
        if found is None:
            return None
        self._entries.move_to_end(key)
        return found.value

    def put(self, key: K, value: V, size: int) -> None:
        """Keeps a value whose text has so many bytes, in the place of the key's former one."""
        former = self._entries.pop(key, None)
        self._bytes += size - (0 if former is None else former.size)
        self._entries[key] = _Entry(value, size)
        while len(self._entries) > 1 and self._is_full():
            _, oldest = self._entries.popitem(last=False)
            self._bytes -= oldest.size

    def _is_full(self) -> bool:
        return self._bytes > (self.free if len(self._entries) > self._most else self.most_bytes)
