"""The config of a source's run: the live one's, with bounds that do not move, and apart from it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from ferryman.api import Part, Source, Span
from ferryman.backfill import of_source
from ferryman.backfill.request import Request, of_positions
from ferryman.connector import SourceConfig
from ferryman.connectors.file.source import FileStreamSourceConnector
from ferryman.errors import ConfigError
from ferryman.runs.keys import SourceRunKeys

ELSEWHERE = {"topic": "again"}


def live(file: Path, **more: str) -> dict[str, str]:
    file.write_bytes(b"one\ntwo\nthree\n")
    own = {key.replace("_", "."): value for key, value in more.items()}
    return {"name": "live", "connector.class": "FileStreamSource", "file": str(file), "topic": "lines", **own}


def made(config: Mapping[str, str], request: Request, kept: Part | None = None) -> tuple[dict[str, str], Part, str]:
    return of_source.run_config(FileStreamSourceConnector, config, request, dict, kept)


def test_it_is_the_live_connectors_with_what_was_set_and_its_bounds(tmp_path: Path) -> None:
    request = Request(positions=(4, None), sets=ELSEWHERE, rate=5.0)
    config, part, verdict = made(live(tmp_path / "in"), request)
    keys = SourceRunKeys.of(config)
    assert keys is not None
    assert keys.span == part.span == Span(first=4, behind=14, records=2)
    assert (keys.ferryman_run_of, keys.ferryman_run_rate, config["topic"], verdict) == (
        "live",
        5.0,
        "again",
        "elsewhere",
    )
    assert config["name"] == request.run_name("live") != "live"


def test_the_part_that_was_fixed_before_holds_whatever_is_there_now(tmp_path: Path) -> None:
    kept = Part(Span(first=0, behind=4, records=1), {"batch.size": "7"})
    config, part, _ = made(live(tmp_path / "in"), Request(sets=ELSEWHERE), kept)
    assert part is kept
    assert config["batch.size"] == "7"


def test_it_has_no_transactional_id_of_the_live_connector(tmp_path: Path) -> None:
    config = live(tmp_path / "in", producer_override_transactional_id="mine")
    assert of_source.IDENTITY not in made(config, Request(sets=ELSEWHERE))[0]
    own = {**ELSEWHERE, of_source.IDENTITY: "other"}
    assert made(config, Request(sets=own))[0][of_source.IDENTITY] == "other"
    with pytest.raises(ConfigError, match="must not be the live connector's"):
        made(config, Request(sets={**ELSEWHERE, of_source.IDENTITY: "mine"}))


@pytest.mark.parametrize(
    "sets",
    [
        {},
        {"producer.override.bootstrap.servers": None},
        {"transforms": "r", "transforms.r.type": "org.apache.kafka.connect.transforms.RegexRouter", "topic": "again"},
    ],
)
def test_what_may_be_there_twice_is_refused_until_it_is_allowed(tmp_path: Path, sets: dict[str, str | None]) -> None:
    with pytest.raises(ConfigError, match="would be there twice"):
        made(live(tmp_path / "in"), Request(sets=sets))
    assert made(live(tmp_path / "in"), Request(sets=sets, allow_duplicates=True))[2] == "allowed"


def test_another_cluster_is_elsewhere(tmp_path: Path) -> None:
    sets = {"producer.override.bootstrap.servers": "other:9092"}
    assert made(live(tmp_path / "in"), Request(sets=sets))[2] == "elsewhere"


def test_a_source_that_does_not_say_keeps_no_history() -> None:
    class Plain(Source[SourceConfig]):
        pass

    with pytest.raises(ConfigError, match="Plain keeps no history"):
        of_source.run_config(Plain, {"name": "live", "connector.class": "Plain"}, Request(), dict, None)


@pytest.mark.parametrize(
    "value", [[], [1], [2, 1], [None, 1], [-1, 2], [0.0, 1], [True, 2], ["0", "1"], {"0": 1}, "01"]
)
def test_positions_are_two_numbers(value: object) -> None:
    with pytest.raises(ConfigError, match="positions must be"):
        of_positions(value)
