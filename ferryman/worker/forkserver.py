"""The server that task processes are forked from, with all imports done. Imports nothing, so as to be started first."""

import multiprocessing
from multiprocessing.context import ForkServerContext
from multiprocessing.forkserver import ensure_running

PRELOAD = ["ferryman.task.process", "ferryman.worker.preload"]


def start() -> ForkServerContext:
    """Starts the server and returns its context; the server imports while the caller goes on.

    No client may exist in it: a librdkafka handle that was made before a fork is dead in the child.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    ensure_running()
    return context
