"""Finds out what others have installed: has their entry points imported by processes, package by package.

A package that ends its process or does not come back is looked at again point by point, so that it costs only what it
has to. What cannot be imported is left out, as Kafka Connect does, with a line in the log, and its name says why.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence

from ferryman.errors import FerrymanError
from ferryman.plugin_process import installed
from ferryman.plugins import others
from ferryman.plugins.others import Others, Point
from ferryman.telemetry.redaction import redact
from ferryman.worker.plugin_code.processes import Ask, Asked

log = logging.getLogger(__name__)

PACKAGE_SECONDS = 60.0
"""Seconds that a package, or one of its points, may take."""
SERVER_SECONDS = 600.0
"""Seconds that the server which forks may take until it does."""


async def discover(points: Sequence[Point], ask: Ask, patience: float = PACKAGE_SECONDS) -> Others:
    """All that can be used of these."""
    if points:
        await _look([], ask, SERVER_SECONDS)  # so that its start is on no package's account
    packages: defaultdict[str, list[Point]] = defaultdict(list)
    for point in points:
        packages[point.package].append(point)
    return sum(await asyncio.gather(*(_package(each, ask, patience) for each in packages.values())), Others())


async def _package(points: Sequence[Point], ask: Ask, patience: float) -> Others:
    if len(points) > 1:
        try:
            return await _look(points, ask, patience)
        except FerrymanError as error:
            log.debug("the plugins of %s are examined one by one: %s", points[0].package, error)
    return sum(await asyncio.gather(*(_point(each, ask, patience) for each in points)), Others())


async def _point(point: Point, ask: Ask, patience: float) -> Others:
    try:
        return await _look([point], ask, patience)
    except FerrymanError as error:
        why = redact(str(error))
        log.error("the plugin %s of %s cannot be loaded and is left out: %s", point.name, point.package, why)
        return others.left_out(point, why)


async def _look(points: Sequence[Point], ask: Ask, patience: float) -> Others:
    rows = [("", point.attribute, point.module, point.attribute) for point in points]
    asked = Asked(installed.question(points), rows, "looking for plugins", once=True)
    return Others.load(await ask(asked, patience))
