"""What has no schema leaves the same objects as columns and as rows."""

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ferryman.conversion import Piece
from ferryman.formats.json.maps import reader as maps_reader
from ferryman.formats.json.text import loads_all
from ferryman.record import Batch, Maps, Polled, Rows
from tests.connectors.s3.s3_task import P0, World

PARTITIONER = "io.confluent.connect.storage.partitioner.FieldPartitioner"
CONFIGS: Sequence[Mapping[str, str]] = [
    {"flush.size": "1000"},
    {"flush.size": "4"},
    {"flush.size": "1000", "partitioner.class": PARTITIONER, "partition.field.name": "country"},
    {
        "flush.size": "1000",
        "store.kafka.keys": "true",
        "keys.format.class": "io.confluent.connect.s3.format.json.JsonFormat",
    },
]


def item(number: int, total: float) -> dict[str, Any]:
    """One of a list. All have their keys in one order, or an object alone would have no shape."""
    return {"id": number, "sum": total}


OBJECTS = st.fixed_dictionaries(
    {
        "id": st.integers(-5, 5),
        "country": st.sampled_from(["de", "fr"]),
        "sum": st.floats(-10, 10) | st.none() | st.sampled_from([1e-9, 1e30]),
        "tags": st.lists(st.text(max_size=2), max_size=2),
        "more": st.none() | st.fixed_dictionaries({"x": st.booleans(), "id": st.none() | st.text(max_size=2)}),
        "items": st.lists(st.builds(item, st.integers(0, 5), st.floats(-10, 10)), max_size=2),
    }
)
ODD = st.sampled_from([{"country": "de", "other": 1}, {"id": 1.5, "country": "fr"}])
NUMBERS = itertools.count()


def pieces(values: Sequence[Any], by_columns: bool) -> list[Piece]:
    """The values in as many pieces as they have shapes, or as rows in one."""
    payloads = [json.dumps(value).encode() for value in values]
    if not by_columns:
        return [Piece(range(len(values)), Rows(None, loads_all(payloads)))]
    found, odd = maps_reader.maps(payloads)
    rows = [Piece(odd, Rows(None, loads_all([payloads[at] for at in odd])))] if odd else []
    return [*(Piece(places, maps) for places, maps in found), *rows]


def batch(piece: Piece, raw: Polled) -> Batch:
    count = len(piece.positions)
    return Batch(
        topic="orders",
        partition=0,
        key=Rows(None, ["k"] * count),
        value=piece.data,
        timestamps=[0] * count,
        origin=raw,
        positions=piece.positions,
    )


@given(
    st.lists(OBJECTS | OBJECTS | OBJECTS | ODD, min_size=1, max_size=12),
    st.sampled_from(CONFIGS),
    st.sampled_from([0, 100]),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_objects_hold_the_same_whether_values_came_as_columns_or_as_rows(
    s3_server: str, unique: str, values: list[Any], config: Mapping[str, str], few: int
) -> None:
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(maps_reader, "MIN_OBJECTS", 1)
        patch.setattr("ferryman.connectors.s3.layout.gathering._MOST_MAPS_PER_ROW", few)
        for by_columns in (True, False):
            world = World(s3_server, f"{unique}-{next(NUMBERS)}", config)
            world.begin(P0)
            assert world.sink is not None
            count = len(values)
            raw = Polled("orders", 0, range(count), [0] * count, [None] * count, [b""] * count)
            given = [batch(piece, raw) for piece in pieces(values, by_columns)]
            if by_columns:
                assert any(isinstance(each.value, Maps) for each in given)
            world.sink.put_batches(given)
            world.positions[P0] = count
            world.commit()
            found.append(world.contents())
            world.kill()
    assert found[0] == found[1]
