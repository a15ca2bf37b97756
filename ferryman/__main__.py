"""`python -m ferryman` is the command `ferryman`, and like it imports nothing from the current folder."""

import sys


def _run() -> None:
    if not sys.flags.safe_path:
        del sys.path[0]
    from ferryman.commands import main

    main(prog_name="ferryman")


_run()
