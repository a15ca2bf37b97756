"""The text that Prometheus reads, read by its own client library: whatever is in a label, from however many tasks."""

import math

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import exposition as plain
from prometheus_client.metrics_core import Metric

from ferryman.metrics import exposition, ours
from ferryman.metrics.exposition import Form, Sample
from ferryman.metrics.family import Family
from ferryman.metrics.histogram import Histogram
from ferryman.metrics.registry import ALIASES, FAMILIES, OF_ATTRIBUTE
from tests.metrics.scraped import read

HOSTILE = 'a"} 1\nb\\c{x="y"},\u2028 é'
READ = OF_ATTRIBUTE["sink-task-metrics", "sink-record-read-total"]


def joined(*tasks: list[Sample], form: Form = "text") -> str:
    return exposition.joined(FAMILIES.values(), [exposition.lines(each) for each in tasks], form)


def latency(*values: float) -> Histogram:
    found = Histogram(ours.SECONDS)
    for value in values:
        found.observe(value)
    return found


@given(st.text(), st.floats() | st.integers(0, 1 << 53))
def test_every_label_and_every_value_comes_back_as_it_was_in_both_forms(name: str, value: float) -> None:
    samples: list[Sample] = [(ours.LAG, (name, "0"), value), (READ, (name, "0"), abs(value))]
    for form in ("text", "openmetrics"):
        if form == "openmetrics" and math.isnan(value):
            continue  # no counter is
        found = read(joined(samples, form=form), openly=form == "openmetrics")
        ((labels, back),) = found.series["ferryman_sink_lag_records"]
        assert labels == {"connector": name, "task": "0"}
        assert back == float(value) or math.isnan(value)
        assert found.found(READ.name, connector=name) == [abs(float(value))] or math.isnan(value)


def test_the_series_of_a_family_stand_together_whoever_has_written_them() -> None:
    one: list[Sample] = [(READ, ("a", "0"), 1), (ours.LAG, ("a", "0"), 5)]
    other: list[Sample] = [(ours.LAG, ("b", "0"), 6), (READ, ("b", "0"), 2)]
    text = joined(one, other)
    assert text.count("# TYPE ferryman_sink_lag_records gauge") == 1
    found = read(text)
    assert found.found(READ.name) == [1, 2]
    assert found.found(ours.LAG.name) == [5, 6]
    assert found.kinds[READ.stem] == "counter"


def test_a_histogram_has_its_buckets_its_count_and_its_sum() -> None:
    for form in ("text", "openmetrics"):
        samples: list[Sample] = [(ours.DELIVERY, (HOSTILE, "0"), latency(0.02, 7, 100_000))]
        found = read(joined(samples, form=form), openly=form == "openmetrics")
        name = ours.DELIVERY.name
        assert found.one(f"{name}_bucket", connector=HOSTILE, le="0.025") == 1
        assert found.one(f"{name}_bucket", connector=HOSTILE, le="10.0") == 2
        assert found.one(f"{name}_bucket", connector=HOSTILE, le="+Inf") == 3
        assert found.one(f"{name}_count") == 3
        assert found.one(f"{name}_sum") == 100_007.02


def test_a_family_under_its_other_name_has_the_same_series_even_if_a_label_looks_like_a_line() -> None:
    family = OF_ATTRIBUTE["consumer-metrics", "connection-count"]
    alias = ALIASES[family.name]
    tricky = f"x\n{family.name}" + '{clientid="'
    lines = exposition.lines([(family, ("a",), 1), (family, (tricky,), 2)])
    text = exposition.renamed(lines[family.name], family, alias)
    found = read(exposition.head(alias, "text") + text)
    assert set(found.series) == {alias.name}
    assert found.labels(alias.name, "client_id") == {"a", tricky}


@given(st.text(), st.text())
def test_each_label_has_its_other_name_wherever_it_stands_and_whatever_is_in_the_others(client: str, node: str) -> None:
    family = OF_ATTRIBUTE["consumer-node-metrics", "request-total"]
    alias = ALIASES[family.name]
    key = tuple(
        {"clientid": f",nodeid={client}", "nodeid": f"{node},clientid="}.get(each, "x") for each in family.labels
    )
    found = read(exposition.head(alias, "text") + exposition.renamed(_lines(family, key), family, alias))
    ((labels, _),) = found.series[alias.name]
    assert labels == dict(zip(alias.labels, key, strict=True))
    assert {"client_id", "node_id"} <= labels.keys()


def _lines(family: Family, key: tuple[str, ...]) -> str:
    return exposition.lines([(family, key, 1)])[family.name]


@given(st.text(), st.floats() | st.integers())
def test_each_line_is_as_prometheus_client_writes_it(text: str, value: float) -> None:
    for family in (ours.READY, ours.BUILD, ours.LAG, READ, OF_ATTRIBUTE["consumer-node-metrics", "request-total"]):
        key = tuple(f"{text}{number}" for number in range(len(family.labels)))
        metric = Metric(family.stem, "", family.kind)
        metric.add_sample(family.name, dict(zip(family.labels, key, strict=True)), value)
        written = plain.generate_latest(Once([metric])).decode().split("\n", 2)[2]
        assert exposition.lines([(family, key, value)]) == {family.name: written}


class Once(list[Metric]):
    """What prometheus_client calls a registry."""

    collect = list[Metric].__iter__


def test_openmetrics_is_for_whoever_asks_for_it() -> None:
    prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1"
    assert exposition.format_for(prometheus)[0] == "openmetrics"
    assert [exposition.format_for(accept)[0] for accept in ("", "*/*", "text/html", "application/json")] == ["text"] * 4
