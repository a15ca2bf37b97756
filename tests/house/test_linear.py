"""Whatever takes a text from outside takes time in proportion to it: twice the text is not four times the work.

The functions are found by walking the modules. One that takes a text and nothing else is called as it is; one that
needs more stands in CALLS. A text from outside is recognised by its type and the name of its parameter.
"""

import ast
import gc
import importlib
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from ferryman.connectors.email.mail import addresses, templates
from ferryman.connectors.email.smtp import wording
from ferryman.connectors.s3.config import object_names, source_template
from ferryman.dead_letters import letter
from ferryman.facts import config_records, statuses
from ferryman.formats.json.text import loads_all
from ferryman.java.numbers import parsed_integer
from ferryman.java.regex.replacement import Found, expanded
from ferryman.kafka import client_keys
from ferryman.record import Coordinates
from ferryman.settings import references
from ferryman.telemetry import free_text, owners, redaction
from ferryman.tls import java_keystore, stores
from ferryman.transforms.debezium import change_event
from ferryman.transforms.fields import name_lists
from tests.house.test_rings import path, trees

SHAPES = """
a 1 0 - . , : ; = @ < ( [ { \\ " ' % ${ ${a: a:// :// a://u: a=" a, a: {{ {%a [[ {"a": "a", 0, \\" '' .a. a@ =? é \u2028
"""
"""What a hostile text repeats; blanks and line ends come on top."""
ENDS = ("", "!")
SMALL, TIMES = 2_500, 4
BELIEVED = 0.02
"""Seconds of CPU for the long text below which nothing is asked further."""
MOST = 9
"""How many times as long the long text may take: four if the work grows as the text does, sixteen if as its square."""
OUTSIDE = {"text", "payload", "content", "value", "pattern", "template", "replacement", "metadata", "url", "mapping"}
"""Names of parameters that bring something from outside."""
OWN = ("ferryman/stack/", "ferryman/demo/", "ferryman/docs/", "ferryman/commands/")
"""Folders that look at texts of this project only."""

Call = Callable[[str], Any]
CALLS: dict[str, Call] = {
    "ferryman.connectors.email.mail.addresses.one_address": partial(addresses.one_address, "k"),
    "ferryman.connectors.email.mail.addresses.one_line": partial(addresses.one_line, "k"),
    "ferryman.connectors.email.mail.addresses.several": partial(addresses.several, "k"),
    "ferryman.connectors.email.mail.templates.pattern": partial(templates.pattern, "k"),
    "ferryman.connectors.email.smtp.wording.answer": partial(wording.answer, 550),
    "ferryman.connectors.s3.config.object_names.has": lambda text: object_names.has(text, "topic"),
    "ferryman.connectors.s3.config.object_names.with_times": lambda text: object_names.with_times(text, "UTC"),
    "ferryman.connectors.s3.config.source_template.prefix_pattern": lambda text: source_template.prefix_pattern(
        text, text
    ),
    "ferryman.dead_letters.letter.parsed": lambda text: letter.parsed(
        Coordinates("d", 0, 0), None, None, None, [("__connect.errors.exception.message", text.encode())]
    ),
    "ferryman.facts.config_records.decode": lambda text: config_records.decode(f"task-{text}".encode(), text.encode()),
    "ferryman.facts.statuses.decode": lambda text: statuses.decode(f"status-topic-{text}".encode(), text.encode()),
    "ferryman.java.numbers.parsed_integer": lambda text: parsed_integer(text, 64),
    "ferryman.java.regex.replacement.expanded": lambda text: expanded(Found("a", ((0, 1),), {}), text),
    "ferryman.kafka.client_keys.harmless": partial(client_keys.harmless, "interceptor.classes"),
    "ferryman.settings.references.replaced": lambda text: references.replaced(text, lambda found: "x"),
    "ferryman.telemetry.owners.is_public": lambda text: owners.is_public(text, 0, "aaaa", (text[:200],)),
    "ferryman.telemetry.free_text.without_passwords": lambda text: free_text.without_passwords(text, "x"),
    "ferryman.telemetry.free_text.without_values": lambda text: free_text.without_values(
        text, free_text.Values({"aaaa": "b", text: "c"})
    ),
    "ferryman.tls.java_keystore.read": lambda text: java_keystore.read(java_keystore.MAGIC + text.encode(), None),
    "ferryman.tls.stores.read": lambda text: stores.read(b"-----BEGIN CERTIFICATE-----" + text.encode(), None),
    "ferryman.transforms.debezium.change_event.reference": lambda text: change_event.reference(text, "a"),
    "ferryman.transforms.fields.name_lists.parts": name_lists.parts,
    "ferryman.formats.json.text.loads_all": lambda text: loads_all([text.encode()]),
}
"""Functions that need more than a text."""
EXCUSED = {
    "ferryman.metrics.exposition.renamed": "takes lines that we have written",
    "ferryman.task.meters.client_statistics.parsed": "takes what librdkafka has written",
    "ferryman.membership.group_settings.of": "keeps the worker's own URL",
    "ferryman.membership.refusal.of_leader": "puts a URL into an error",
    "ferryman.membership.refusal.of_stranger": "puts a URL into an error",
    "ferryman.plugins.catalog._version": "the name of an installed package",
    "ferryman.kafka.client_keys.converted": "compares a setting with what a client knows",
    "ferryman.validation.config_infos.value": "shows a value, by way of redact",
    "ferryman.connectors.s3.config.bucket_keys.invalid": "puts a value into an error",
    "ferryman.connectors.s3.archive.at_url": "takes the bucket's name off an argument of the command line",
    "ferryman.reach.failed_requests.obstacle": "takes the URL apart to which a request has been sent already",
    "ferryman.reach.remedies.to_url": "goes to where a config's URL leads",
    "ferryman.connectors.stripe.examination.findings": "puts a URL into a finding",
    "ferryman.connectors.sql.config.databases.database": "its parts are called by themselves",
    "ferryman.connectors.sql.dialects.faults.error": "puts a text of ours into an error",
    "ferryman.connectors.sql.dialects.names.table_name": "its parts are called by themselves",
    "ferryman.connectors.sql.dialects.urls.host": "matches one pattern, which the rules for patterns look at",
    "ferryman.transforms.debezium.steps.with_text": "a text of the config",
    "ferryman.connectors.email.smtp.status_codes.scope": "matches one pattern, which the rules for patterns look at",
    "ferryman.telemetry.redaction.protect_refusals": "remembers a value",
    "ferryman.telemetry.free_text.replaced": "the callers that find the places are called",
    "ferryman.worker.connector_file._document": "a file of the operator's; PyYAML reads it",
    "ferryman.client.time_option.bound": "strips an argument of the command line",
    "ferryman.files.documents.loads": "a file of the operator's; PyYAML reads it",
    "ferryman.worker.connector_file.parse": "a file of the operator's",
    "ferryman.dry_run.chain_file.parse": "a file of the operator's",
    "ferryman.connectors.s3.formats.thrift.read_struct": "the footer of a Parquet file that this process wrote",
}
"""Functions that take a text and need no look, and why."""


