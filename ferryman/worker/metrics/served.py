"""The answer to a scrape."""

from collections.abc import Callable, Iterable, Mapping

from ferryman import __version__
from ferryman.metrics import exposition, ours
from ferryman.metrics.exposition import Form, Lines
from ferryman.metrics.family import Family
from ferryman.metrics.registry import ALIASES, FAMILIES
from ferryman.settings.settings import Settings
from ferryman.telemetry.process_usage import CollectorTime
from ferryman.worker.control.plane import Plane
from ferryman.worker.metrics import worker_samples


def served(plane: Plane, settings: Settings) -> Callable[[Form, bool], str] | None:
    """What answers scrapes, in a form, of a worker that is ready or not; None where nothing does."""
    return Served(plane, settings).text if settings.config.ferryman_metrics_enable else None


class Served:
    """What one worker serves. For the event loop."""

    def __init__(self, plane: Plane, settings: Settings) -> None:
        self._plane, self._names = plane, settings.config.ferryman_metrics_names
        self._collector = CollectorTime()
        self._collector.watch()

    def text(self, form: Form, ready: bool) -> str:
        """All series, as they are now."""
        samples = [
            (ours.BUILD, (__version__,), 1),
            (ours.READY, (), int(ready)),
            *worker_samples.samples(self._plane, self._collector),
        ]
        tasks = (place.process.lines for place in self._plane.reconciler.tasks.values() if place.process is not None)
        return self.joined([exposition.lines(samples), *tasks], form)

    def joined(self, written: Iterable[Lines], form: Form) -> str:
        """The series of the worker and of its tasks, under the names that the settings want, and the process's own."""
        sources = list(written)
        families: list[Family] = []
        if "exporter" in self._names:
            families += FAMILIES.values()
        else:
            families += (family for family in FAMILIES.values() if family.attribute is None)
        if "reporter" in self._names:
            families += ALIASES.values()
            sources = [_with_aliases(lines) for lines in sources]
        return exposition.joined(families, sources, form)


def _with_aliases(lines: Lines) -> Mapping[str, str]:
    """The same lines under both names."""
    found = {
        alias.name: exposition.renamed(lines[name], FAMILIES[name], alias)
        for name, alias in ALIASES.items()
        if name in lines
    }
    return {**lines, **found}
