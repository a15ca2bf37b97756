"""The letters that a replay has, and the records in them. Pure."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from ferryman.dead_letters.letter import DeadLetter, parsed
from ferryman.record import Coordinates, Polled


@dataclass(frozen=True, slots=True)
class ReplayedRecords:
    """The letters that one run replays."""

    ids: Collection[str]
    """The letters that are its own."""
    only_topic: str
    """The topic that the connector reads; empty if these are several."""
    edit: str = ""
    """The jq expression by which values are edited; empty for none."""

    def records(self, polled: Polled) -> Polled | None:
        """The records in its own letters of what was polled, without what the letters say of errors; None if it has
        none of them. What lies where stays as it is: by that is committed."""
        found = [(at, letter) for at in range(len(polled)) if (letter := _letter(polled, at)).id in self.ids]
        originals = [(at, letter, letter.original(self.only_topic)) for at, letter in found]
        whole = [(at, letter, original) for at, letter, original in originals if original is not None]
        if not whole:
            return None
        headers = [letter.headers for _, letter, _ in whole]
        return replace(
            polled.take([at for at, _, _ in whole]),
            timestamps=[letter.timestamp for _, letter, _ in whole],
            headers=headers if any(headers) else None,
            originals=[original._replace(edit=self.edit) for _, _, original in whole],
        )


def _letter(polled: Polled, at: int) -> DeadLetter:
    return parsed(
        Coordinates(polled.topic, polled.partition, polled.offsets[at]),
        *(polled.timestamps[at], polled.keys[at], polled.values[at]),
        () if polled.headers is None else polled.headers[at],
        polled.timestamp_type,
    )
