"""Runs localstripe, in a process of its own: `python payments_process.py HOST PORT STATE_FILE`.

localstripe is under the GPL; this file is run as a script and never imported by Ferryman.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import IO, Any


def keep_state_in(file: Path) -> None:
    """Make localstripe keep its state there instead of in a file that all of the machine's users share.

    It is replaced in one piece, once per changing request and before that is answered: what a client saw succeed
    survives SIGKILL.
    """
    resources = import_module("localstripe.resources")

    @contextmanager
    def open_state(_fixed_name: str, mode: str) -> Iterator[IO[Any]]:
        if mode == "rb":
            with file.open(mode) as state:
                yield state
            return
        fresh = file.with_suffix(".new")
        with fresh.open(mode) as state:
            yield state
        fresh.replace(file)

    vars(resources).update(open=open_state)
    resources.Store.__setitem__ = dict.__setitem__
    resources.Store.__delitem__ = dict.__delitem__


def main(host: str, port: int, state: Path) -> None:
    """Serve until told to stop."""
    from aiohttp import web

    keep_state_in(state)
    server = import_module("localstripe.server")
    server.store.try_load_from_disk()
    web.run_app(server.app, host=host, port=port, access_log=None, print=None, shutdown_timeout=0.1)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
