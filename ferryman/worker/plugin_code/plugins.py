"""What a worker knows of plugins, and what it asks their code: configs checked, keys described."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from ferryman.errors import ConfigError
from ferryman.plugin_process import checks, converters, keys
from ferryman.plugin_process.checks import Checked
from ferryman.plugins import catalog, named, others
from ferryman.plugins.kinds import GROUPS
from ferryman.plugins.others import Others
from ferryman.settings.config_providers import Resolution
from ferryman.settings.settings import Settings
from ferryman.telemetry import redaction
from ferryman.telemetry.owners import Owner
from ferryman.validation import plugin_infos
from ferryman.validation.plugin_infos import PluginInfo
from ferryman.worker.plugin_code import discovery
from ferryman.worker.plugin_code.processes import Ask, Asked
from ferryman.worker.pool import DEADLINE_SECONDS, Pool

log = logging.getLogger(__name__)

VALIDATING = "performing multi-property validation for the connector"
"""In Kafka Connect's words."""


class Plugins:
    """The plugins of one worker. ``ask`` asks their code."""

    def __init__(self, settings: Settings, ask: Ask, pool: Pool | None = None) -> None:
        self.ask = ask
        self._settings = settings
        self._pool = pool or Pool("checks", 8, 64)
        self._known = asyncio.Event()

    async def look(self) -> None:
        """Finds out what others have installed; until that is done, whoever asks for plugins waits. From now on this
        process imports none of it. ConfigError if a converter of the worker's settings is not there or not usable."""
        catalog.set_third_party(Others())
        points = await self._pool.run("looking for plugins", lambda: others.points(*set(GROUPS.values())))
        self.are_known(await discovery.discover(points, self.ask))
        await self._converters()

    async def _converters(self) -> None:
        """Has those made that the worker's settings name, and warns of settings that they do not have."""
        rows = named.named({}, self._settings.values)
        for warning in await self.ask(Asked(converters.question(), rows, "initializing"), discovery.SERVER_SECONDS):
            log.warning("%s", redaction.redact(warning))

    def are_known(self, found: Others) -> None:
        """What others have installed."""
        catalog.set_third_party(found)
        for double in catalog.doubles():
            log.warning("%s", double)
        self._known.set()

    async def listed(self, connectors_only: bool) -> Sequence[PluginInfo]:
        """See ``plugin_infos.list_plugins``."""
        await self._known.wait()
        return await self._pool.run("listing the plugins", lambda: plugin_infos.list_plugins(connectors_only))

    async def mean_the_same(self, one: str, other: str) -> bool:
        """Whether two names mean the same connector."""
        await self._known.wait()
        return catalog.connector_entry(one) is not None and catalog.connector_entry(one) == catalog.connector_entry(
            other
        )

    async def keys(self, name: str, version: str) -> Sequence[Mapping[str, Any]] | None:
        """The declarations of a plugin's keys; None if there is none of that name. RequestError 400 if it has none of
        the versions asked for."""
        await self._known.wait()
        entries = (catalog.entry(kind, name) for kind in get_args(catalog.Kind))
        rows = [(each.kind, name, each.module, each.attribute) for each in entries if each is not None]
        if not rows:
            return None
        found: Sequence[Mapping[str, Any]] | None = await self.ask(
            Asked(keys.question(name, version), rows, "describing a plugin")
        )
        return found

    async def validated(self, raw: Mapping[str, str | None], owner: Owner | None = None) -> Checked:
        """What is wrong with a config. RequestError 400 without a usable connector.class. With an ``owner`` the config
        is to be run: its secrets are his from now on, and its name is public."""
        await self._known.wait()
        keeper = owner or Owner()
        try:
            resolution = await self._pool.run(VALIDATING, lambda: self._resolved(raw, keeper))
            rows = named.named(resolution.values, self._settings.values)
            name = (raw.get("name") or "") if owner else ""
            asked = Asked(checks.question(raw, resolution, name), rows, VALIDATING)
            found = Checked.load(await self.ask(asked, DEADLINE_SECONDS))
            with keeper.keeps():
                redaction.protect_config(resolution.values, found.secrets)
            return found
        finally:
            if owner is None:
                keeper.release()

    async def checked(self, raw: Mapping[str, str], owner: Owner) -> Checked:
        """The same for a config that is to be run: ConfigError with every problem."""
        found = await self.validated(raw, owner)
        if found.problems:
            raise ConfigError(*found.problems)
        return found

    def _resolved(self, raw: Mapping[str, str | None], owner: Owner) -> Resolution:
        given = {key: value for key, value in raw.items() if value is not None}
        with owner.keeps():
            redaction.protect_config(raw)
            resolution = self._settings.providers.resolve(given)
            redaction.protect_config(resolution.values)
            return resolution
