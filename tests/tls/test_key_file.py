"""A private key as a file: there while it is needed, readable, and gone afterwards."""

import os
from pathlib import Path

import pytest

from ferryman.tls.key_file import key_file


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_key_is_a_file_as_long_as_it_is_needed(in_memory: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not in_memory:
        monkeypatch.delattr(os, "memfd_create", raising=False)
    with key_file("the key\n") as path:
        assert Path(path).read_text() == "the key\n"
        assert in_memory == path.startswith("/proc/self/fd/")
        if not in_memory:
            assert Path(path).stat().st_mode & 0o077 == 0
    assert not Path(path).exists()
