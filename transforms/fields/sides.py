"""What transforms share that work on whole batches, and those that change one side (``…$Key``, ``…$Value``)."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace

from ferryman.api import StepC, Transform
from ferryman.record import Batch, Data, Record, Rows
from ferryman.transforms.fields.each_value import among


class Batched(Transform[StepC]):
    """A transform written for whole batches, rows or columns; single records are batches of one."""

    any_order = True

    def rows_reason(self) -> str | None:
        """None: it takes columns too, and goes over to rows by itself where a schema needs it."""
        return None

    @abstractmethod
    def apply_batch(self, batch: Batch) -> Sequence[Batch]:
        """A whole batch."""

    def apply(self, record: Record) -> Record | None:
        """A single record."""
        batch = Batch(
            topic=record.topic,
            partition=record.partition,
            key=Rows(record.key_schema, [record.key]),
            value=Rows(record.value_schema, [record.value]),
            timestamps=[record.timestamp],
            headers=[record.headers] if record.headers else None,
            origin=[record],
            positions=[0],
        )
        results = self.apply_batch(batch)
        if not results:
            return None
        (changed,) = results
        key, value = changed.key.rows(), changed.value.rows()
        return replace(
            record,
            topic=changed.topic,
            key=key.values[0],
            key_schema=key.schema,
            value=value.values[0],
            value_schema=value.schema,
            headers=() if changed.headers is None else changed.headers[0],
        )


class Sided(Batched[StepC]):
    """One that changes its side of a record."""

    sided = True

    def data(self, batch: Batch) -> Data:
        """The side that the transform changes."""
        return batch.key if self.side == "key" else batch.value

    def changed(self, batch: Batch, data: Data) -> Batch:
        """The batch with that side replaced."""
        return replace(batch, key=data) if self.side == "key" else replace(batch, value=data)

    def past_nulls(self, batch: Batch, change: Callable[[Batch], Data]) -> Sequence[Batch]:
        """The batch changed except for records that are null on this side, which pass with their schema as it was."""
        data = self.data(batch)
        if not isinstance(data, Rows) or not any(value is None for value in data.values):
            return [self.changed(batch, change(batch))]
        present = [value is not None for value in data.values]
        with among([at for at, there in enumerate(present) if there]):
            return [self.changed(part, change(part)) if there else part for there, part in batch.split(present)]
