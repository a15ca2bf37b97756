"""A process of its own for patterns that may backtrack without end: it is killed when one does.

It runs as a script in an isolated interpreter, so it imports nothing of Ferryman. A request is a line of JSON with
``pattern`` (in Python's syntax), ``method`` (``fullmatch`` or ``search``), ``texts`` and ``seconds``; the answer is a
line with ``found``: for each text None, or start and end of the match and of its groups. A pattern that cannot be
compiled is answered with ``error``. When the seconds of CPU are used up the kernel ends the process (SIGPROF): not even
this interpreter, deep in a match, has to agree. CPU and not time, so that a loaded machine changes nothing.
"""

import json
import re
import signal
import sys
from typing import Any


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """The answer to a request."""
    try:
        pattern = re.compile(request["pattern"], re.ASCII)
    except (re.error, ValueError, OverflowError, RecursionError, MemoryError) as error:
        return {"error": str(error) or type(error).__name__}
    matched = map(getattr(pattern, request["method"]), request["texts"])
    return {"found": [None if found is None else found.regs for found in matched]}


def main() -> None:
    """Answers until standard input ends."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    for line in sys.stdin.buffer:
        request = json.loads(line)
        signal.setitimer(signal.ITIMER_PROF, request["seconds"])
        line_back = json.dumps(answer(request)).encode()
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.buffer.write(line_back + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
