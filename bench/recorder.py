"""Notes which functions a worker's processes run, for ``bench.hot_code``: imported by Python's start in all of them."""

import os
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

FOLDER = "BENCH_RECORDED"
"""The variable that names the folder with a file for each process."""
_LOOK = 0.5
_seen: dict[tuple[str, str], None] = {}


def _note(frame: FrameType, event: str, what: Any) -> None:
    if event == "call":
        name = (str(frame.f_globals.get("__name__")), frame.f_code.co_qualname)
        if name not in _seen:
            _seen[name] = None


def _write(file: Path) -> None:
    written = 0
    while True:
        time.sleep(_LOOK)
        if len(found := list(_seen)) > written:
            written = len(found)
            whole = file.with_suffix(".new")
            whole.write_text("".join(f"{module}:{name}\n" for module, name in found))
            whole.rename(file)


def _begin() -> None:
    file = Path(os.environ[FOLDER], str(os.getpid()))
    threading.Thread(target=_write, args=(file,), daemon=True).start()
    threading.setprofile(_note)
    sys.setprofile(_note)


if FOLDER in os.environ:
    os.register_at_fork(after_in_child=_begin)
