"""Where the embedded world keeps things of a user's: downloaded artifacts, and the record of what is running."""

import os
import pwd
import tempfile
from collections.abc import Mapping
from pathlib import Path


def cache_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """FERRYMAN_CACHE, else `ferryman` below XDG_CACHE_HOME, else ~/.cache/ferryman."""
    if environment.get("FERRYMAN_CACHE"):
        return Path(environment["FERRYMAN_CACHE"]).absolute()
    return _base(environment, "XDG_CACHE_HOME", ".cache") / "ferryman"


def state_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """`ferryman` below XDG_STATE_HOME, else ~/.local/state/ferryman."""
    return _base(environment, "XDG_STATE_HOME", ".local/state") / "ferryman"


def _base(environment: Mapping[str, str], variable: str, below_home: str) -> Path:
    """The XDG rule: a relative path in the variable is ignored."""
    named = Path(environment.get(variable, ""))
    return named if named.is_absolute() else _home(environment) / below_home


def _home(environment: Mapping[str, str]) -> Path:
    """HOME; if that is unset or empty what the system has for this user; a place of this user's own otherwise."""
    home = Path(environment.get("HOME", ""))
    if home.is_absolute():
        return home
    try:
        home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        home = Path()
    return home if home.is_dir() and home.is_absolute() else Path(tempfile.gettempdir()) / f"ferryman-{os.getuid()}"
