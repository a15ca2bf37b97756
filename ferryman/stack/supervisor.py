"""Owns a stack from its start to its end: in the foreground of `ferryman stack up`, or as a process of its own."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ferryman.stack.running_record import Running, claim, current, log_file, publish, withdraw
from ferryman.stack.runtime.component import Component
from ferryman.stack.runtime.errors import StackError
from ferryman.stack.runtime.interruption import Interrupted, Interruption
from ferryman.stack.services import ONE, Shape
from ferryman.stack.stack import Ports, Stack


def supervise(
    names: Sequence[str],
    ports: Ports,
    directory: Path | None,
    shape: Shape,
    ready: Callable[[Component], None],
    started: Callable[[Running], None],
) -> None:
    """Run the stack until SIGINT, SIGTERM or SIGHUP; `ready` hears of each component, `started` when all answer.

    Raises Interrupted if the signal comes before they do; StackError if another stack of this user runs, if it cannot
    start, or when a component dies.
    """
    running: Running | None = None
    with claim(), Interruption().heard() as interruption:
        publish(Running(os.getpid(), "starting", directory=str(directory.absolute()) if directory else ""))
        try:
            stack = Stack(names, ports, directory, shape)
            try:
                stack.start(ready)
                running = _running(stack)
                publish(running)
                started(running)
                _watch(stack, interruption)
            finally:
                interruption.ignore_further()
                stack.stop()
        except KeyboardInterrupt:
            withdraw()
            if running is None:
                raise
        except StackError as error:
            publish(Running(os.getpid(), "failed", reason=str(error)))
            raise


def _running(stack: Stack) -> Running:
    return Running(
        pid=os.getpid(),
        state="running",
        directory=str(stack.directory),
        ports={component.name: component.ports for component in stack},
        addresses=stack.addresses,
        brokers=stack.shape.brokers,
        secure=stack.shape.secure,
    )


def _watch(stack: Stack, interruption: Interruption) -> None:
    while (died := stack.died) is None:
        interruption.check()
        time.sleep(0.2)
    raise StackError(died)


def detach(names: Sequence[str], ports: Ports, directory: Path | None, shape: Shape = ONE) -> Running:
    """Start a supervisor as a process of its own and wait until its stack answers. Raises StackError if it fails."""
    with claim():
        pass
    options = [f"--ports={ports}", f"--brokers={shape.brokers}", *(["--secure"] if shape.secure else [])]
    options += [f"--directory={directory.absolute()}"] if directory else []
    with log_file().open("wb") as log:
        supervisor = subprocess.Popen(
            [sys.executable, "-P", "-m", "ferryman.stack.supervisor", *options, *names],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    with Interruption().heard():
        try:
            return _await_start(supervisor)
        except BaseException:
            supervisor.terminate()
            supervisor.wait()
            raise


def _await_start(supervisor: subprocess.Popen[bytes]) -> Running:
    while supervisor.poll() is None:
        running = current()
        if running and running.pid == supervisor.pid and running.state == "running":
            return running
        time.sleep(0.05)
    raise StackError(log_file().read_text(errors="replace").strip() or "the supervisor ended without a message")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--ports", choices=("free", "steady"), required=True)
    parser.add_argument("--directory", type=Path)
    parser.add_argument("--brokers", type=int, required=True)
    parser.add_argument("--secure", action="store_true")
    parser.add_argument("names", nargs="+")
    options = parser.parse_args()
    try:
        shape = Shape(options.brokers, options.secure)
        supervise(options.names, options.ports, options.directory, shape, lambda _one: None, lambda _running: None)
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    except Interrupted as error:
        print("it was ended before everything answered", file=sys.stderr)
        return 128 + error.number
    return 0


if __name__ == "__main__":
    sys.exit(main())
