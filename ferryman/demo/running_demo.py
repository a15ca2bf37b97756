"""All that the demo starts, and how it waits: never blind to what died, never without end."""

import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ferryman.demo.demo_stack import DemoStack
from ferryman.demo.facts.errors import DemoError, Stalled
from ferryman.demo.facts.expected import Events
from ferryman.demo.payments import Payer
from ferryman.demo.progress import Glance, Progress
from ferryman.demo.readers.archive import Archive
from ferryman.demo.readers.receipts import mailbox
from ferryman.demo.readers.topics import Topics
from ferryman.demo.readers.warehouse import Readable
from ferryman.demo.terminal import View
from ferryman.demo.workers import Workers
from ferryman.stack.runtime.interruption import Interruption
from ferryman.stack.servers.mailbox import Mailbox

STALLED_SECONDS = 120.0
FAILED_SECONDS = 30.0


@dataclass
class RunningDemo:
    """All that the demo has started."""

    view: View
    stack: DemoStack
    worker: Workers
    payer: Payer
    progress: Progress
    readable: Readable
    topics: Topics
    archive: Archive
    """Used by ``progress`` until that has ended."""
    mailbox: Mailbox
    interruption: Interruption

    def check(self) -> None:
        """Raises DemoError if something died that was not killed by the demo, KeyboardInterrupt if it is to end."""
        self.interruption.check()
        self.stack.check()
        if problem := self.worker.died or self.payer.problem:
            raise DemoError(problem)

    def look(self) -> None:
        """Checks, and shows how things go."""
        self.check()
        self.view.show(self.progress.glance)

    def wait(self, what: str, done: Callable[[], bool], seconds: float = STALLED_SECONDS) -> None:
        """Shows how things go until it is done. Raises Stalled if nothing moves for so long, or a task has failed."""
        moved, before, failed = time.monotonic(), -1, 0.0
        while not done():
            self.look()
            glance, now = self.progress.glance, time.monotonic()
            if glance.sum != before:
                moved, before = now, glance.sum
            failed = (failed or now) if glance.trouble else 0.0
            if failed and now - failed > FAILED_SECONDS:
                raise Stalled(f"waiting for {what}: {glance.trouble}")
            if now - moved > seconds:
                raise Stalled(f"waiting for {what}, nothing has moved for {seconds:.0f} s: {glance.states}")
            time.sleep(0.1)
        self.check()

    def begin(self) -> None:
        """Lets the payments and the looking begin."""
        self.payer.start()
        self.readable.start()
        self.progress.start()

    def end(self) -> None:
        """Ends the payments and the looking."""
        for thread in (self.payer, self.readable, self.progress):
            thread.end()

    def evidence(self) -> Path:
        """Copies the worker's log and the list of payments to where they survive."""
        kept = Path(tempfile.mkdtemp(prefix="ferryman-demo-"))
        for file in self.worker.directory.iterdir():
            shutil.copy(file, kept)
        return kept

    @property
    def glance(self) -> Glance:
        return self.progress.glance


def running_demo(
    view: View,
    stack: DemoStack,
    worker: Workers,
    made: Events,
    ending: ExitStack,
    interruption: Interruption,
) -> RunningDemo:
    """The demo on a running stack, of which nothing begins yet but the workers. ``ending`` will end it."""
    addresses = stack.addresses
    ending.callback(worker.discard)
    worker.start(stack.check)
    archive, mail = Archive(addresses["s3"]), mailbox(stack.directory)
    archive.create()
    payer = Payer(addresses["payments"], made.pledges(), worker.directory / "payments.jsonl")
    found = RunningDemo(
        view=view,
        stack=stack,
        worker=worker,
        payer=payer,
        progress=Progress(stack, worker, payer, (archive, mail), sum(made.rows().values())),
        readable=Readable(addresses["postgres"]),
        topics=Topics(stack.access),
        archive=archive,
        mailbox=mail,
        interruption=interruption,
    )
    ending.callback(found.end)
    return found
