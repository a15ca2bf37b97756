"""Verdicts as people and programs read them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ferryman.migration.verdicts import Checked, Verdict
from ferryman.telemetry.lines import printable


@dataclass(frozen=True, slots=True)
class Report:
    """The whole report about a cluster."""

    version: str
    """The version of the Kafka Connect that was read."""
    worker: Checked | None
    """The worker's file; None if there was none."""
    connectors: Sequence[Checked]

    @property
    def refused(self) -> bool:
        """Whether anything is."""
        return any(
            each.verdict is Verdict.REFUSED for each in (*self.connectors, *([self.worker] if self.worker else []))
        )

    def lines(self) -> Iterator[str]:
        """The report in lines, for people."""
        if self.worker is not None:
            yield from _lines(self.worker)
        else:
            yield "no worker's file (--worker): a connector without converters of its own is checked with JsonConverter"
        for each in self.connectors:
            yield from _lines(each)
        counts = Counter(each.verdict for each in self.connectors)
        told = ", ".join(f"{counts[verdict]} {words}" for verdict, words in _TOLD.items() if counts[verdict])
        count = len(self.connectors)
        many = f"{count} connector{'' if count == 1 else 's'}"
        yield f"{many} of Kafka Connect {printable(self.version)}: {told or 'nothing to move'}"

    def as_json(self) -> dict[str, Any]:
        """The report as JSON, for programs."""
        return {
            "version": self.version,
            "worker": None if self.worker is None else _as_json(self.worker),
            "connectors": [_as_json(each) for each in self.connectors],
        }


_TOLD: Mapping[Verdict, str] = {
    Verdict.RUNS: "run as they are",
    Verdict.WARNS: "run with warnings",
    Verdict.REFUSED: "refused",
}


def _lines(checked: Checked) -> Iterator[str]:
    plugin = f" ({printable(checked.plugin)})" if checked.plugin else ""
    yield f"{printable(checked.name)}{plugin}: {checked.verdict}"
    for key, texts in checked.refused.items():
        yield from (f"  refused  {printable(_about(key, text))}" for text in texts)
    for texts in checked.warns.values():
        yield from (f"  warns    {printable(text)}" for text in texts)
    if checked.runs:
        yield f"  runs     {printable(', '.join(checked.runs))}"


def _about(key: str, text: str) -> str:
    return text if not key or key in text else f"{key}: {text}"


def _as_json(checked: Checked) -> dict[str, Any]:
    keys: dict[str, dict[str, Any]] = {key: {"verdict": Verdict.RUNS, "reasons": []} for key in checked.runs}
    keys |= {key: {"verdict": Verdict.WARNS, "reasons": list(texts)} for key, texts in checked.warns.items()}
    for key, texts in checked.refused.items():
        keys[key] = {"verdict": Verdict.REFUSED, "reasons": [*texts, *checked.warns.get(key, ())]}
    return {"name": checked.name, "class": checked.plugin, "verdict": checked.verdict, "keys": keys}
