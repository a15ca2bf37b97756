"""A member in a process of its own, that can be stopped and killed.

It writes what it hears as JSON lines to standard output, and ends when its standard input does.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ferryman.assignment.protocol import Work
from ferryman.membership.member import Member
from ferryman.membership.session import boot_time
from tests.membership.workers import Configs, Group, Spans, Worker, spans
from tests.places import ROOT


@dataclass
class Remote:
    """Such a process, as a test sees it."""

    process: "subprocess.Popen[str]"
    heard: list[tuple[float, str, Any]] = field(default_factory=list)
    beats: list[float] = field(default_factory=list)

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            at, what, said = json.loads(line)
            if what == "heartbeat":
                self.beats.append(said)
            else:
                work = Work(tuple(said[0]), tuple((name, number) for name, number in said[1])) if said else None
                self.heard.append((at, what, work))

    def times(self, what: str) -> int:
        return sum(each == what for _, each, _ in self.heard)

    @property
    def held(self) -> Work:
        """What it was given last, without what it gave up or lost since."""
        held = Work()
        for _, what, work in [*self.heard]:
            if what == "assigned":
                held = work
            elif what == "revoked":
                held = held.minus(work)
            elif what == "lost":
                held = Work()
        return held

    def spans(self, end: float) -> Spans:
        """What it had, and when; it ended at ``end``."""
        return spans(self.heard, self.beats, 6.0, end)


@contextmanager
def remote(group: Group, name: str) -> Iterator[Remote]:
    """A member of a group in a process of its own, while the block runs. The group's configs are as they are now."""
    told = json.dumps([group.kafka, group.name, name, group.configs.tasks, group.configs.offset])
    command = [sys.executable, "-m", "tests.membership.process", told]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        made = Remote(process)
        reader = threading.Thread(target=made.read)
        reader.start()
        try:
            yield made
        finally:
            process.kill()
            ended = boot_time()
            reader.join()
            group.past.append(made.spans(ended))


def main() -> None:
    kafka, name, worker, tasks, offset = json.loads(sys.argv[1])
    group = Group(kafka, name, Configs(tasks, offset))

    def tell(what: str, said: Any) -> None:
        work = said[0].assigned if isinstance(said, tuple) else said
        shown = [work.connectors, work.tasks] if isinstance(work, Work) else said if what == "heartbeat" else None
        sys.stdout.write(json.dumps([boot_time(), what, shown]) + "\n")
        sys.stdout.flush()

    listener = Worker(group.configs, tell=tell)
    member = Member(group.settings(worker), listener)
    member.start()
    sys.stdin.read()
    member.close()


if __name__ == "__main__":
    main()
