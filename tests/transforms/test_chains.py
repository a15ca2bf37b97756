"""Chains as configs declare them: whether records come as rows, as columns or one by one, the answers are the same."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.chain import chain_config
from ferryman.chain.chain import Step, assembled
from ferryman.chain.narrowing import narrow
from ferryman.config import Config
from ferryman.errors import FerrymanError
from ferryman.record import Batch, Header, Record
from ferryman.schema import INT8, INT32, OPTIONAL_STRING, STRING, array, mapping, struct
from tests.chain.parts import TextConverter
from tests.differential import sides
from tests.differential.events import EXTRACT, EXTRACT_CONFIGS, ROUTER, ROUTER_CONFIGS, events, outbox
from tests.differential.jvm import Answer, Outcome, Raised, answer
from tests.differential.search import search
from tests.differential.strategies import CONFIGS, MILLIS, PREDICATES, UNSIDED, records, structs

TOPIC = "top"
NO_CONVERTER = TextConverter(Config(), "value")
KAFKA = "org.apache.kafka.connect.transforms."
TYPED = sorted(set(CONFIGS) - {"Filter"})
NAMED = st.sampled_from(TYPED).flatmap(
    lambda name: st.tuples(
        st.sampled_from([KAFKA + name] if name in UNSIDED else [f"{KAFKA}{name}$Value", f"{KAFKA}{name}$Key"]),
        CONFIGS[name],
    )
)
SWITCHES = st.none() | st.sampled_from(sorted(PREDICATES)).flatmap(
    lambda name: st.tuples(st.just(f"{KAFKA}predicates.{name}"), PREDICATES[name], st.booleans())
)
Declared = tuple[tuple[str, Mapping[str, str]], tuple[str, Mapping[str, str], bool] | None]
CHAINS = st.lists(st.tuples(NAMED, SWITCHES), min_size=1, max_size=4)


def config_of(chain: Sequence[Declared]) -> dict[str, str]:
    """The keys of a connector's config that declare a chain."""
    raw = {"transforms": ",".join(f"t{place}" for place in range(len(chain)))}
    predicates = []
    for place, ((name, config), switch) in enumerate(chain):
        raw |= {
            f"transforms.t{place}.type": name,
            **{f"transforms.t{place}.{key}": text for key, text in config.items()},
        }
        if switch is not None:
            test, keys, negate = switch
            predicates.append(f"p{place}")
            raw |= {f"transforms.t{place}.predicate": f"p{place}", f"transforms.t{place}.negate": str(negate).lower()}
            raw |= {
                f"predicates.p{place}.type": test,
                **{f"predicates.p{place}.{key}": each for key, each in keys.items()},
            }
    return raw | ({"predicates": ",".join(predicates)} if predicates else {})


def steps_of(chain: Sequence[Declared]) -> Sequence[Step]:
    """The steps; none if the config is refused."""
    parsed = chain_config.parse(config_of(chain))
    return [] if parsed.problems else parsed.steps


def through(steps: Sequence[Step], batch: Batch) -> Mapping[int, Outcome]:
    """What becomes of each record of a batch, by its position."""
    outcomes: dict[int, Outcome] = dict.fromkeys(batch.positions)
    left = [batch]
    for step in steps:
        left = [result for each in left for result in applied(step, each, outcomes)]
    for each in left:
        outcomes |= dict(zip(each.positions, map(answer, each.records()), strict=True))
    return outcomes


def applied(step: Step, batch: Batch, outcomes: dict[int, Outcome]) -> list[Batch]:
    """What one step makes of a batch; errors become outcomes."""
    done, guilty = narrow(len(batch), lambda start, stop: step.apply(batch.slice(start, stop)), FerrymanError)
    outcomes |= {batch.positions[index]: Raised(type(error).__name__, str(error)) for index, error in guilty}
    return [result for piece in done for result in piece.result]


def chained(steps: Sequence[Step], batch: Batch) -> Mapping[int, Outcome]:
    """The same as a task has it: the guilty of a batch are told by the step, or looked for."""
    done, failures = assembled(NO_CONVERTER, NO_CONVERTER, NO_CONVERTER, steps).transform([batch])
    outcomes: dict[int, Outcome] = dict.fromkeys(batch.positions)
    for each in done:
        outcomes |= dict(zip(each.positions, map(answer, each.records()), strict=True))
    return outcomes | {each.position: Raised(type(each.error).__name__, str(each.error)) for each in failures}


def compare(steps: Sequence[Step], given: Sequence[Record]) -> None:
    """Fails unless all ways agree."""
    whole, columns = sides.batch(given), sides.in_columns(given)
    rows = through(steps, whole)
    for place in range(len(given)):
        assert through(steps, whole.slice(place, place + 1)) == {place: rows[place]}
    assert chained(steps, whole) == rows
    assert columns is None or (through(steps, columns) == rows and chained(steps, columns) == rows)


