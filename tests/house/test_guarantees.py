"""Every guarantee names the tests that prove it, is true of some config, and stands in one table."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest

from ferryman.dry_run.subject import plugin_of
from ferryman.guarantees import table
from ferryman.guarantees.guarantee import Facts, Guarantee
from tests.house.test_rings import files, path, trees
from tests.places import ROOT

SQL = {
    "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector",
    "connection.url": "jdbc:postgresql://127.0.0.1/x",
    "topics": "t",
}
S3 = {
    "connector.class": "io.confluent.connect.s3.S3SinkConnector",
    "topics": "t",
    "s3.bucket.name": "archive",
    "format.class": "io.confluent.connect.s3.format.json.JsonFormat",
    "flush.size": "3",
}
MAIL = {"connector.class": "EmailSink", "topics": "t", "smtp.host": "h", "mail.from": "a@b.c", "mail.to": "a@b.c"}
MAIL |= {"mail.subject": "s", "mail.text": "t"}
LINES = {"connector.class": "FileStreamSink", "topics": "t"}
STRIPE = {"connector.class": "StripeSource", "stripe.api.key": "sk", "topic": "t"}
DATAGEN = {"connector.class": "DatagenSource", "quickstart": "crowdfunding"}
READ = {"connector.class": "FileStreamSource", "topic": "t"}
RESTORE = {
    "connector.class": "io.confluent.connect.s3.source.S3SourceConnector",
    "s3.bucket.name": "archive",
    "format.class": "io.confluent.connect.s3.format.json.JsonFormat",
}
SKIPS = {"errors.tolerance": "all"}
QUEUES = SKIPS | {"errors.deadletterqueue.topic.name": "d"}
KEYED = {"pk.mode": "record_key", "pk.fields": "id"}
CONSUMER = {"consumer.override.group.protocol": "consumer"}
PLAIN = {"exactly.once.source.support": "disabled"}

CONFIGS: Mapping[str, tuple[Mapping[str, str], Mapping[str, str]]] = {
    "inserts": (SQL, {}),
    "upserts": (SQL | KEYED | {"insert.mode": "upsert"} | QUEUES, {}),
    "updates": (SQL | KEYED | {"insert.mode": "update", "max.retries": "3"} | SKIPS, {}),
    "SQL in a group of the consumer protocol": (SQL | CONSUMER | {"errors.retry.timeout": "1000"}, {}),
    "objects by heads": (S3, {}),
    "objects by the group": (S3 | {"enable.conditional.writes": "false"}, {}),
    "messages": (MAIL, {}),
    "messages that are skipped": (MAIL | {"behavior.on.in.doubt": "skip"}, {}),
    "lines": (LINES | {"file": "/tmp/x"}, {}),
    "lines that are printed": (LINES, {}),
    "events": (STRIPE, {}),
    "events without transactions": (STRIPE | SKIPS, PLAIN),
    "invented records": (DATAGEN | QUEUES, {}),
    "lines of a file": (READ | {"file": "/tmp/x"}, {}),
    "lines of standard input": (READ, {}),
    "an archive": (RESTORE, {}),
}
"""A connector's config and its worker's."""

SAYS = re.compile(r"(exactly|at least|at most) once|[Gg]uarantee[ds]?\b|[Nn]othing is lost|never lost")
"""What is said of delivery; headings have capitals."""
EXCUSED: Mapping[str, str] = {
    "connectors/file/examination.py": "why a file that is no regular one is warned of",
    "connectors/sql/config/sink_config.py": "why a key has no effect",
    "ferryman/demo/report.py": "what was found in the end, not what is promised",
    "ferryman/dry_run/report.py": "the word before each sentence",
    "ferryman/doctor/kafka/transactions.py": "what one would do without, where a right is lacking",
    "ferryman/docs/guarantees.py": "the page that shows the table",
    "ferryman/docs/reference.py": "that page's name",
    "ferryman/docs/sql_values.py": "values, not delivery",
    "ferryman/internal_topics/creation.py": "Kafka Connect's words about its topics",
    "ferryman/kafka/permissions.py": "what one would do without, where a right is lacking",
    "ferryman/kafka/refusals.py": "the same",
}
"""Modules that may speak of delivery in texts of their own, and why."""


def facts(name: str) -> Facts:
    raw, worker = CONFIGS[name]
    raw = {"name": "n", **raw}
    plugin: Any = plugin_of(raw["connector.class"])
    return Facts.of(plugin, plugin.config_class.parse(raw), raw, worker)


@cache
def known_tests() -> frozenset[str]:
    """Every test as pytest calls it, parameters left out."""
    found = set()
    for file in (ROOT / "tests").rglob("test_*.py"):
        name = file.relative_to(ROOT).as_posix()
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found.add(f"{name}::{node.name}")
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                found.add(f"{name}::{node.targets[0].id}")
    return frozenset(found)


@pytest.mark.parametrize("guarantee", table.GUARANTEES, ids=lambda each: str(each.sentence[:40]))
def test_each_guarantee_names_tests_that_are_there(guarantee: Guarantee) -> None:
    assert guarantee.proofs
    assert [proof for proof in guarantee.proofs if proof not in known_tests()] == []


def test_each_guarantee_is_true_of_some_config() -> None:
    reached = {each for name in CONFIGS for each in table.of(facts(name))}
    assert [each.sentence for each in table.GUARANTEES if each not in reached] == []


def test_no_guarantee_is_true_of_every_config() -> None:
    everywhere = set(table.GUARANTEES).intersection(*(set(table.of(facts(name))) for name in CONFIGS))
    assert everywhere == set()


@pytest.mark.parametrize("name", CONFIGS)
def test_every_config_is_promised_something_and_no_sentence_twice(name: str) -> None:
    found = table.of(facts(name))
    assert {each.kind for each in found} >= {"promise"}
    sentences = [each.sentence for each in found]
    assert len(set(sentences)) == len(sentences)


def test_each_sentence_is_one() -> None:
    for each in table.GUARANTEES:
        assert re.fullmatch(r"[A-Za-z].*\.", each.sentence), each.sentence


def texts(tree: ast.Module) -> Iterator[str]:
    """The texts of a module that may be shown: all but docstrings and what stands under a field."""
    silent = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            yield node.value


def test_nobody_but_the_table_speaks_of_delivery() -> None:
    found = {
        path(name)
        for name in files()
        for text in texts(trees()[name])
        if SAYS.search(text) and not path(name).startswith("ferryman/guarantees/")
    }
    assert sorted(found - EXCUSED.keys()) == [], "a guarantee belongs into ferryman/guarantees"
    assert sorted(EXCUSED.keys() - found) == []
