"""References in configs, and the limits of what they may reach."""

import os
from pathlib import Path

import pytest

from ferryman.settings import config_providers
from ferryman.telemetry import redaction

WORKER = {
    "config.providers": "env, file,dir",
    "config.providers.env.class": "org.apache.kafka.common.config.provider.EnvVarConfigProvider",
    "config.providers.env.param.allowlist.pattern": "[A-Z]",
    "config.providers.file.class": "File",
    "config.providers.dir.class": "DirectoryConfigProvider",
}


@pytest.fixture
def providers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> config_providers.Providers:
    monkeypatch.setenv("A", "va")
    monkeypatch.setenv("B", "vb")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-aws")
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "s.properties").write_text("password=canary-file\nempty=\n")
    (tmp_path / "open" / "link").symlink_to(tmp_path / "closed")
    (tmp_path / "closed").write_text("password=canary-closed")
    limits = {f"config.providers.{name}.param.allowed.paths": f"{tmp_path}/open" for name in ("file", "dir")}
    found, problems, warnings = config_providers.declared(WORKER | limits)
    assert (problems, warnings) == ([], [])
    return found


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("${env:A}", "va"),
        ("x${env:A}y${env:B}z", "xvayvbz"),
        ("${env:MISSING}", "${env:MISSING}"),
        ("${nope:A}", "${nope:A}"),
        ("${A}", "${A}"),
        ("${env::A}", "va"),
        ("${env:A", "${env:A"),
        ("$${env:A}", "$va"),
    ],
)
def test_references_are_substituted_as_kafka_does(
    providers: config_providers.Providers, text: str, result: str
) -> None:
    assert providers.resolve({"k": text}).values == {"k": result}


def test_a_path_for_a_variable_is_refused(providers: config_providers.Providers) -> None:
    (problem,) = providers.resolve({"k": "${env:p:A}"}).problems
    assert problem.key == "k"
    assert "Path is not supported for EnvVarConfigProvider, invalid value 'p'" in problem.message


def test_files_and_directories_are_read(providers: config_providers.Providers, tmp_path: Path) -> None:
    found = providers.resolve(
        {
            "a": f"${{file:{tmp_path}/open/s.properties:password}}",
            "b": f"${{file:{tmp_path}/open/s.properties:empty}}",
            "c": f"${{dir:{tmp_path}/open:s.properties}}",
        }
    )
    assert found.values == {"a": "canary-file", "b": "", "c": "password=canary-file\nempty=\n"}
    assert redaction.redact("canary-file") == f"${{file:{tmp_path}/open/s.properties:password}}"


@pytest.mark.parametrize(
    "reference",
    [
        "${file:/etc/passwd:root}",
        "${file:%s/open/../closed:password}",
        "${file:%s/open/link:password}",
        "${dir:%s/open/..:closed}",
        "${dir:%s/open:link}",
    ],
)
def test_nothing_outside_the_allowed_paths_is_read(
    providers: config_providers.Providers, tmp_path: Path, reference: str
) -> None:
    given = reference.replace("%s", str(tmp_path))
    found = providers.resolve({"k": given})
    assert [problem.key for problem in found.problems] == ["k"]
    assert found.values["k"] == given


@pytest.mark.parametrize("name", ["file", "dir"])
@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("secrets", "Path secrets is not absolute"),
        ("%s,secrets/more", "Path secrets/more is not absolute"),
        ("/nowhere/at-all", "Path /nowhere/at-all does not exist"),
        ("%s, /nowhere/at-all", "Path /nowhere/at-all does not exist"),
        ("${env:HOME}", "Path ${env:HOME} is not absolute"),
    ],
)
def test_an_allowed_path_that_allows_nothing_is_refused_at_the_start(
    tmp_path: Path, name: str, given: str, reason: str
) -> None:
    key = f"config.providers.{name}.param.allowed.paths"
    _, problems, _ = config_providers.declared({**WORKER, key: given.replace("%s", str(tmp_path))})
    assert [(each.key, each.message) for each in problems] == [(key, f"{key}: {reason}")]


def test_a_key_cannot_climb_out_of_its_directory(providers: config_providers.Providers, tmp_path: Path) -> None:
    found = providers.resolve({"k": f"${{dir:{tmp_path}/open:../closed}}"})
    assert "canary" not in found.values["k"]


def test_a_variable_outside_the_allow_list_is_not_read_and_the_pattern_is_named(
    providers: config_providers.Providers,
) -> None:
    found = providers.resolve({"k": "${env:AWS_SECRET_ACCESS_KEY}"})
    assert found.values["k"] == "${env:AWS_SECRET_ACCESS_KEY}"
    (missing,) = found.missing
    assert missing.message == (
        "k cannot be resolved: the config provider 'env' finds nothing for ${env:AWS_SECRET_ACCESS_KEY}: "
        "the provider's allowlist.pattern does not let that variable be read"
    )
    # A connector does not start with it; a worker does, as Kafka Connect's: each is told what is so.
    assert found.doubts == (f"{missing.message}; the connector does not start",)
    assert found.kept == (f"{missing.message}; the text is left unresolved",)


def test_what_only_looks_like_a_reference_is_kept_as_text(providers: config_providers.Providers) -> None:
    found = providers.resolve({"k": "${topic:orders}"})
    assert (found.values["k"], found.missing) == ("${topic:orders}", ())
    (doubt,) = found.doubts
    assert doubt.startswith("k keeps ${topic:orders} as text: the config provider 'topic' is not declared")


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("${file:%s/open/s.properties:none}", "the file has no key none"),
        ("${file:password}", "it contains no path"),
        ("${dir:%s/open:none}", "there is no such file"),
        ("${dir:%s/open:../closed}", "its key is not the name of a file"),
        ("${env:Z}", "there is no such variable"),
    ],
)
def test_it_is_told_why_nothing_is_found(
    providers: config_providers.Providers, tmp_path: Path, reference: str, why: str
) -> None:
    found = providers.resolve({"k": reference.replace("%s", str(tmp_path))})
    assert [each.message.endswith(f": {why}") for each in found.missing] == [True]


def test_a_provider_without_limits_is_warned_about_by_name() -> None:
    _, _, warnings = config_providers.declared(WORKER)
    assert [text.split()[0] for text in warnings] == [
        "config.providers.file.param.allowed.paths",
        "config.providers.dir.param.allowed.paths",
    ]


def test_a_files_line_ends_are_its_own(providers: config_providers.Providers, tmp_path: Path) -> None:
    (tmp_path / "open" / "key.pem").write_bytes(b"one\r\ntwo\rthree\n")
    found = providers.resolve({"k": f"${{dir:{tmp_path}/open:key.pem}}"})
    assert found.values == {"k": "one\r\ntwo\rthree\n"}


def test_what_is_not_utf8_is_refused_by_name_and_none_of_it_is_shown(
    providers: config_providers.Providers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environb, b"A", b"gr\xfcn")
    (tmp_path / "open" / "old").write_bytes(b"gr\xfcn")
    again, _, _ = config_providers.declared(WORKER)
    found = again.resolve({"k": "${env:A}", "l": f"${{dir:{tmp_path}/open:old}}"})
    assert [each.key for each in found.problems] == ["k", "l"]
    assert "The environment variable A is not UTF-8" in found.problems[0].message
    assert "old" in found.problems[1].message
    assert not any("fc" in each.message or "gr" in each.message for each in found.problems)
