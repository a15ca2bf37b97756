"""UnwrapFromEnvelope: what ExtractNewRecordState was called up to Debezium 0.9, with the defaults that it had then."""

from collections.abc import Sequence
from typing import Any

from ferryman.record import Batch
from ferryman.transforms.debezium.new_state import NewState
from ferryman.transforms.debezium.new_state_keys import UnwrapFromEnvelopeConfig
from ferryman.transforms.fields.sides import Batched


class UnwrapFromEnvelope(Batched[UnwrapFromEnvelopeConfig]):
    """ExtractNewRecordState under its former name: deletes and tombstones are dropped unless a key says otherwise."""

    config_class = UnwrapFromEnvelopeConfig
    classes = ("io.debezium.transforms.UnwrapFromEnvelope",)

    def __init__(self, config: UnwrapFromEnvelopeConfig, side: Any = "value") -> None:
        super().__init__(config, side)
        self._state = NewState(config)

    def apply_batch(self, batch: Batch) -> Sequence[Batch]:
        """A batch for each topic, pair of schemas and form, whatever the order of the events."""
        return self._state.apply_batch(batch)
