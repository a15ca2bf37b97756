"""`ferryman explain`: the plan of a connector's tasks, in the words of the task's log."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ferryman.chain import builder
from ferryman.commands import main
from ferryman.plugins import catalog
from tests.places import ROOT

PAGE = (ROOT / "docs" / "commands" / "explain.md").read_text(encoding="utf-8")
JSON = "org.apache.kafka.connect.json.JsonConverter"
SINK = {"name": "x", "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector", "topics": "t"}


def explain(folder: Path, config: Any, *options: str) -> Result:
    file = folder / "connector.json"
    file.write_text(json.dumps(config))
    return CliRunner().invoke(main, ["explain", str(file), *options])


def plan(result: Result) -> list[str]:
    """The lines of the plan."""
    return [line for line in result.stdout.splitlines() if line.startswith("plan: ")]


def test_the_page_shows_what_the_command_prints(tmp_path: Path) -> None:
    config, expected = (re.search(rf"^```{kind}\n(.*?)^```$", PAGE, re.M | re.S) for kind in ("json", "text"))
    assert config is not None
    assert expected is not None
    (tmp_path / "connector.json").write_text(config[1])
    command = [sys.executable, "-m", "ferryman", "explain", "connector.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stdout, done.stderr) == (0, expected[1], "")


DOUBTFUL = {
    **SINK,
    "connector.class": "FileStreamSink",
    "file": "${env:NOWHERE_TO_BE_FOUND}",
    "batch.sise": "3",
    "errors.deadletterqueue.topic.name": "letters",
}


@pytest.mark.parametrize("worker", [False, True], ids=["alone", "with a worker"])
def test_what_a_worker_warns_of_is_said_and_nothing_of_what_another_worker_may_know(
    tmp_path: Path, worker: bool
) -> None:
    file = tmp_path / "worker.properties"
    file.write_text(f"key.converter={JSON}\nvalue.converter={JSON}\n")
    options = ["--worker", str(file)] if worker else []
    told = [line for line in explain(tmp_path, DOUBTFUL, *options).stdout.splitlines() if line.startswith("warning: ")]
    as_json = json.loads(explain(tmp_path, DOUBTFUL, *options, "--json").stdout)
    assert told == [f"warning: {each}" for each in as_json["warnings"]]
    keys = ["errors.deadletterqueue.topic.name", "batch.sise"]
    assert sorted(line.split(" ")[1] for line in told) == sorted([*keys, "file"] if worker else keys)
    assert all("env" in line for line in told if line.startswith("warning: file "))


def test_what_is_wrong_is_not_warned_of_too(tmp_path: Path) -> None:
    file = tmp_path / "worker.properties"
    provider = "config.providers=env\nconfig.providers.env.class=EnvVarConfigProvider\n"
    file.write_text(f"key.converter={JSON}\nvalue.converter={JSON}\n{provider}")
    found = json.loads(explain(tmp_path, DOUBTFUL, "--worker", str(file), "--json").stdout)
    assert [each for each in found["wrong"] if "NOWHERE_TO_BE_FOUND" in each]
    assert not [each for each in found["warnings"] if "NOWHERE_TO_BE_FOUND" in each]


def test_the_lines_are_those_of_the_tasks_log(tmp_path: Path) -> None:
    config = SINK | {
        "key.converter": JSON,
        "value.converter": JSON,
        "value.converter.schemas.enable": "false",
        "transforms": "r",
        "transforms.r.type": "RegexRouter",
        "transforms.r.regex": "a",
        "transforms.r.replacement": "b",
    }
    sink = catalog.find("sink", SINK["connector.class"])
    assert sink is not None
    logged = [f"plan: {step}" for step in builder.chain(config, {}, sink).plan.steps]
    logged.append(f"plan: commit: {sink.truth}")
    assert plan(explain(tmp_path, config)) == logged
    assert "without a schema columns are worth it only if every step takes them" in logged[0]


ARCHIVE = {"name": "x", "connector.class": "io.confluent.connect.s3.S3SinkConnector", "topics": "t"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, ["plan: fetch 1,000,000 bytes at once, or what is there after 500 ms"]),
        (
            {"consumer.override.fetch.min.bytes": "9", "consumer.override.fetch.max.wait.ms": "8"},
            ["plan: fetch 9 bytes at once, or what is there after 8 ms"],
        ),
        ({"consumer.override.fetch.min.bytes": "1"}, []),
        (
            {"consumer.override.fetch.min.bytes": "${env:LEAST}"},
            ["plan: fetch 1,000,000 bytes at once, or what is there after 500 ms"],
        ),
    ],
)
def test_a_sink_that_fetches_more_at_once_says_so(tmp_path: Path, more: dict[str, str], said: list[str]) -> None:
    lines = explain(tmp_path, ARCHIVE | {"value.converter": JSON} | more).stdout.splitlines()
    assert [line for line in lines if "fetch" in line] == said


def test_a_fetch_that_no_consumer_takes_is_refused_by_name(tmp_path: Path) -> None:
    done = explain(tmp_path, ARCHIVE | {"value.converter": JSON, "consumer.override.fetch.min.bytes": "few"})
    assert done.exit_code == 2
    assert "consumer.override.fetch.min.bytes" in done.stderr


def test_a_source_gives_rows_and_all_after_it_is_rows(tmp_path: Path) -> None:
    config = {
        "name": "x",
        "connector.class": "FileStreamSource",
        "value.converter": JSON,
        "transforms": "h",
        "transforms.h.type": "org.apache.kafka.connect.transforms.HoistField$Value",
        "transforms.h.field": "line",
    }
    assert plan(explain(tmp_path, config)) == [
        "plan: poll by FileStreamSourceConnector: rows (FileStreamSourceConnector gives rows)",
        "plan: transform h by HoistField: rows (poll by FileStreamSourceConnector gives rows)",
        "plan: encode by JsonConverter: rows (transform h by HoistField gives rows)",
    ]


def test_the_workers_converter_counts_where_the_config_names_none(tmp_path: Path) -> None:
    worker = tmp_path / "worker.properties"
    worker.write_text(f"value.converter={JSON}\nvalue.converter.schemas.enable=false\n")
    assert explain(tmp_path, SINK, "--worker", str(worker)).stdout.startswith("plan: decode by JsonConverter: rows")
    first, second, _ = plan(explain(tmp_path, SINK))
    assert first == "plan: decode: value.converter is the worker's; name the worker's file with --worker"
    assert second == "plan: put by SqlSinkConnector: columns"
    worker.write_bytes(b"\x00\xff")
    first, *_ = plan(explain(tmp_path, SINK, "--worker", str(worker)))
    assert first == f"plan: decode: {worker} has no value.converter, and no worker starts without one"


@pytest.mark.parametrize("of_worker", [False, True])
def test_what_a_group_of_the_consumer_protocol_costs_is_told(tmp_path: Path, of_worker: bool) -> None:
    worker = tmp_path / "worker.properties"
    worker.write_text("consumer.group.protocol=CONSUMER\n" if of_worker else "")
    chosen = {} if of_worker else {"consumer.override.group.protocol": "consumer"}
    lines = plan(explain(tmp_path, SINK | chosen, "--worker", str(worker)))
    assert "commit: the table of offsets" in lines[-2]
    assert "group.consumer.session.timeout.ms (45 seconds by default)" in lines[-1]
    mail = {"connector.class": "EmailSink", "smtp.host": "h", "mail.from": "a@b.c", "mail.to": "a@b.c"}
    mail |= {"mail.subject": "s", "mail.text": "t"}
    refused = plan(explain(tmp_path, SINK | mail | chosen, "--worker", str(worker)))[-1]
    assert refused.startswith(
        "plan: refused: consumer.override.group.protocol must be classic, for the metadata of the group's"
    )


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"connector.class": "Nothing"}, "there is no connector 'Nothing'"),
        ({"connector.class": " "}, 'Missing required configuration "connector.class" which has no default value.'),
        ({"value.converter": "Nothing"}, "Class Nothing could not be found"),
        ({"value.converter": JSON, "value.converter.schemas.enable": "maybe"}, "value.converter.schemas.enable"),
        ({"transforms": "a"}, 'Missing required configuration "transforms.a.type"'),
        (
            {"transforms": "r", "transforms.r.type": "RegexRouter", "transforms.r.replacement": "x"},
            'Missing required configuration "transforms.r.regex" which has no default value.',
        ),
        (
            {
                "transforms": "r",
                "transforms.r.type": "RegexRouter",
                "transforms.r.regex": "(",
                "transforms.r.replacement": "x",
            },
            "Invalid value ( for configuration transforms.r.regex: ",
        ),
        (
            {"transforms": "i", "transforms.i.type": "InsertField$Value"},
            "transforms.i.topic.field: No field insertion configured",
        ),
        (
            {"predicates": "p", "predicates.p.type": "HasHeaderKey"},
            'Missing required configuration "predicates.p.name" which has no default value.',
        ),
        (
            {"value.converter": JSON, "value.converter.schema.content": "{"},
            "value.converter.schema.content: Failed to parse schema in converter config",
        ),
    ],
)
def test_a_chain_that_cannot_be_built_has_no_plan(tmp_path: Path, change: dict[str, str], why: str) -> None:
    result = explain(tmp_path, SINK | change)
    assert result.exit_code == 2
    assert why in result.stderr
    assert result.stdout == ""


def test_a_worker_file_that_is_missing_is_named(tmp_path: Path) -> None:
    result = explain(tmp_path, SINK, "--worker", str(tmp_path / "none.properties"))
    assert result.exit_code == 2
    assert "none.properties cannot be read: No such file or directory" in result.stderr


def test_what_is_wrong_with_a_file_is_no_keys_fault(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text("{")
    assert CliRunner().invoke(main, ["explain", str(file)]).stderr.startswith(f"{file}: this is not JSON: ")
    file.unlink()
    assert CliRunner().invoke(main, ["explain", str(file)]).stderr == f"{file}: No such file or directory\n"


@pytest.mark.parametrize("chain", [{}, {"transforms": "a"}], ids=["the plan is there", "there is no plan"])
def test_everything_that_is_wrong_is_told_and_ends_with_2(tmp_path: Path, chain: dict[str, str]) -> None:
    url = {"connection.url": "jdbc:sqlite:x.db", "value.converter": JSON}
    done = explain(tmp_path, SINK | url | chain | {"insert.mode": "upsrt", "errors.tolerance": "some"})
    assert done.exit_code == 2
    wrong = [line for line in done.output.splitlines() if "Invalid value" in line or "Missing required" in line]
    assert [re.findall(r'configuration "?([a-z.]+)', line) for line in wrong] == [
        *([["transforms.a.type"]] if chain else []),
        ["errors.tolerance"],
        ["insert.mode"],
    ]
    assert [line.startswith("wrong: ") for line in wrong] == [not chain] * len(wrong)
    assert bool(done.stdout) != bool(chain)
