"""Plugins of other packages, which register an entry point in one of the groups of ``kinds.GROUPS``.

What a class is called in configs only the class says, so all that are installed are imported, once. A worker has that
done by processes of their own, and takes over what they have found; it imports none.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any, get_args

from ferryman.plugins.entry import Entry
from ferryman.plugins.folders import names
from ferryman.plugins.kinds import GROUPS, ROOTS, Kind

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Point:
    """An entry point, as far as a package's metadata tell."""

    group: str
    name: str
    value: str
    """Its module and the class in it."""
    package: str = ""
    version: str = ""

    @property
    def module(self) -> str:
        """What is imported for it."""
        return self._part("module")

    @property
    def attribute(self) -> str:
        """The class in it."""
        return self._part("attr")

    def _part(self, name: str) -> str:
        # Blanks around the colon, and extras behind the class, are allowed.
        found = EntryPoint.pattern.match(self.value)
        return (found.group(name) or "") if found else ""

    def load(self) -> Any:
        """What it names. Raises whatever its import raises."""
        return EntryPoint(self.name, self.value, self.group).load()


@dataclass(frozen=True, slots=True)
class Broken:
    """An entry point that cannot be loaded."""

    group: str
    point: str
    attribute: str
    reason: str


@dataclass(frozen=True, slots=True)
class Others:
    """What was found at entry points."""

    entries: Sequence[Entry] = ()
    broken: Sequence[Broken] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    """The versions of packages, by what their modules' names begin with."""

    def __add__(self, other: "Others") -> "Others":
        return Others(
            (*self.entries, *other.entries), (*self.broken, *other.broken), {**self.versions, **other.versions}
        )

    def of(self, kind: Kind) -> list[Entry]:
        """The plugins of a kind."""
        return [entry for entry in self.entries if entry.kind == kind]

    def dump(self) -> dict[str, Any]:
        """What was found, as plain values."""
        return asdict(self)

    @classmethod
    def load(cls, found: Mapping[str, Any]) -> "Others":
        """The inverse of ``dump``."""
        entries = tuple(Entry(**{**each, "names": tuple(each["names"])}) for each in found["entries"])
        return cls(entries, tuple(Broken(**each) for each in found["broken"]), dict(found["versions"]))


def points(*groups: str) -> list[Point]:
    """All that are installed in these groups. Reads the metadata of each package once, and imports nothing."""
    installed = entry_points()
    return [
        Point(group, each.name, each.value, each.dist.name if each.dist else "", each.dist.version if each.dist else "")
        for group in groups
        for each in installed.select(group=group)
    ]


def examined(found: Iterable[Point]) -> Others:
    """What there is at these. Imports them: whatever an import does, short of raising an Exception, it does here."""
    return sum(map(_examined, found), Others())


def _examined(point: Point) -> Others:
    try:
        plugin = point.load()
    except Exception as error:
        log.exception("the plugin %s of %s cannot be loaded and is left out", point.name, point.package)
        return left_out(point, reason(error))
    kinds: tuple[Kind, ...] = get_args(Kind)
    entries = [
        Entry(kind, point.module, point.attribute, names(plugin), getattr(plugin, "sided", False))
        for kind in kinds
        if GROUPS[kind] == point.group and isinstance(plugin, type) and issubclass(plugin, ROOTS[kind])
    ]
    if not entries:
        roots = " or ".join(ROOTS[kind].__name__ for kind in kinds if GROUPS[kind] == point.group)
        why = f"{point.attribute or point.module} is no {roots}, and the group {point.group} is for these"
        log.error("the plugin %s of %s cannot be loaded and is left out: %s", point.name, point.package, why)
        return left_out(point, why)
    versions = {package_of(point.module): point.version} if point.version else {}
    return Others(tuple(entries), (), versions)


def left_out(point: Point, why: str) -> Others:
    """An entry point that cannot be used."""
    return Others(broken=(Broken(point.group, point.name, point.attribute, why),))


def reason(error: BaseException) -> str:
    """What an import has raised, in a line."""
    return f"{type(error).__name__}: {error}"


def package_of(module: str) -> str:
    """What the names of all modules of its package begin with."""
    return module.partition(".")[0]
