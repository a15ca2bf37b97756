"""UnwrapFromEnvelope: what ExtractNewRecordState was called up to Debezium 0.9, with the defaults that it had then."""

from collections.abc import Mapping
from typing import ClassVar

from ferryman.config import Bool, key
from ferryman.transforms.debezium.extract_new_record_state import ExtractNewRecordState
from ferryman.transforms.debezium.new_state_keys import ExtractNewRecordStateConfig, Handling, former_handling


class UnwrapFromEnvelopeConfig(ExtractNewRecordStateConfig):
    """Keys of UnwrapFromEnvelope."""

    drop_deletes: Bool | None = key(None)
    """Whether deletes go; false makes them null. Older than delete.handling.mode, and stronger."""

    refused: ClassVar[Mapping[str, str]] = {
        name: why for name, why in ExtractNewRecordStateConfig.refused.items() if name != "drop.deletes"
    }

    def handling(self) -> Handling:
        """What becomes of deletes and tombstones: both go, unless a key says otherwise."""
        if self.delete_tombstone_handling_mode is not None:
            return super().handling()
        mode = self.delete_handling_mode if self.drop_deletes is None else "drop" if self.drop_deletes else "none"
        return former_handling(mode or "drop", self.drop_tombstones is not False)


class UnwrapFromEnvelope(ExtractNewRecordState):
    """ExtractNewRecordState under its former name: deletes and tombstones are dropped unless a key says otherwise."""

    config_class = UnwrapFromEnvelopeConfig
    classes = ("io.debezium.transforms.UnwrapFromEnvelope",)
