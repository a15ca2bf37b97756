"""The page about guarantees, from their table."""

from collections.abc import Iterable, Iterator

from ferryman.guarantees.guarantee import Guarantee
from ferryman.guarantees.table import GUARANTEES

_ABOUT = """\
# Guarantees

What a connector guarantees, and what it does not, each with the tests that would fail if it were not so.
[`ferryman explain`](../commands/explain.md) prints those that are true of a config; how they are proved is described in
[reliability](../reliability.md).
"""


def page() -> str:
    """The whole page."""
    promises = [each for each in GUARANTEES if each.kind == "promise"]
    limits = [each for each in GUARANTEES if each.kind == "limit"]
    return "\n".join([_ABOUT, f"## Guaranteed\n\n{_table(promises)}", f"## Not guaranteed\n\n{_table(limits)}"])


def _table(guarantees: Iterable[Guarantee]) -> str:
    return "\n".join(_lines(guarantees)) + "\n"


def _lines(guarantees: Iterable[Guarantee]) -> Iterator[str]:
    yield "| of | | proved by |"
    yield "|---|---|---|"
    for each in guarantees:
        yield f"| {each.when} | {each.sentence} | {'<br>'.join(f'`{proof}`' for proof in each.proofs)} |"
