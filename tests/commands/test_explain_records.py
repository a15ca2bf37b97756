"""`ferryman explain` with records: read from a sample or a topic, and told without anything being done."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from confluent_kafka.admin import AdminClient

from ferryman.commands import main
from ferryman.dry_run import sink_input
from ferryman.kafka import newest
from ferryman.stack.runtime.ports import free_port
from tests.places import ROOT
from tests.plugin_folder import installed
from tests.running import create_topic, produce, settings

JSON = "org.apache.kafka.connect.json.JsonConverter"
LINES = {"name": "x", "connector.class": "FileStreamSink", "topics": "t", "value.converter": JSON}
TABLE = {
    "name": "x",
    "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector",
    "topics": "t",
    "auto.create": "true",
    "value.converter": JSON,
}
SCHEMA = {"type": "struct", "fields": [{"field": "n", "type": "int32"}]}
OTHERS = """
from ferryman.api import Sink


class OtherSink(Sink):
    def put(self, records):
        raise AssertionError("it was put")
"""


def explain(folder: Path, config: Mapping[str, str], *options: str, given: str = "") -> Result:
    file = folder / "connector.json"
    file.write_text(json.dumps(config))
    return CliRunner().invoke(main, ["explain", str(file), *options], input=given)


def with_sample(folder: Path, config: Mapping[str, str], *records: Any) -> Result:
    return explain(folder, config, "--sample", "-", given="".join(f"{json.dumps(each)}\n" for each in records))


def found(result: Result) -> Any:
    return json.loads(result.stdout)


def row(n: Any) -> dict[str, Any]:
    return {"value": {"schema": SCHEMA, "payload": {"n": n}}}


def test_what_would_be_done_is_told_and_not_done(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    done = with_sample(tmp_path, LINES | {"file": str(target)}, {"value": "one"}, {"value": "two"})
    assert (done.exit_code, done.stderr) == (0, "")
    assert f"file {target}:\n    these lines are appended:\n    one\n    two\n" in done.stdout
    assert not target.exists()


def test_transforms_are_applied_and_what_they_drop_or_refuse_is_told(tmp_path: Path) -> None:
    chain = {
        "transforms": "cast,drop",
        "transforms.cast.type": "org.apache.kafka.connect.transforms.Cast$Value",
        "transforms.cast.spec": "n:int32",
        "transforms.drop.type": "org.apache.kafka.connect.transforms.Filter",
        "transforms.drop.predicate": "empty",
        "predicates": "empty",
        "predicates.empty.type": "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone",
    }
    records = [{"value": {"n": "7"}}, {"value": {"n": "x"}}, {"value": None}]
    done = with_sample(tmp_path, LINES | chain | {"file": str(tmp_path / "o"), "errors.tolerance": "all"}, *records)
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert "with 3 records:" in lines
    assert any(line.startswith("refused t-0@1: TRANSFORMATION: ") for line in lines)
    assert "passed over t-0@2: a transform drops it" in lines
    assert "    {n=7}" in lines


def test_a_refused_record_fails_the_task_unless_that_is_tolerated(tmp_path: Path) -> None:
    config = TABLE | {"connection.url": f"jdbc:sqlite:{tmp_path}/none.db", "pk.mode": "record_value", "pk.fields": "n"}
    done = with_sample(tmp_path, config, row(1), {"value": {"n": 2}})
    assert done.exit_code == 1
    assert done.stdout.splitlines()[-1] == "fails: errors.tolerance=none, and t-0@1 is refused"
    assert with_sample(tmp_path, config | {"errors.tolerance": "all"}, row(1), {"value": {"n": 2}}).exit_code == 0
    assert not (tmp_path / "none.db").exists()


def test_records_have_places_and_times_where_the_sample_says_none(tmp_path: Path) -> None:
    config = LINES | {"connector.class": "io.confluent.connect.s3.S3SinkConnector", "s3.bucket.name": "archive"}
    config |= {"format.class": "io.confluent.connect.s3.format.json.JsonFormat", "flush.size": "1"}
    places = [{"value": {}}, {"value": {}}, {"value": {}, "partition": 3, "offset": 9}, {"value": {}, "topic": "u"}]
    done = found(explain(tmp_path, config, "--sample", "-", "--json", given="\n".join(map(json.dumps, places))))
    objects = {each["details"]["key"] for each in done["effects"] if each["kind"] == "object"}
    assert objects == {
        "topics/t/partition=0/t+0+0000000000.json",
        "topics/t/partition=0/t+0+0000000001.json",
        "topics/t/partition=3/t+3+0000000009.json",
        "topics/u/partition=0/u+0+0000000000.json",
    }


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "line 1: this is not a JSON object"),
        ('{"nothing": 1}', "line 1: 'nothing' is none of topic, "),
        ('{"offset": 5}\n{"offset": 5}', "line 2: t-0@5 cannot come after the lines before it"),
        ('{"partition": -1}', "line 1: t--1@0 cannot come after the lines before it"),
    ],
)
def test_a_line_that_is_no_record_is_named(tmp_path: Path, line: str, why: str) -> None:
    done = explain(tmp_path, LINES | {"file": str(tmp_path / "o")}, "--sample", "-", given=line)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(why)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it contains no record"),
        (b" \n\n", "it contains no record"),
        (b"\xff\xfe{", "line 1: this is not UTF-8: byte 1"),
        (b'{"value": 1}\n[1]\n', "line 2: this is not a JSON object"),
        (b"id,name\n1,a\n", "line 1: this is not a JSON object"),
    ],
)
def test_a_sample_that_is_none_is_named_with_its_file(tmp_path: Path, content: bytes, why: str) -> None:
    sample = tmp_path / "sample.jsonl"
    sample.write_bytes(content)
    done = explain(tmp_path, LINES | {"file": str(tmp_path / "o")}, "--sample", str(sample))
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"{sample}: {why}")
    empty = explain(tmp_path, LINES | {"file": str(tmp_path / "o")}, "--sample", "-", given="\n")
    assert (empty.exit_code, empty.stderr.startswith("it contains no record")) == (1, True)
    missing = explain(tmp_path, LINES | {"file": "o"}, "--sample", str(tmp_path / "none"))
    assert (missing.exit_code, str(tmp_path / "none") in missing.stderr) == (2, True)


def test_a_sample_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink_input, "MAX_RECORDS", 2)
    done = with_sample(tmp_path, LINES | {"file": str(tmp_path / "o")}, *[{"value": 1}] * 3)
    assert (done.exit_code, done.stderr) == (1, "line 3: a sample has at most 2 records\n")
    monkeypatch.setattr(sink_input, "MAX_LINE_BYTES", 100)
    done = with_sample(tmp_path, LINES | {"file": str(tmp_path / "o")}, {"value": "x" * 200})
    assert (done.exit_code, done.stderr) == (1, "line 1: it is longer than 100 bytes\n")


def test_without_a_topic_in_config_and_sample_there_is_none(tmp_path: Path) -> None:
    config = {name: text for name, text in LINES.items() if name != "topics"} | {"topics.regex": ".*"}
    done = with_sample(tmp_path, config, {"value": 1})
    assert (done.exit_code, done.stderr) == (
        1,
        "line 1: it names no topic, and with topics.regex there is no default\n",
    )
    assert with_sample(tmp_path, config, {"topic": "t", "value": 1}).exit_code == 0


def test_a_config_that_is_wrong_is_refused_by_its_keys(tmp_path: Path) -> None:
    done = with_sample(tmp_path, TABLE | {"connection.url": "jdbc:oracle:x", "batch.size": "many"}, row(1))
    assert (done.exit_code, done.stdout) == (2, "")
    assert "batch.size" in done.stderr


def test_what_only_a_config_provider_knows_is_asked_of_the_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = TABLE | {"connection.url": "jdbc:sqlite:${env:EXPLAINED}", "name": "x"}
    done = with_sample(tmp_path, config, row(1))
    assert done.exit_code == 2
    assert "connection.url: ${env:EXPLAINED} needs a config provider; name the worker's file with --worker" in (
        done.stderr
    )
    monkeypatch.setenv("EXPLAINED", f"{tmp_path}/canary-explained.db")
    worker = tmp_path / "worker.properties"
    worker.write_text("config.providers=env\nconfig.providers.env.class=EnvVar\n")
    lines = json.dumps(row(1))
    done = explain(tmp_path, config, "--worker", str(worker), "--sample", "-", given=lines)
    assert done.exit_code == 0, done.output
    assert 'ddl t: CREATE TABLE "t" ( "n" INTEGER NOT NULL )' in done.stdout
    assert "canary-explained" not in done.output


def test_a_secret_is_hidden_wherever_it_stands(tmp_path: Path) -> None:
    config = {
        "name": "x",
        "connector.class": "EmailSink",
        "topics": "t",
        "smtp.host": "127.0.0.1",
        "smtp.username": "u",
        "smtp.password": "canary-explain-7",
        "mail.from": "a@b.c",
        "mail.to": "a@b.c",
        "mail.subject": "{{ value }}",
        "mail.text": "{{ value }}",
    }
    for options in ((), ("--json",)):
        done = explain(tmp_path, config, "--sample", "-", *options, given='{"value": "canary-explain-7"}')
        assert done.exit_code == 0, done.output
        assert "canary-explain-7" not in done.output


def test_a_source_tells_what_it_asks_first_and_takes_no_records(tmp_path: Path) -> None:
    config = {
        "name": "x",
        "connector.class": "StripeSource",
        "stripe.api.key": "sk_canary_explain",
        "topic": "t",
        "value.converter": JSON,
    }
    done = explain(tmp_path, config)
    assert done.exit_code == 0
    assert "request GET https://api.stripe.com/v1/events?limit=100&types" in done.stdout
    assert "authorization: Bearer [hidden]" in done.stdout
    assert "sk_canary_explain" not in done.output
    done = with_sample(tmp_path, config, {"value": 1})
    assert (done.exit_code, done.stderr) == (2, ": x is a source: records are for sinks\n".lstrip(": "))


def test_others_plugins_say_nothing_and_nothing_is_made_up(tmp_path: Path) -> None:
    home = installed(tmp_path, "other_sink", OTHERS, "OtherSink")
    (tmp_path / "x.json").write_text(json.dumps(LINES | {"connector.class": "OtherSink"}))
    (tmp_path / "sample").write_text('{"value": 1}\n')
    command = [sys.executable, "-m", "ferryman", "explain", "x.json", "--sample", "sample", "--json"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": f"{home}{os.pathsep}{ROOT}"},
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [(each["kind"], each["target"]) for each in told["effects"]] == [("note", "OtherSink")]
    limits = [each["sentence"] for each in told["guarantees"] if not each["holds"]]
    assert "A record arrives at least once: what was put after the last commit comes again after a crash." in limits


def test_guarantees_name_their_tests_and_limits_are_told_as_plainly(tmp_path: Path) -> None:
    done = explain(tmp_path, LINES | {"errors.tolerance": "all"})
    lines = done.stdout.splitlines()
    at = lines.index(
        "not guaranteed: A record that cannot be decoded, transformed or written is skipped, and kept nowhere."
    )
    assert lines[at + 1].startswith("    proved by tests/task/errors/test_error_tolerance.py::test_")
    assert (
        explain(tmp_path, LINES | {"errors.tolerance": "some"})
        .stdout.splitlines()[-1]
        .startswith("guaranteed: nothing is known: ")
    )


def test_a_sources_guarantees_follow_its_worker(tmp_path: Path) -> None:
    config = {"name": "x", "connector.class": "FileStreamSource", "topic": "t", "file": str(tmp_path / "f")}
    worker = tmp_path / "worker.properties"
    worker.write_text("exactly.once.source.support=disabled\n")
    here = {"value.converter": JSON, "key.converter": JSON}
    assert "is there exactly once" in explain(tmp_path, config | here).stdout
    told = explain(tmp_path, config | here, "--worker", str(worker)).stdout
    assert "is there exactly once" not in told
    assert "not guaranteed: A record is there at least once" in told


def test_two_ways_to_have_records_are_one_too_many(tmp_path: Path) -> None:
    done = explain(tmp_path, LINES, "--sample", "-", "--from-topic", "3")
    assert done.exit_code == 2
    assert "exclude each other" in done.stderr


def properties(folder: Path, values: Mapping[str, str]) -> str:
    file = folder / "worker.properties"
    file.write_text("".join(f"{key}={value}\n" for key, value in values.items()))
    return str(file)


def test_the_newest_records_of_a_topic_are_read_and_no_group_is_made(
    tmp_path: Path, kafka: str, admin: AdminClient, unique: str
) -> None:
    create_topic(kafka, unique)
    produce(kafka, unique, [b'{"n": %d}' % number for number in range(10)] + [b"{"])
    config = LINES | {"name": unique, "topics": unique, "file": str(tmp_path / "o"), "errors.tolerance": "all"}
    config |= {"value.converter.schemas.enable": "false"}
    worker = properties(tmp_path, settings(kafka, unique))
    done = found(explain(tmp_path, config, "--worker", worker, "--from-topic", "3", "--json"))
    assert done["records"] == 3
    assert [each["details"]["lines"] for each in done["effects"] if each["kind"] == "file"] == [["{n=8}", "{n=9}"]]
    refused = [(each["target"], each["text"]) for each in done["effects"] if each["kind"] == "refused"]
    assert [place for place, _ in refused] == [f"{unique}-0@10"]
    assert refused[0][1].startswith("VALUE_CONVERTER: ")
    groups = {each.group_id for each in admin.list_consumer_groups().result().valid}
    assert f"connect-{unique}" not in groups


def test_topics_that_a_pattern_matches_are_read_each(tmp_path: Path, kafka: str, unique: str) -> None:
    for topic in (f"{unique}-a", f"{unique}-b"):
        create_topic(kafka, topic)
        produce(kafka, topic, [b'"v"'])
    config = {name: text for name, text in LINES.items() if name != "topics"} | {"topics.regex": f"{unique}-[a-z]"}
    config |= {"value.converter.schemas.enable": "false"}
    worker = properties(tmp_path, settings(kafka, unique))
    assert found(explain(tmp_path, config, "--worker", worker, "--from-topic", "5", "--json"))["records"] == 2


def test_a_topic_with_nothing_in_it_is_told(tmp_path: Path, kafka: str, unique: str) -> None:
    worker = properties(tmp_path, settings(kafka, unique))
    config = LINES | {"topics": unique, "file": str(tmp_path / "o")}
    done = explain(tmp_path, config, "--worker", worker, "--from-topic", "5")
    assert done.exit_code == 0
    assert f"note {unique}: is empty, or does not exist" in done.stdout


def test_brokers_must_be_known_and_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = explain(tmp_path, LINES, "--from-topic", "5")
    assert (done.exit_code, "--worker" in done.stderr) == (2, True)
    monkeypatch.setattr(newest, "ANSWER_SECONDS", 1.0)
    worker = properties(tmp_path, settings(f"127.0.0.1:{free_port()}", "x"))
    done = explain(tmp_path, LINES, "--worker", worker, "--from-topic", "5")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "the topic t cannot be read" in done.stderr
