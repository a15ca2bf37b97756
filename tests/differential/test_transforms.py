"""Our transforms and predicates against Kafka's own classes, in this process: the same records, the same answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.record import Record
from tests.differential import jvm, sides
from tests.differential.cases import CASES
from tests.differential.decided import agree, same
from tests.differential.search import count, search
from tests.differential.sides import Case
from tests.differential.strategies import CONFIGS, PREDICATES, UNSIDED, records

EXAMPLES, CONFIGS_EACH = 80, 4
"""Each example is up to eight records, and each goes through so many configs: above 20,000 cases a run."""
SIDES = ["$Value", "$Value", "$Key"]


def compare(case: Case) -> None:
    """Fails unless rows, columns and single records agree with Kafka."""
    count("transforms", len(case.records))
    kafkas = sides.kafkas(case)
    for ours in (sides.ours(case), sides.ours(case, columns=True), sides.singly(case)):
        assert ours is None or agree(case.name, kafkas, ours), f"{case}\nKafka: {kafkas}\nours:  {ours}"


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
def test_what_was_once_different_is_the_same(case: Case) -> None:
    compare(case)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", sorted(CONFIGS))
def test_a_transform_gives_kafkas_answers(name: str, long: bool) -> None:
    configs = st.lists(CONFIGS[name], min_size=CONFIGS_EACH, max_size=CONFIGS_EACH)

    @search(EXAMPLES, long)
    @given(configs, records(nested_defaults=name == "Flatten"), st.sampled_from([""] if name in UNSIDED else SIDES))
    def run(configs: list[dict[str, str]], given: list[Record], side: str) -> None:
        for config in configs:
            compare(Case(name + side, config, given))

    run()


@pytest.mark.parametrize("name", sorted(PREDICATES))
def test_a_predicate_gives_kafkas_answers(name: str, long: bool) -> None:
    @search(EXAMPLES, long)
    @given(PREDICATES[name], records())
    def run(config: dict[str, str], given: list[Record]) -> None:
        ours, theirs = sides.predicate(name, config), jvm.configured(f"predicates.{name}", config)
        expected = [jvm.tested(theirs, record) for record in given]
        count("predicates", len(given))
        assert [ours.test(record) for record in given] == expected
        assert list(ours.test_batch(sides.batch(given))) == expected

    run()


CHAIN = st.lists(
    st.sampled_from(sorted(CONFIGS)).flatmap(
        lambda name: st.tuples(st.just(name if name in UNSIDED else f"{name}$Value"), CONFIGS[name])
    ),
    min_size=2,
    max_size=4,
)


def is_settled(chain: list[tuple[str, dict[str, str]]]) -> bool:
    """Whether nothing rests on the order of a Java HashMap, which others' transforms make of a map: where two fields
    are renamed to the same, the last one wins."""
    return not any(name.startswith("ReplaceField") and config.get("renames") for name, config in chain[1:])


@pytest.mark.timeout(1800)
def test_a_chain_gives_kafkas_answers(long: bool) -> None:
    @search(4 * EXAMPLES, long)
    @given(st.lists(CHAIN, min_size=CONFIGS_EACH, max_size=CONFIGS_EACH), records())
    def run(chains: list[list[tuple[str, dict[str, str]]]], given: list[Record]) -> None:
        for chain in filter(is_settled, chains):
            for kafkas, ours in sides.chained(chain, given):
                count("chains", 1)
                assert same(str(chain), kafkas, ours), f"{chain}\nKafka: {kafkas}\nours:  {ours}"

    run()
