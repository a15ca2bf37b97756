"""Whose the secrets of each connector here are: one owner a config, released when what ran with it is gone."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager

from ferryman.telemetry import redaction
from ferryman.telemetry.owners import Owner


class Owners:
    """The owners of one worker's connectors."""

    def __init__(self, settle: Callable[[str], Awaitable[None]]) -> None:
        self._settle = settle
        """Waits until a connector is where it is wanted."""
        self._owners: dict[str, Owner] = {}
        self._prepared: list[tuple[str, Mapping[str, str], Owner]] = []
        """The owners of configs that are about to be written."""
        self._releases: set[asyncio.Future[None]] = set()

    def of(self, connector: str, raw: Mapping[str, str]) -> Owner:
        """Whose the secrets of a connector are that has this config."""
        if connector not in self._owners:
            prepared = (owner for name, config, owner in self._prepared if (name, config) == (connector, raw))
            self._owners[connector] = next(prepared, None) or _new(connector, raw)
        return self._owners[connector]

    def replace(self, connector: str) -> None:
        """It has another config, or is no more."""
        before = self._owners.pop(connector, None)
        if before is not None:
            release = asyncio.ensure_future(self._release(connector, before))
            self._releases.add(release)
            release.add_done_callback(self._releases.discard)

    @contextmanager
    def prepared(self, connector: str, raw: Mapping[str, str]) -> Iterator[Owner]:
        """Whose the secrets of a config are that is looked at and then written; they are released if it is not."""
        owner = _new(connector, raw)
        prepared = (connector, raw, owner)
        self._prepared.append(prepared)
        try:
            yield owner
        finally:
            self._prepared.remove(prepared)
            if self._owners.get(connector) is not owner:
                owner.release()

    async def _release(self, connector: str, owner: Owner) -> None:
        await self._settle(connector)
        owner.release()


def _new(connector: str, raw: Mapping[str, str]) -> Owner:
    owner = Owner(connector)
    owner.says(redaction.plain_words(raw))
    return owner
