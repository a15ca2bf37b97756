"""`ferryman doctor` looks at files, and opens none."""

from pathlib import Path

from ferryman.findings import Finding
from tests.doctor.looks import about, looked, system, worker_file, written

SINK = {"name": "lines", "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector", "topics": "t"}
SOURCE = {"name": "lines", "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "topic": "t"}


def sink(folder: Path, file: Path) -> list[Finding]:
    return system(folder, {**SINK, "file": str(file)})


def test_a_file_that_is_there_or_can_be_made_is_well(tmp_path: Path) -> None:
    assert {each.level for each in sink(tmp_path, tmp_path / "new.txt")} == {"ok"}
    assert not (tmp_path / "new.txt").exists()
    (tmp_path / "old.txt").write_text("")
    assert {each.level for each in sink(tmp_path, tmp_path / "old.txt")} == {"ok"}


def test_a_folder_that_is_missing_is_to_be_made(tmp_path: Path) -> None:
    (finding,) = sink(tmp_path, tmp_path / "no" / "new.txt")
    assert (finding.level, finding.mend) == ("mend", f"mkdir -p {tmp_path}/no")


def test_a_folder_in_place_of_a_file_is_to_be_mended(tmp_path: Path) -> None:
    (finding,) = sink(tmp_path, tmp_path)
    assert (finding.level, finding.said) == ("mend", "it is a folder")


def test_standard_output_is_told_to_be_at_least_once(tmp_path: Path) -> None:
    assert about("standard output", system(tmp_path, SINK)).level == "warning"


def test_a_source_waits_for_its_file(tmp_path: Path) -> None:
    (finding,) = system(tmp_path, {**SOURCE, "file": str(tmp_path / "log")})
    assert (finding.level, "waits" in finding.said) == ("warning", True)
    (tmp_path / "log").write_text("a line\n")
    (finding,) = system(tmp_path, {**SOURCE, "file": str(tmp_path / "log")})
    assert (finding.level, finding.said) == ("ok", "it can be read, and has 7 bytes")


def test_a_connector_by_a_worker_that_knows_no_brokers_is_looked_at_too(tmp_path: Path) -> None:
    converters = dict.fromkeys(("key.converter", "value.converter"), "org.apache.kafka.connect.json.JsonConverter")
    worker = worker_file(tmp_path, {**converters, "bootstrap.servers": "127.0.0.1:1"})
    (finding,) = looked("system", worker, written(tmp_path, {**SINK, "file": str(tmp_path / "x")}))
    assert finding.level == "ok"
