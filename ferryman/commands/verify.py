"""``ferryman verify``: whether an archive in S3 holds what the topic holds."""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ferryman.archives.comparison import Report
    from ferryman.connectors.s3.archive import Archive, Examined
    from ferryman.settings.settings import Settings


@click.command("verify")
@click.argument("archive")
@click.option("--against", "topic", required=True, help="The topic to compare with.")
@click.option("--bootstrap", help="The brokers, as host:port,…; for brokers with TLS or logins use --worker.")
@click.option(
    "--worker",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A worker's file, which says how to connect to Kafka.",
)
@click.option(
    "--set", "more", multiple=True, metavar="KEY=VALUE", help="One more key of the archive, such as store.url."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    archive: str, topic: str, bootstrap: str | None, worker: Path | None, more: Sequence[str], as_json: bool
) -> None:
    """Compare an archive with its topic by offsets: gaps, doubles, damaged objects.

    ARCHIVE is s3://bucket/prefix, or the file of the connector that writes or reads it. All objects and the topic are
    read. The exit code is 0 if nothing is wrong, 1 if something is, 2 if either cannot be read.
    """
    from ferryman.archives import kafka, unreadable

    with unreadable.exits_with_two():
        settings = kafka.settings_of(worker, bootstrap)
        config = _config(archive, more, settings)
        try:
            report = _report(config, topic, settings)
        finally:
            _show("")
    if as_json:
        click.echo(json.dumps(report.as_json()))
    else:
        for line in _lines(report):
            click.echo(line)
    sys.exit(1 if report.findings else 0)


def _config(archive: str, more: Sequence[str], settings: "Settings") -> "Archive":
    from ferryman.connectors.s3 import archive as archives
    from ferryman.errors import ConfigError
    from ferryman.worker import connector_file

    pairs = [each.partition("=") for each in more]
    if not all(key and equals for key, equals, _ in pairs):
        raise ConfigError.for_key("", "--set takes KEY=VALUE")
    given = {key: value for key, _, value in pairs}
    if "://" in archive:
        return archives.at_url(archive, settings.providers.resolve(given).values)
    raw = {**connector_file.read(Path(archive)).config, **given}
    resolved = settings.providers.resolve(raw)
    if problems := [*resolved.problems, *resolved.missing]:
        raise ConfigError(*problems)
    return archives.source_config(resolved.values)


def _report(config: "Archive", topic: str, settings: "Settings") -> "Report":
    from ferryman.archives import kafka
    from ferryman.archives.comparison import compare
    from ferryman.connectors.s3 import archive as archives

    look = archives.look(config)
    objects = list(_shown(look.examined(_archived_as(config, topic, look.topics))))
    report = compare(topic, objects, kafka.held(settings, topic, _progress))
    report.passed_over, report.passed_over_names = look.passed_over.count, look.passed_over.names
    return report


def _archived_as(config: "Archive", topic: str, there: Sequence[str]) -> str:
    """The topic's name in the archive: its own, or that which restore.topics names."""
    from ferryman.errors import ConfigError

    named = [each for each in there if each in config.restore_topics]
    if topic in there and (not config.restore_topics or topic in named):
        return topic
    if len(named) == 1:
        return named[0]
    found = ", ".join(there[:10]) or "none"
    raise ConfigError.for_key(
        "restore.topics",
        f"{topic} is not in the archive, whose topics are {found}: --set restore.topics=… names the one to compare "
        "with, if it is called otherwise there",
    )


def _shown(objects: "Iterable[Examined]") -> "Iterable[Examined]":
    for number, each in enumerate(objects, 1):
        if number % 100 == 0:
            _show(f"{number} objects have been read")
        yield each


def _progress(count: int) -> None:
    _show(f"{count} records of a partition are read")


def _show(text: str) -> None:
    """On a terminal, in place of what was shown before; nothing takes it away."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{text}", nl=False, err=True)


def _lines(report: "Report") -> Iterable[str]:
    for finding in report.findings:
        yield finding.line
    verdict = f"{len(report.findings)} findings" if report.findings else "no findings"
    yield (
        f"{report.topic}: {report.objects} objects with {report.archived} records, compared with {report.compared} of "
        f"the topic: {verdict}"
    )
    if report.only_archived:
        yield f"{report.only_archived} records are in the archive only: the topic no longer has them"
    if report.behind:
        yield f"{report.behind} records of the topic come after the archive's end"
    if report.passed_over:
        names = ", ".join(report.passed_over_names) + (
            ", …" if report.passed_over > len(report.passed_over_names) else ""
        )
        yield f"{report.passed_over} objects are skipped, since their names are not of the archive's form: {names}"
