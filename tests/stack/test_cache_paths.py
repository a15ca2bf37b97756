"""Where a user's files go, whatever the environment says of home."""

import os
import pwd
from pathlib import Path

import pytest

from ferryman.stack.runtime.cache_paths import cache_directory, state_directory


def test_the_cache_lies_in_home_unless_told_otherwise() -> None:
    assert cache_directory({"HOME": "/home/me"}) == Path("/home/me/.cache/ferryman")
    assert cache_directory({"HOME": "/home/me", "XDG_CACHE_HOME": "/caches"}) == Path("/caches/ferryman")
    assert cache_directory({"HOME": "/home/me", "FERRYMAN_CACHE": "/mine"}) == Path("/mine")


def test_a_relative_xdg_path_is_ignored() -> None:
    assert state_directory({"HOME": "/home/me", "XDG_STATE_HOME": "here"}) == Path("/home/me/.local/state/ferryman")


@pytest.mark.parametrize("environment", [{}, {"HOME": ""}])
def test_without_home_the_system_is_asked(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = pwd.struct_passwd(("me", "x", os.getuid(), os.getgid(), "", str(tmp_path), "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwuid", lambda _uid: me)
    assert cache_directory(environment) == tmp_path / ".cache" / "ferryman"


def test_a_user_unknown_to_the_system_gets_an_absolute_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_uid: int) -> pwd.struct_passwd:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert cache_directory({}).is_absolute()