@st.composite
def columnar(draw: st.DrawFn) -> list[Record]:
    """Records whose values, and mostly keys too, the converters would give as columns."""
    found = draw(structs(1).filter(lambda found: sides.columnar(found.schema)))
    key = draw(structs(0).filter(lambda found: sides.columnar(found.schema))) if draw(st.booleans()) else None
    count = draw(st.sampled_from([1, 3, 6]))
    return [
        Record(
            topic=TOPIC,
            partition=0,
            key=draw(key.values) if key else None,
            key_schema=key.schema if key else None,
            value=draw(found.values),
            value_schema=found.schema,
            timestamp=draw(MILLIS) if place else 1_700_000_000_123,
            headers=(Header("a", 1, INT8),) if place % 2 else (),
            offset=place,
        )
        for place in range(count)
    ]


@pytest.mark.timeout(900)
def test_rows_columns_and_single_records_agree(long: bool) -> None:
    @search(400, long)
    @given(CHAINS, st.integers(0, 3).flatmap(lambda kind: columnar() if kind else records()))
    def run(chain: list[Declared], given: list[Record]) -> None:
        compare(steps_of(chain), given)

    run()


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("name", "configs", "drawn"), [(EXTRACT, EXTRACT_CONFIGS, events()), (ROUTER, ROUTER_CONFIGS, outbox())], ids=str
)
def test_so_do_change_events_and_what_comes_of_them(
    name: str, configs: st.SearchStrategy[dict[str, str]], drawn: st.SearchStrategy[list[Record]], long: bool
) -> None:
    @search(80, long)
    @given(configs, CHAINS, drawn)
    def run(config: dict[str, str], chain: list[Declared], given: list[Record]) -> None:
        compare(steps_of([((name, config), None), *chain]), given)

    run()


_TAGS = mapping(STRING, array(struct({"m": mapping(INT32, OPTIONAL_STRING)})))
_TAGGED = struct({"tags": _TAGS.as_optional(), "deep": struct({"tags": _TAGS}), "id": INT32})
_TAG = {"a": [{"m": {1: "x", 2: None}}, {"m": {}}], "b": []}
ON_MAPS: list[tuple[str, Mapping[str, str]]] = [
    ("Cast$Value", {"spec": "tags:string"}),
    ("Cast$Value", {"spec": "id:string"}),
    ("ExtractField$Value", {"field": "tags"}),
    ("ExtractField$Value", {"field": "deep.tags", "field.syntax.version": "V2"}),
    ("Flatten$Value", {}),
    ("HeaderFrom$Value", {"fields": "tags,id", "headers": "t,i", "operation": "move"}),
    ("HeaderFrom$Value", {"fields": "deep", "headers": "t", "operation": "copy"}),
    ("HoistField$Value", {"field": "h"}),
    ("InsertField$Value", {"static.field": "s", "static.value": "x"}),
    ("MaskField$Value", {"fields": "tags"}),
    ("ReplaceField$Value", {"exclude": "id", "renames": "tags:labels"}),
    ("SetSchemaMetadata$Value", {"schema.name": "n"}),
    ("TimestampConverter$Value", {"field": "tags", "target.type": "string", "format": "yyyy"}),
    ("ValueToKey", {"fields": "tags,deep"}),
]


@pytest.mark.parametrize(("name", "config"), ON_MAPS, ids=str)
def test_a_map_in_a_column_is_a_map_to_every_transform(name: str, config: Mapping[str, str]) -> None:
    values = [{"tags": _TAG, "deep": {"tags": {}}, "id": 1}, {"tags": None, "deep": {"tags": _TAG}, "id": 2}]
    given = [
        Record(topic=TOPIC, partition=0, value=value, value_schema=_TAGGED, offset=place)
        for place, value in enumerate(values)
    ]
    steps = steps_of([((KAFKA + name, config), None)])
    assert len(steps) == 1
    assert sides.in_columns(given) is not None
    compare(steps, given)


def test_a_predicate_switches_a_step_in_rows_and_columns() -> None:
    declared = (KAFKA + "InsertField$Value", {"static.field": "x", "static.value": "1"})
    switch = (KAFKA + "predicates.TopicNameMatches", {"pattern": "top"}, False)
    (step,) = steps_of([(declared, switch)])
    assert step.predicate is not None
    given = [Record(topic="top", partition=0, offset=place, value={"a": place}) for place in range(2)]
    compare([step], given)
    values = [each.value for each in through([step], sides.batch(given)).values() if isinstance(each, Answer)]
    assert values == [{"a": 0, "x": "1"}, {"a": 1, "x": "1"}]
