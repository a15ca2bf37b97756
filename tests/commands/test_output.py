"""Wherever the output of a command goes, or does not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ferryman.client.contexts import Context, Contexts, save
from tests.running import FERRYMAN

LIST = [str(FERRYMAN), "contexts", "list"]


@pytest.fixture(autouse=True)
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One with a letter that few encodings have."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    save(Contexts({"☃": Context(url="http://127.0.0.1:1")}, "☃"))


def test_letters_that_an_encoding_lacks_are_spelled_out() -> None:
    said = subprocess.run(LIST, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"}, check=True)
    assert (rb"\u2603" in said.stdout, said.stderr) == (True, b"")


@pytest.mark.skipif(sys.platform != "linux", reason="only there is a device that is full")
def test_a_full_disk_is_named() -> None:
    with open("/dev/full", "wb") as full:
        said = subprocess.run(LIST, stdout=full, stderr=subprocess.PIPE)
    assert (said.returncode, said.stderr) == (1, b"Error: the output cannot be written: No space left on device\n")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_are_not_missed(closed: str) -> None:
    said = subprocess.run(["sh", "-c", f'exec "$@" {closed}', "sh", *LIST], capture_output=True)
    assert (said.returncode, said.stderr) == (0, b"")


def test_a_reader_that_has_gone_is_no_reason_for_a_trace() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    said = subprocess.run(LIST, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (said.returncode, said.stderr) == (1, b"")
