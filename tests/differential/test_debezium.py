"""Our forms of Debezium's transforms against its own classes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.record import Record
from tests.differential.events import EXTRACT, EXTRACT_CONFIGS, ROUTER, ROUTER_CONFIGS, events, outbox
from tests.differential.search import search
from tests.differential.sides import Case
from tests.differential.test_transforms import CONFIGS_EACH, EXAMPLES, compare


@pytest.mark.timeout(1800)
def test_the_new_state_is_extracted_as_debezium_does(long: bool) -> None:
    @search(2 * EXAMPLES, long)
    @given(st.lists(EXTRACT_CONFIGS, min_size=CONFIGS_EACH, max_size=CONFIGS_EACH), events())
    def run(configs: list[dict[str, str]], given: list[Record]) -> None:
        for config in configs:
            compare(Case(EXTRACT, config, given))

    run()


@pytest.mark.timeout(1800)
def test_outbox_events_are_routed_as_debezium_does(long: bool) -> None:
    @search(2 * EXAMPLES, long)
    @given(st.lists(ROUTER_CONFIGS, min_size=CONFIGS_EACH, max_size=CONFIGS_EACH), outbox())
    def run(configs: list[dict[str, str]], given: list[Record]) -> None:
        for config in configs:
            compare(Case(ROUTER, config, given))

    run()