def required(node: ast.FunctionDef) -> list[ast.arg]:
    """The parameters that have no default."""
    taken = [*node.args.posonlyargs, *node.args.args]
    named = [arg for arg, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if default is None]
    return [*taken[: len(taken) - len(node.args.defaults)], *named]


def is_text(arg: ast.arg) -> bool:
    return arg.annotation is not None and ast.unparse(arg.annotation).removesuffix(" | None") in (
        "str",
        "bytes",
        "Payload",
    )


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every function of a module, by its full name."""
    for module, tree in trees().items():
        if not path(module).startswith(OWN):
            yield from ((f"{module}.{node.name}", node) for node in tree.body if isinstance(node, ast.FunctionDef))


def alone(node: ast.FunctionDef) -> bool:
    """Whether a function takes a text and nothing else."""
    return [is_text(arg) for arg in required(node)] == [True]


def takes_more(node: ast.FunctionDef) -> bool:
    """Whether a public function takes a text from outside, and something else."""
    given = [arg for arg in required(node) if is_text(arg) and arg.arg in OUTSIDE]
    return bool(given) and not alone(node) and not node.name.startswith("_")


def called(name: str, node: ast.FunctionDef) -> Call:
    """What runs a function on a text, and everything that it gives."""
    module, _, own = name.rpartition(".")
    function = getattr(importlib.import_module(module), own)
    function = getattr(function, "__wrapped__", function)
    is_bytes = "str" not in ast.unparse(required(node)[0].annotation or ast.Constant("str"))

    def call(text: str) -> None:
        found = function(text.encode() if is_bytes else text)
        if isinstance(found, Iterator):
            for _ in found:
                pass

    return call


ALONE = {name: called(name, node) for name, node in functions() if alone(node) and name not in EXCUSED}


def shapes(long: bool) -> Iterator[str]:
    """What a hostile text repeats; in an ordinary run those that have done harm."""
    if not long:
        yield from (" ", "a", "1", "\\", '"', "${a:", "a://u:", "{{", "(", "a,", ".")
        return
    yield from (" ", "\n", "\t ", "a ", "a\n", "\\u0000", *SHAPES.split())


def seconds(call: Call, text: str) -> float:
    """The CPU that a call takes; errors end it as well as results."""
    gc.disable()  # a collection costs what all other tests have left behind
    start = time.thread_time()
    with suppress(Exception):
        call(text)
    taken = time.thread_time() - start
    gc.enable()
    return taken


def grows_too_fast(call: Call, shape: str, end: str, size: int) -> bool:
    """Whether a text of four times the length takes more than nine times the CPU, each time that it is tried."""
    short, long = ((shape * (length // len(shape) + 1))[:length] + end for length in (size, TIMES * size))
    if seconds(call, long) < BELIEVED:
        return False
    for _ in range(4):
        fast = min(seconds(call, short) for _ in range(3))
        if seconds(call, long) <= MOST * max(fast, BELIEVED / TIMES / 4):
            return False
    return True


@pytest.fixture(autouse=True)
def unprotected(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """What is protected here is forgotten again, and what is opened is opened in an empty folder."""
    monkeypatch.setattr(redaction, "_values", free_text.Values())
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", sorted({*ALONE, *CALLS}))
def test_the_work_grows_as_the_text_does(name: str, long: bool) -> None:
    call = CALLS.get(name) or ALONE[name]
    size = SMALL * (10 if long else 1)
    assert [shape for shape in shapes(long) for end in ENDS[not long :] if grows_too_fast(call, shape, end, size)] == []


def test_every_function_that_takes_a_text_from_outside_is_listed() -> None:
    known = {name for name, node in functions() if takes_more(node)}
    assert known - set(CALLS) - set(EXCUSED) == set()
    everything = {name for name, _ in functions()}
    assert (set(CALLS) | set(EXCUSED)) - everything == set()


def test_a_function_that_goes_over_its_text_again_and_again_is_found() -> None:
    def quadratic(text: str) -> None:
        for at in range(0, len(text), 5):
            text[at:].count("x", 0, 200_000)

    assert grows_too_fast(quadratic, "a", "", SMALL * 10)
    assert not grows_too_fast(lambda text: list(text * 50), "a", "", SMALL)
