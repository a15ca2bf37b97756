"""A plugin that is known by its names, and imported only when its class is needed."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from importlib import import_module
from typing import Any

from ferryman.plugins.kinds import SUFFIXES, Kind


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a plugin's class is and what configs call it."""

    kind: Kind
    module: str
    attribute: str
    """The name of the class in its module; dotted if it is inside of another."""
    names: tuple[str, ...] = ()
    """Its full names: its Java class names, or its own where nobody had one before."""
    sided: bool = False
    """Whether its names end in ``$Key`` or ``$Value``."""

    def load(self) -> type[Any]:
        """Its class. Raises whatever its import raises."""
        found: Any = reduce(getattr, self.attribute.split("."), import_module(self.module))
        assert isinstance(found, type), f"{self.attribute} of {self.module} is not a class"
        return found

    def aliases(self) -> Iterator[str]:
        """Its simple names, and those without what kind of plugin it is (Kafka's plugin aliases)."""
        for name in (*self.names, self.attribute):
            simple = name.rpartition(".")[2]
            yield simple
            for suffix in (SUFFIXES[self.kind], *(("HeaderConverter",) if self.kind == "converter" else ())):
                yield simple.removesuffix(suffix) or simple
