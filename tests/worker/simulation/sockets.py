"""The sockets of all event loops of a machine, which looks at them at once."""

import select
import selectors
from collections.abc import Callable
from itertools import count
from typing import Any


class Watch(selectors.BaseSelector):
    """What one event loop asks about its sockets. ``watch`` is called with each and the events that it waits for,
    ``ignore`` with each that it waits for no longer."""

    def __init__(self, watch: "Callable[[Watch, int, int], None]", ignore: Callable[[int], None]) -> None:
        self.ready: dict[int, int] = {}
        """What has come to which, as epoll says it."""
        self._watch, self._ignore, self._keys = watch, ignore, dict[int, selectors.SelectorKey]()
        self._order: dict[int, int] = {}
        self._numbers = count()

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        number = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        key = selectors.SelectorKey(fileobj, number, events, data)
        self._keys[number], self._order[number] = key, next(self._numbers)
        self._watch(self, number, _mask(events))
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        key = self.get_key(fileobj)
        del self._keys[key.fd], self._order[key.fd]
        self.ready.pop(key.fd, None)
        self._ignore(key.fd)
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        before = self.get_key(fileobj)
        key = self._keys[before.fd] = before._replace(events=events, data=data)
        self._watch(self, before.fd, _mask(events))
        return key

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        number = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        return self._keys[number]

    def get_map(self) -> Any:
        return self._keys

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = []
        for number in sorted(self.ready, key=lambda each: self._order.get(each, 0)):
            if number in self._keys and (events := _events(self.ready[number]) & self._keys[number].events):
                found.append((self._keys[number], events))
        self.ready.clear()
        return found

    def close(self) -> None:
        for number in list(self._keys):
            self._ignore(number)
        self._keys.clear()


def _mask(events: int) -> int:
    return (select.EPOLLIN if events & selectors.EVENT_READ else 0) | (
        select.EPOLLOUT if events & selectors.EVENT_WRITE else 0
    )


def _events(mask: int) -> int:
    read = selectors.EVENT_READ if mask & ~select.EPOLLOUT else 0
    return read | (selectors.EVENT_WRITE if mask & ~select.EPOLLIN else 0)
