"""The server that task processes are forked from, with all imports done. Imports nothing, so as to be started first."""

import multiprocessing
import os
from multiprocessing.context import ForkServerContext
from multiprocessing.forkserver import ensure_running

PRELOAD = ["ferryman.worker.ignore_sigterm", "ferryman.task.process", "ferryman.worker.preload"]


def start() -> ForkServerContext:
    """Starts the server and returns its context; the server imports while the caller goes on.

    No client may exist in it: a librdkafka handle that was made before a fork is dead in the child.
    """
    # The forkserver and multiprocessing's resource tracker are started by ``python -c``, which would look for modules
    # in the current folder first: a file signal.py that somebody, or a file sink, has left there would be run.
    os.environ["PYTHONSAFEPATH"] = "1"
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    ensure_running()
    return context
