"""The keys of a run, as people or the API give them."""

import pytest

from ferryman.errors import ConfigError
from ferryman.runs.keys import RunKeys, SourceRunKeys, instant

RANGES = '{"t": {"id": "i", "partitions": {"0": [3, 9]}}}'


def test_a_connector_without_ranges_is_no_run() -> None:
    assert RunKeys.of({"name": "c", "topics": "t"}) is None


def test_bounds_without_ranges_are_refused() -> None:
    with pytest.raises(ConfigError, match="ranges is missing"):
        RunKeys.of({"ferryman.run.from": "2026-11-01T00:00:00Z"})
    with pytest.raises(ConfigError, match="ranges is missing"):
        RunKeys.of({"ferryman.run.fold": "true"})


def test_a_source_is_a_run_by_its_span() -> None:
    assert SourceRunKeys.of({"name": "c", "topic": "t"}) is None
    found = SourceRunKeys.of({"ferryman.run.span": '{"first": 3, "behind": 9}'})
    assert found is not None
    assert (found.span.first, found.span.behind) == (3, 9)
    with pytest.raises(ConfigError, match="span is missing"):
        SourceRunKeys.of({"ferryman.run.rate": "3"})
    with pytest.raises(ConfigError, match="first must be a whole number"):
        SourceRunKeys.of({"ferryman.run.span": '{"first": "3"}'})


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("ferryman.run.from", "yesterday", "must be a time such as"),
        ("ferryman.run.to", "2026-11-01T00:00:00", "must name its zone"),
        ("ferryman.run.to", "20261101", "must name its zone"),
        ("ferryman.run.from", "2026", "must be a time such as"),
        ("ferryman.run.from", "1793491200", "must be a time such as"),
        ("ferryman.run.rate", "-1", "Value must be at least 0"),
        ("ferryman.run.rate", "nan", "Value must be at least 0"),
        ("ferryman.run.rate", "quick", "Not a number of type DOUBLE"),
        ("ferryman.run.ranges", "{}{}", "this is not JSON"),
    ],
)
def test_a_bad_value_is_refused_with_its_key(key: str, value: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=f"{key}: {complaint}"):
        RunKeys.of({"ferryman.run.ranges": RANGES, key: value})


def test_times_are_taken_with_any_zone_or_as_milliseconds() -> None:
    assert instant("2026-11-01T00:00:00Z") == instant("2026-11-01T01:00:00+01:00") == 1793491200000
    assert instant("1793491200000") == 1793491200000
    assert instant("2026-11-01T00:00:00.123Z") == 1793491200123


@pytest.mark.parametrize(
    "text", ["1969-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "999999999999999"]
)
def test_times_that_kafka_cannot_be_asked_for_or_that_cannot_be_written_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a time of the years from 1970 to 9999"):
        instant(text)
