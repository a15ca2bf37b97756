"""Keeps a worker running beside a supervised stack after the demo has ended: both end with `ferryman stack down`."""

import argparse
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ferryman.demo.facts import flows
from ferryman.demo.facts.errors import DemoError
from ferryman.demo.report import Outcome
from ferryman.demo.worker import Worker, command, environment
from ferryman.stack.running_record import current
from ferryman.stack.runtime.interruption import Interruption
from ferryman.stack.runtime.process import Launch, Process

_START_SECONDS = 120.0
_STOP_SECONDS = 10.0


def keep(outcome: Outcome, worker: Worker, configs: Path, variables: Mapping[str, str]) -> Outcome:
    """Starts the demo's worker again, on its port, under a process of its own, and returns when all connectors run.

    Raises DemoError if they do not.
    """
    running = current()
    if running is None:
        raise DemoError("the stack was ended by somebody else")
    options = [f"--stack={running.pid}", f"--port={worker.port}", f"--configs={configs.absolute()}"]
    with environment(variables), worker.log.open("ab") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-P", "-m", "ferryman.demo.keep_running", *options, f"--log={worker.log}"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _await_start(worker, keeper)
    except BaseException:
        keeper.terminate()
        keeper.wait()
        raise
    return replace(outcome, kept={**running.addresses, "worker": worker.url, "worker's log": str(worker.log)})


def _await_start(worker: Worker, keeper: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not {each.name for each in worker.connectors() if each.running} >= {*flows.SOURCES, *flows.SINKS}:
        if keeper.poll() is not None or time.monotonic() > deadline:
            tail = "\n".join(worker.log.read_text(errors="replace").splitlines()[-20:])
            raise DemoError(f"the worker that should keep running is not running. The end of its log:\n{tail}")
        time.sleep(0.1)


def main() -> int:
    """Owns the worker until the stack's supervisor is gone, or SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--stack", type=int, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--configs", type=Path, required=True)
    parser.add_argument("--log", type=Path, required=True)
    options = parser.parse_args()
    files = [options.configs / "connectors" / f"{name}.json" for name in (*flows.SOURCES, *flows.SINKS)]
    worker = Process(Launch(command(options.configs / "worker.properties", options.port, files)), options.log)
    with Interruption().heard() as interruption:
        with suppress(KeyboardInterrupt):
            while worker.exit_code is None and (running := current()) is not None and running.pid == options.stack:
                interruption.check()
                time.sleep(0.2)
        interruption.ignore_further()
        worker.stop(_STOP_SECONDS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
