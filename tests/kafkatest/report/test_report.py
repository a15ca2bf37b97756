"""Each difference from Kafka's worker that a test knows is declared once, and the page shows them all."""

import ast
import re
from zipfile import ZipFile

import pytest

from ferryman.stack.runtime.artifacts import read_lock
from ferryman.stack.runtime.download import download
from tests.kafkatest.report.differences import DIFFERENCES
from tests.kafkatest.report.page import HERE, PAGE, files, page, uses
from tests.kafkatest.report.suites import SUITES
from tests.places import ROOT

WHOSE = HERE / "whose.py"
GIVES_AWAY = {"_ours", "ours", "product"}
"""By these a test would know whose worker it has, without a reason for why that matters."""


def test_a_test_knows_whose_worker_it_has_only_by_a_declared_difference() -> None:
    told = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in files()
        if path != WHOSE
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in GIVES_AWAY and ast.unparse(node.value).endswith("whose")
    ]
    assert told == []


def test_every_difference_is_one_that_a_test_knows() -> None:
    assert uses().keys() == set(DIFFERENCES.values())


def test_no_two_differences_are_about_the_same() -> None:
    assert len({each.about for each in DIFFERENCES}) == len(DIFFERENCES) > 10


def test_the_page_is_what_is_declared() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(), "bring it up to date: python -m tests.kafkatest.report.page"


def test_every_file_of_tests_transcribes_a_suite_that_it_names() -> None:
    where = {ROOT / "tests" / file: name for name, suite in SUITES.items() for file in suite.where}
    assert [str(path) for path in where if not path.is_file()] == []
    about = {
        path: path.read_text(encoding="utf-8").split('"""')[1] for path in files() if path.name.startswith("test_")
    }
    assert {str(path) for path, text in about.items() if re.search(r"IntegrationTest|connect_\w+test", text)} <= {
        str(path) for path in where
    }


def test_a_suite_is_transcribed_or_there_is_a_reason_why_not() -> None:
    assert [name for name, suite in SUITES.items() if not suite.where and "*" not in suite.left_out] == []


@pytest.mark.long
def test_the_suites_are_all_that_kafka_has_and_what_is_left_out_is_in_them() -> None:
    [tests] = [each for each in read_lock(HERE / "jars.toml")["kafkatest"] if each.name.endswith("-test.jar")]
    download([tests])
    folder = "org/apache/kafka/connect/integration/"
    with ZipFile(tests.path) as jar:
        names = {name.removeprefix(folder).removesuffix(".class") for name in jar.namelist() if name.startswith(folder)}
        assert {name for name in names if re.fullmatch(r"\w+Test", name)} == {
            name for name in SUITES if not name.endswith(".py")
        }
        for name, suite in SUITES.items():
            code = b"" if name.endswith(".py") else jar.read(f"{folder}{name}.class")
            assert [each for each in suite.left_out if each != "*" and code and each.encode() not in code] == []
