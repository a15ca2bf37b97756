"""A transform of others may remember what it saw, so it sees records in the order of their offsets."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from ferryman.api import Transform
from ferryman.chain.chain import Step, assembled
from ferryman.config import Config
from ferryman.converters.json import JsonConverter, JsonConverterConfig
from ferryman.record import Record
from tests.chain.parts import polled


class Numbering(Transform[Config]):
    """Numbers what it sees; drops and refuses some."""

    def __init__(self) -> None:
        super().__init__(Config())
        self.seen = list[int | None]()

    def apply(self, record: Record) -> Record | None:
        self.seen.append(record.offset)
        if isinstance(record.value, dict) and record.value["what"] == "refuse":
            raise ValueError("refused")
        return None if isinstance(record.value, dict) and record.value["what"] == "drop" else record


VALUE = JsonConverter(JsonConverterConfig.parse({}), "value")


def value(version: int, what: str) -> bytes | None:
    if not version:
        return None
    fields = [{"field": "what", "type": "string", "optional": False}]
    schema = {"type": "struct", "name": "shop.Order", "version": version, "optional": False, "fields": fields}
    return orjson.dumps({"schema": schema, "payload": {"what": what}})


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["keep", "keep", "drop", "refuse"])), min_size=1))
def test_records_of_any_schemas_come_once_each_in_order(given_records: list[tuple[int, str]]) -> None:
    transform = Numbering()
    chain = assembled(VALUE, VALUE, VALUE, [Step("numbering", transform)])
    batches, failures = chain.decode(polled(*(value(*each) for each in given_records), first=5))
    assert failures == []
    found, refused = chain.transform(batches)
    assert transform.seen == list(range(5, 5 + len(given_records)))
    whats = ["keep" if not version else what for version, what in given_records]
    assert [failure.position for failure in refused] == [at for at, what in enumerate(whats) if what == "refuse"]
    kept = sorted((batch.positions[at], batch.value.rows().values[at]) for batch in found for at in range(len(batch)))
    assert [at for at, _ in kept] == [at for at, what in enumerate(whats) if what == "keep"]
    assert all(each == (None if not given_records[at][0] else {"what": "keep"}) for at, each in kept)
