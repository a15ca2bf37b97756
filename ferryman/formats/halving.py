"""Which few of many items keep the others from being read at once: found by halving, as long as that pays."""

from collections.abc import Callable, Iterator


def unfit(count: int, fits: Callable[[int, int], bool], few: int = 1, tries: int | None = None) -> Iterator[int]:
    """The places of the items that do not fit, among ``count`` items of which at least one does not.

    ``fits(start, stop)`` says whether these can be read at once. Pieces of at most ``few`` that cannot are given up
    whole, and so is what is left after so many ``tries``.
    """
    waiting = [(0, count)] if count else []
    while waiting:
        start, stop = waiting.pop()
        if tries is not None:
            tries -= 1
        if stop - start <= few or (tries is not None and tries < 0):
            yield from range(start, stop)
            continue
        middle = (start + stop) // 2
        waiting += [half for half in ((middle, stop), (start, middle)) if not fits(*half)]
