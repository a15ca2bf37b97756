"""What comes of a poll has no more batches than outcomes, however its records take turns; each is what it is alone."""

from collections.abc import Hashable, Mapping, Sequence
from itertools import cycle, islice

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ferryman.chain import builder
from ferryman.chain.chain import Chain
from ferryman.errors import ConfigError
from ferryman.record import Batch, Coordinates, Header, Original, Polled, Record, in_order
from ferryman.schema import INT64, STRING, array, struct
from tests.differential import sides
from tests.differential.events import EXTRACT, EXTRACT_CONFIGS, ROUTER, ROUTER_CONFIGS, events, outbox
from tests.differential.jvm import Outcome, answer
from tests.differential.search import search
from tests.differential.strategies import records
from tests.transforms.test_chains import CHAINS, Declared, columnar, config_of

FORMER = "io.debezium.transforms.UnwrapFromEnvelope"
TIMESTAMP_ROUTER = "org.apache.kafka.connect.transforms.TimestampRouter"
STRINGS = {
    "key.converter": "org.apache.kafka.connect.storage.StringConverter",
    "value.converter": "org.apache.kafka.connect.storage.StringConverter",
}
DAY = 86_400_000
ROW = struct({"id": INT64, "by": STRING.as_optional()}, name="db.t.Value", optional=True)
EVENT = struct({"before": ROW, "after": ROW, "op": STRING}, name="db.t.Envelope")


def made(chain: Sequence[Declared]) -> Chain:
    """The chain of a config. Raises ConfigError for one that is refused."""
    return builder.chain(STRINGS | config_of(chain), {})


def through(chain: Chain, given: Batch) -> tuple[list[Batch], dict[int, str]]:
    """What a chain makes of a batch, and the errors of records that failed, by position."""
    results, failures = chain.transform([given])
    return results, {each.position: str(each.error) for each in failures}


def outcomes(given: Sequence[Batch]) -> set[Hashable]:
    """What tells batches from one another: topic, partition, schemas, null or not, rows or columns."""
    return {
        (each.topic, each.partition, each.key_schema, each.value_schema, each.value is None, type(batch.value), form)
        for batch in given
        for form in [type(batch.key)]
        for each in batch.records()
    }


def told(given: Sequence[Batch]) -> list[tuple[int, Outcome]]:
    return [pair for each in in_order(given) for pair in zip(each.positions, map(answer, each.records()), strict=True)]


def compare(chain: Sequence[Declared], given: Batch) -> None:
    """Fails unless a batch has as many batches as outcomes, and the records that come of each by itself."""
    try:
        whole, singles = made(chain), made(chain)
    except ConfigError:
        assume(False)
    results, failures = through(whole, given)
    alone = [through(singles, given.slice(at, at + 1)) for at in range(len(given))]
    assert told(results) == told([each for made_, _ in alone for each in made_])
    assert failures == {at: error for _, failed in alone for at, error in failed.items()}
    assert len(results) <= len(outcomes(results))
    left, (step, *others) = given.without(failures), made(chain).steps
    if left is not None and step.predicate is None and not others:
        by_itself = step.transform.apply_batch(left)
        assert len(by_itself) <= len(outcomes(by_itself))


def compare_forms(chain: Sequence[Declared], given: Sequence[Record]) -> None:
    """The same for rows and for columns."""
    compare(chain, sides.batch(given))
    columns = sides.in_columns(given)
    if columns is not None:
        compare(chain, columns)


@pytest.mark.timeout(900)
def test_a_poll_has_no_more_batches_than_outcomes_and_its_records_are_what_they_would_be_alone(long: bool) -> None:
    @search(300, long)
    @given(CHAINS, st.integers(0, 3).flatmap(lambda kind: columnar() if kind else records()))
    def run(chain: list[Declared], drawn: list[Record]) -> None:
        compare_forms(chain, drawn)

    run()


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("name", "configs", "drawn"),
    [(EXTRACT, EXTRACT_CONFIGS, events()), (FORMER, EXTRACT_CONFIGS, events()), (ROUTER, ROUTER_CONFIGS, outbox())],
    ids=[EXTRACT, FORMER, ROUTER],
)
def test_so_have_change_events_and_what_comes_of_them(
    name: str, configs: st.SearchStrategy[dict[str, str]], drawn: st.SearchStrategy[list[Record]], long: bool
) -> None:
    @search(200, long)
    @given(configs, CHAINS | st.just([]), drawn)
    def run(config: dict[str, str], chain: list[Declared], found: list[Record]) -> None:
        compare_forms([((name, config), None), *chain], found)

    run()


