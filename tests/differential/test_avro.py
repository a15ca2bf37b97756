"""Our Avro against Avro's own library and the converter of Java's beside it: schemas, bytes, and what is damaged."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.schema import Schema
from tests.differential import avro_jvm, jvm
from tests.differential.avro_cases import READ, WRITTEN, decided, same_schema
from tests.differential.avro_jvm import Peer
from tests.differential.avro_sides import (
    MANY,
    Config,
    Refused,
    converter,
    is_bytes,
    javas,
    node_text,
    ours,
    payload,
    same_bytes,
    shown,
    shown_by_java,
    written,
    written_by_java,
)
from tests.differential.avro_strategies import Node, damaged, schemas_with_data
from tests.differential.search import count, search
from tests.differential.strategies import Typed, typed

CONFIGS = st.sampled_from([{}, {"enhanced.avro.schema.support": "true"}, {"connect.meta.data": "false"}])
NULL = (None, None)


def compare_read(config: Config, node: Node, bodies: list[bytes], damaged: bool = False) -> None:
    """Fails unless bodies are the same records to both, in rows and in columns, and are written again in the same way.

    Columns do not see that a union has no type of a number that was damaged.
    """
    text = node_text(node)
    schema, peer, mine = avro_jvm.parsed(text), Peer(config), converter(config, text)[0]
    for body in bodies:
        count("avro", 1)
        theirs, found = javas(peer, schema, body), ours(mine, payload(node, body))
        expected, answer = shown_by_java(theirs), shown(found)
        case = f"{config} {text} {body!r}\nJava: {expected!r}\nours: {answer!r}"
        if expected == NULL:
            continue
        assert answer == expected or decided(expected, answer), case
        if not damaged or not isinstance(found, Refused):
            assert shown(ours(mine, payload(node, body), MANY)) == answer, case
        if answer == expected and not isinstance(found, Refused) and not damaged:
            rows = found.rows()
            compare_written(config, (rows.schema, rows.values[0]), (theirs.schema(), theirs.value()))


def compare_written(config: Config, mine: tuple[Schema | None, Any], theirs: tuple[Any, Any]) -> None:
    """Fails unless both write a value with the same schema and the same bytes."""
    found, expected = written(converter(config), *mine), written_by_java(Peer(config), *theirs)
    case = f"{config} {mine[0]} {mine[1]!r}\nJava: {expected!r}\nours: {found!r}"
    if isinstance(found, Refused) or isinstance(expected, Refused):
        assert found == expected or decided(expected, found), case
        return
    assert same_schema(expected[0], found[0]), case
    assert same_bytes(expected[0], expected[1], found[1]), case


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in READ.items()])
def test_what_was_once_read_differently_is_the_same(case: tuple[Config, Node, list[bytes]]) -> None:
    compare_read(*case)


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in WRITTEN.items()])
def test_what_was_once_written_differently_is_the_same(case: tuple[Config, Schema, Any]) -> None:
    config, schema, value = case
    compare_written(config, (schema, value), jvm.typed(value, schema))


@pytest.mark.timeout(1800)
def test_avro_is_read_and_written_again_as_java_does(long: bool) -> None:
    @search(600, long)
    @given(CONFIGS, schemas_with_data())
    def run(config: Config, given: tuple[Node, list[bytes]]) -> None:
        compare_read(config, *given)

    run()


@pytest.mark.timeout(1800)
def test_connects_data_is_written_as_java_does(long: bool) -> None:
    @search(600, long)
    @given(CONFIGS, st.data())
    def run(config: Config, data: st.DataObject) -> None:
        found: Typed = data.draw(typed())
        value = data.draw(found.values.filter(lambda value: value is not None))
        count("avro", 1)
        compare_written(config, (found.schema, value), jvm.typed(value, found.schema))

    run()


@pytest.mark.timeout(1800)
def test_damaged_avro_is_refused_or_means_what_it_means_to_java(long: bool) -> None:
    @search(400, long)
    @given(schemas_with_data(1), st.data())
    def run(given: tuple[Node, list[bytes]], data: st.DataObject) -> None:
        node, (body,) = given
        if not is_bytes(node):
            bodies = data.draw(st.lists(damaged(body), min_size=4, max_size=6))
            compare_read({}, node, bodies, damaged=True)

    run()
