"""The page about Kafka's own tests: ``python -m tests.kafkatest.report.page`` writes docs/reference/kafka-tests.md."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tests.kafkatest.report.differences import DIFFERENCES, Difference
from tests.kafkatest.report.suites import SUITES
from tests.places import DOCS, ROOT

PAGE = DOCS / "reference" / "kafka-tests.md"
HERE = ROOT / "tests" / "kafkatest"
_ABOUT = """\
<!-- Made by `python -m tests.kafkatest.report.page` from tests/kafkatest/report; edit it there. -->

# Kafka's own tests

What Apache Kafka's own suites ask of Kafka Connect from outside (over REST, topics and files) is transcribed in
`tests/kafkatest`. Each test runs against a Ferryman worker, and with `./run test --long` against Kafka's own worker
(4.3.1) too, so that each assertion is known to be true of the original. Real clients of the REST API and wrong configs
are tried on both in the same way.

## What differs

Where the two do not answer the same, the test expects of each what it does. These are all such places; what else
Ferryman does otherwise is listed with the [differences](../differences.md).
"""
_SUITES = """\
## The suites

Each of the suites in Kafka's package `org.apache.kafka.connect.integration` and in kafkatest's `tests/connect`.
"""


def page() -> str:
    """The whole page."""
    parts = [_ABOUT, *_differences(), "", _SUITES, *_suites()]
    return "\n".join(parts) + "\n"


def _differences() -> Iterator[str]:
    yield from _head("when", "Kafka Connect", "Ferryman", "why", "asked in")
    found = uses()
    for each, name in DIFFERENCES.items():
        files = "<br>".join(f"`{file}`" for file in sorted(found[name]))
        yield _row(_about(each), _from_here(each.kafka), _from_here(each.ferryman), _from_here(each.because), files)


def _about(each: Difference) -> str:
    return _from_here(each.about)


def _from_here(text: str) -> str:
    return re.sub(r"\]\((?!\w+:)", "](../", text)


def _suites() -> Iterator[str]:
    yield from _head("Kafka's", "transcribed in", "left out")
    for name, suite in SUITES.items():
        where = "<br>".join(f"`tests/{file}`" for file in suite.where)
        yield _row(f"`{name}`", where, "<br>".join(_left_out(suite.left_out)))


def _left_out(reasons: Mapping[str, str]) -> Iterator[str]:
    by_reason = defaultdict[str, list[str]](list)
    for test, why in reasons.items():
        by_reason[why].append(test)
    for why, tests in by_reason.items():
        yield f"it {why}" if tests == ["*"] else f"{', '.join(f'`{test}`' for test in tests)}: {why}"


def _head(*titles: str) -> Iterable[str]:
    return f"| {' | '.join(titles)} |", f"|{'---|' * len(titles)}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def files() -> list[Path]:
    """The tests' files, but for what this page is made from."""
    return sorted(path for path in HERE.rglob("*.py") if "report" not in path.parts)


def uses() -> Mapping[str, set[str]]:
    """The files that name a difference, by its name."""
    found = defaultdict[str, set[str]](set)
    for path in files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Name) and node.id in DIFFERENCES.values():
                found[node.id].add(str(path.relative_to(ROOT)))
    return found


def main() -> None:
    """Writes the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
