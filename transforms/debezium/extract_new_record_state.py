"""ExtractNewRecordState: makes rows of Debezium's change events."""

from collections.abc import Sequence
from typing import Any

from ferryman.record import Batch
from ferryman.transforms.debezium.new_state import NewState
from ferryman.transforms.debezium.new_state_keys import ExtractNewRecordStateConfig
from ferryman.transforms.fields.sides import Batched


class ExtractNewRecordState(Batched[ExtractNewRecordStateConfig]):
    """Puts the row as a change left it in the place of the event. What is no change event passes as it is, but for
    tombstones; truncates are dropped."""

    config_class = ExtractNewRecordStateConfig
    classes = ("io.debezium.transforms.ExtractNewRecordState",)

    def __init__(self, config: ExtractNewRecordStateConfig, side: Any = "value") -> None:
        super().__init__(config, side)
        self._state = NewState(config)

    def apply_batch(self, batch: Batch) -> Sequence[Batch]:
        """A batch for each topic, pair of schemas and form, whatever the order of the events."""
        return self._state.apply_batch(batch)