def turns(events_: str, headers: Sequence[tuple[Header, ...]] = ((),)) -> list[Record]:
    """Records whose events, days and headers take turns: creates, updates, deletes and tombstones."""
    kinds = list(islice(cycle(events_), 60))
    return [
        Record(
            topic="db.t",
            partition=0,
            value=None
            if op == "-"
            else {"before": row if op == "d" else None, "after": None if op == "d" else row, "op": op},
            value_schema=EVENT,
            timestamp=1_700_000_000_000 + place % 2 * DAY,
            headers=more,
            offset=place,
        )
        for place, (op, more) in enumerate(zip(kinds, cycle(headers), strict=False))
        for row in [{"id": place, "by": "ab"[place % 2]}]
    ]


NAMES = array(STRING)
DROPS = ((Header("drop", ["by"], NAMES),), (Header("drop", ["by"], NAMES),), ())
BY_TURNS: list[tuple[str, Mapping[str, str], Sequence[Record], int]] = [
    (EXTRACT, {}, turns("cud"), 2),
    (EXTRACT, {}, turns("cud-"), 2),
    (EXTRACT, {"delete.tombstone.handling.mode": "rewrite"}, turns("cud"), 1),
    (EXTRACT, {"delete.tombstone.handling.mode": "rewrite-with-tombstone"}, turns("cud-"), 2),
    (EXTRACT, {"delete.tombstone.handling.mode": "rewrite", "add.headers": "op"}, turns("cud"), 1),
    (EXTRACT, {"route.by.field": "by"}, turns("cu"), 2),
    (EXTRACT, {"route.by.field": "by", "delete.tombstone.handling.mode": "rewrite"}, turns("cdd"), 2),
    (EXTRACT, {"drop.fields.header.name": "drop"}, turns("cu", DROPS), 2),
    (FORMER, {"drop.deletes": "false"}, turns("cud"), 2),
    (TIMESTAMP_ROUTER, {}, turns("cu"), 2),
    (TIMESTAMP_ROUTER, {"topic.format": "all"}, turns("cu"), 1),
]


@pytest.mark.parametrize(("name", "config", "drawn", "count"), BY_TURNS)
def test_records_by_turns_are_as_few_batches_as_sorted_ones(
    name: str, config: Mapping[str, str], drawn: Sequence[Record], count: int
) -> None:
    chain: list[Declared] = [((name, config), None)]
    for whole in (sides.batch(drawn), sides.in_columns(drawn)):
        if whole is not None:
            compare(chain, whole)
            assert len(made(chain).steps[0].apply(whole)) == count


def test_what_a_predicate_lets_by_is_one_batch_again_with_what_it_does_not() -> None:
    mask = {"fields": "by", "replacement": "x"}
    switch = ("org.apache.kafka.connect.transforms.predicates.HasHeaderKey", {"name": "drop"}, False)
    chain: list[Declared] = [
        ((EXTRACT, {}), None),
        (("org.apache.kafka.connect.transforms.MaskField$Value", mask), switch),
    ]
    for whole in (sides.batch(drawn := turns("cu", DROPS)), sides.in_columns(drawn)):
        assert whole is not None
        compare(chain, whole)
        (result,) = through(made(chain), whole)[0]
        assert [each["by"] for each in result.value.rows().values[:3]] == ["x", "x", "a"]


def test_replayed_letters_of_two_topics_stay_apart_where_one_topic_takes_them() -> None:
    payloads = [f"v{at}".encode() for at in range(6)]
    lay = [Original("t", Coordinates("tu"[at % 2], 0, at)) for at in range(6)]
    letters = Polled("dlq", 0, range(6), [0] * 6, [None] * 6, payloads, originals=lay)
    chain = made([((TIMESTAMP_ROUTER, {"topic.format": "all"}), None)])
    batches, failures = chain.decode(letters)
    results, more = chain.transform(batches)
    assert (failures, more) == ([], [])
    assert [(each.original_source.topic, list(each.positions)) for each in results] == [
        ("t", [0, 2, 4]),
        ("u", [1, 3, 5]),
    ]
