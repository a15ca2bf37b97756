"""Runs the processes that look, some at once, and gives up on those that fall silent."""

import contextlib
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from ferryman.doctor import job as jobs
from ferryman.doctor.job import Job
from ferryman.findings import Finding, mend

AT_ONCE = 3
START_SECONDS = 120.0
"""Seconds that a process has before its first word: it imports what it needs."""
GRACE_SECONDS = 10.0
"""Seconds beyond those of a check, which keeps to them by itself if it can: this is for what it cannot."""
CLEANUP_SECONDS = 3.0
"""Seconds for a process that is given up on, to take away what it has written."""


def findings(given: Sequence[Job]) -> Iterator[Finding]:
    """What all of them find, job by job in their order."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for found in pool.map(looked, given):
            yield from found


def looked(job: Job) -> list[Finding]:
    """What one finds; a finding about itself if it does not come to an end."""
    command = [sys.executable, "-P", "-m", "ferryman.doctor.process", str(os.getpid())]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdin is not None
    assert process.stdout is not None
    found: list[Finding] = []
    try:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(job.dump())
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        for told in _lines(process.stdout.fileno(), job.seconds):
            found += [jobs.read(told)] if told else []
        if process.wait() != 0:
            said = f"the process that looked has ended with {process.returncode}"
            found.append(mend(job.about, said, "check whether the plugin's package can be imported"))
    except TimeoutError:
        said = f"no answer within {job.seconds:g} seconds: the checks after this one were not made"
        found.append(mend(job.about, said, "check whether the system hangs, or packets are lost on the way"))
    finally:
        _end(process)
        process.stdout.close()
    return [replace(each, subject=f"{job.subject}: {each.subject}") for each in found]


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(CLEANUP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _lines(file: int, seconds: float) -> Iterator[bytes]:
    """Lines until the end. TimeoutError if the next takes longer than a check may."""
    kept, until, told = b"", time.monotonic() + START_SECONDS, select.poll()
    told.register(file, select.POLLIN)
    while True:
        left = until - time.monotonic()
        if left <= 0 or not told.poll(left * 1000):
            raise TimeoutError
        data = os.read(file, 1 << 16)
        if not data:
            return
        *whole, kept = (kept + data).split(b"\n")
        if whole:
            until = time.monotonic() + seconds + GRACE_SECONDS
        yield from whole
