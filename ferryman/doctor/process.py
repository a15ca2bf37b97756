"""The process that makes checks: it reads its job from standard input, and prints each finding as soon as it has it.

It runs the code of plugins and of clients that may hang; its parent waits only a limited time for the next line.
"""

import os
import signal
import sys
from collections.abc import Generator
from contextlib import closing
from typing import BinaryIO, NoReturn

from ferryman.doctor import registry, system
from ferryman.doctor.job import Job, line
from ferryman.doctor.kafka import of_connector, of_worker
from ferryman.errors import FerrymanError
from ferryman.files import allowed_folders
from ferryman.findings import Finding, mend
from ferryman.forked import die_with_parent
from ferryman.plugins import catalog
from ferryman.settings import ambient
from ferryman.settings.modes import DISTRIBUTED, STANDALONE
from ferryman.settings.worker_keys import WorkerConfig
from ferryman.telemetry import redaction
from ferryman.telemetry.redaction import redact
from ferryman.telemetry.references import References

LOOKS = {
    "worker": of_worker.findings,
    "kafka": of_connector.findings,
    "registry": registry.findings,
    "system": system.findings,
}


_ENDS = (signal.SIGINT, signal.SIGTERM)
_GRACE = 20
"""Seconds in which what a look has written is taken away again, when it is to end."""


def main() -> None:
    """Looks, and ends without waiting for threads that hang; and with the doctor, whose process is its argument."""
    for each in _ENDS:
        signal.signal(each, _end)
    die_with_parent.die_with(int(sys.argv[1]), signal.SIGTERM)
    try:
        _look()
    except SystemExit as left:
        os._exit(int(left.code or 0))
    os._exit(0)


def _end(number: int, frame: object) -> NoReturn:
    """Once: what comes after it is the way out, which the kernel cuts short where a library hangs."""
    for each in _ENDS:
        signal.signal(each, signal.SIG_IGN)
    signal.alarm(_GRACE)
    raise SystemExit(128 + number)


def _look() -> None:
    # What libraries print goes elsewhere: standard output has lines of findings only.
    told = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    job = Job.parse(sys.stdin.buffer.read())
    _prepare(job)
    told.write(b"\n")  # from here on it is the system that may be slow
    _run(job, told)


def _run(job: Job, told: BinaryIO) -> None:
    with closing(_looked(job)) as found:  # so that a check that is interrupted removes what it has written
        for finding in found:
            told.write(line(Finding(finding.level, *map(redact, (finding.subject, finding.said, finding.mend)))))


def _prepare(job: Job) -> None:
    """Protects what is secret, and imports the plugin, which may take longer than any check."""
    ambient.withhold()
    References.parse(job.references).protect()
    mode = DISTRIBUTED if job.distributed else STANDALONE
    redaction.protect_config(job.worker, mode.config_class.secrets())
    plugin = catalog.connector(job.raw.get("connector.class", "")) if job.raw else None
    redaction.protect_config(job.raw, () if plugin is None else plugin.config_class.secrets())
    config = WorkerConfig.read(job.worker)[0]
    allowed_folders.bound([] if config is None else config.connector_allowed_paths)


def _looked(job: Job) -> Generator[Finding]:
    try:
        yield from LOOKS[job.what](job)
    except FerrymanError as error:
        yield mend(job.about, str(error), "see the reason")
    except Exception as error:
        # A plugin's code, or an unexpected answer from a system: the other checks are still made.
        said = f"the check has failed with {type(error).__name__}: {error}"
        yield mend(job.about, said, "check whether it is the system that the config means")


if __name__ == "__main__":
    main()
