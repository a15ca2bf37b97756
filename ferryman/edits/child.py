"""A process of its own for jq, whose programs may run without end and take all memory: it is killed when one does.

It runs as a script in an isolated interpreter without an environment, so it imports nothing of Ferryman, and a program
that looks at ``$ENV`` sees nothing. The arguments are the file of the module jq and the bytes of memory that there are.
A request is a line of JSON with ``program``, ``text`` (JSON; null to compile only) and ``seconds`` of CPU, after which
the kernel ends the process (SIGPROF); the answer is a line with ``text``, ``refused`` (why there is none) or ``fault``
(of the program).
"""

import json
import resource
import signal
import sys
from functools import lru_cache
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from itertools import islice
from typing import Any


def loaded(file: str) -> Any:
    """The module jq."""
    spec = spec_from_file_location("jq", file, loader=ExtensionFileLoader("jq", file))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answers(jq: Any) -> Any:
    """What answers a request."""

    @lru_cache(maxsize=10)
    def compiled(program: str) -> Any:
        # In parentheses no program can include or import: these stand at the beginning only. tojson keeps the digits of
        # numbers that Python's floats would lose, and the line's end ends a comment.
        return jq.compile(f'def modulemeta: error("there are no modules"); ({program}\n)|tojson')

    def answered(program: str, text: str | None) -> dict[str, str]:
        try:
            found = compiled(program)
        except ValueError as error:
            return {"fault": str(error)}
        if text is None:
            return {}
        try:
            made = list(islice(found.input_text(text), 2))
        except ValueError as error:
            return {"refused": str(error)}
        return (
            {"text": made[0]}
            if len(made) == 1
            else {"refused": f"the edit returned {'several values' if made else 'no value'}"}
        )

    return answered


def main() -> None:
    """Answers until standard input ends."""
    answered, most = answers(loaded(sys.argv[1])), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    for line in sys.stdin.buffer:
        request = json.loads(line)
        signal.setitimer(signal.ITIMER_PROF, request["seconds"])
        answer = json.dumps(answered(request["program"], request["text"])).encode()
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.buffer.write(answer + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
