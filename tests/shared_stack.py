"""The one stack of a whole run. It starts beside the tests, since the first of them need none."""

import tempfile
import threading
import time
from pathlib import Path

from ferryman.stack import Stack


class SharedStack:
    """Started at once, on a thread; `outcome` is a file that is there when it has started, empty unless that failed."""

    def __init__(self) -> None:
        self._stack = Stack()
        self._directory = tempfile.TemporaryDirectory(prefix="ferryman-outcome-")
        self.outcome = Path(self._directory.name) / "outcome"
        self._starting = threading.Thread(target=self._start, daemon=True)
        self._starting.start()

    @property
    def addresses(self) -> dict[str, str]:
        """Where each component will be, by its name."""
        return dict(self._stack.addresses)

    def _start(self) -> None:
        try:
            self._stack.start()
        except Exception as error:
            text = repr(error)
        else:
            text = ""
        written = self.outcome.with_suffix(".written")
        written.write_text(text)
        written.rename(self.outcome)

    def stop(self) -> None:
        """Also while it starts: a component that is killed ends the start."""
        self._stack.stop()
        self._starting.join()
        self._stack.stop()
        self._directory.cleanup()


def started(outcome: Path) -> None:
    """Wait until the stack has started, in whichever process; raises RuntimeError with the cause if it did not."""
    while not outcome.exists():
        time.sleep(0.05)
    if cause := outcome.read_text():
        raise RuntimeError(f"the stack did not start: {cause}")
